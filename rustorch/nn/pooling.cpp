#include "rustorch/nn/pooling.h"

#include <algorithm>

#include "rustorch/nn/repr.h"

namespace rustorch::nn {

namespace {

// Checks that sizes make sense for N dims: one, or one each, at least `least`.
template <std::size_t N>
void check_sizes(const SpatialSizes& sizes, const std::string& layer, const char* what, std::int64_t least) {
  const std::array<std::int64_t, 3> expanded = sizes.expand(N, layer.c_str(), what);
  RUSTORCH_CHECK(
      std::all_of(expanded.begin(), expanded.begin() + N, [&](std::int64_t size) { return size >= least; }),
      invalid_argument, "{}: {} must be at least {}, not {}", layer, what, least, sizes.list());
}

template <std::size_t N, class Options>
void check_window(const Options& options, const std::string& layer) {
  RUSTORCH_CHECK(!options.kernel_size.empty(), invalid_argument, "{}: kernel_size is missing", layer);
  check_sizes<N>(options.kernel_size, layer, "kernel_size", 1);
  if (!options.stride.empty()) check_sizes<N>(options.stride, layer, "stride", 1);
  check_sizes<N>(options.padding, layer, "padding", 0);
}

// As it was written: 2 or (2, 3).
std::string print(const SpatialSizes& sizes) {
  return sizes.list().size() == 1 ? fmt::format("{}", sizes.list()[0]) : repr::tuple(sizes.list());
}

}  // namespace

template <std::size_t N>
MaxPool<N>::MaxPool(const MaxPoolOptions& options) : options_(options) {
  check_window<N>(options, type_name());
  check_sizes<N>(options.dilation, type_name(), "dilation", 1);
  if (options.stride.empty()) options_.stride = options.kernel_size;
}

template <std::size_t N>
Tensor MaxPool<N>::forward(const Tensor& x) {
  const MaxPoolOptions& o = options_;
  if constexpr (N == 1) {
    return max_pool1d(x, o.kernel_size, o.stride, o.padding, o.dilation, o.ceil_mode);
  } else if constexpr (N == 2) {
    return max_pool2d(x, o.kernel_size, o.stride, o.padding, o.dilation, o.ceil_mode);
  } else {
    return max_pool3d(x, o.kernel_size, o.stride, o.padding, o.dilation, o.ceil_mode);
  }
}

template <std::size_t N>
std::string MaxPool<N>::type_name() const {
  return fmt::format("MaxPool{}d", N);
}

template <std::size_t N>
std::string MaxPool<N>::extra_repr() const {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
                     print(options_.kernel_size), print(options_.stride), print(options_.padding),
                     print(options_.dilation), repr::boolean(options_.ceil_mode));
}

template class MaxPool<1>;
template class MaxPool<2>;
template class MaxPool<3>;

template <std::size_t N>
AvgPool<N>::AvgPool(const AvgPoolOptions& options) : options_(options) {
  check_window<N>(options, type_name());
  RUSTORCH_CHECK(N > 1 || !options.divisor_override, invalid_argument, "AvgPool1d takes no divisor_override");
  RUSTORCH_CHECK(options.divisor_override != 0, invalid_argument, "{}: divisor_override must not be 0",
                 type_name());
  if (options.stride.empty()) options_.stride = options.kernel_size;
}

template <std::size_t N>
Tensor AvgPool<N>::forward(const Tensor& x) {
  const AvgPoolOptions& o = options_;
  if constexpr (N == 1) {
    return avg_pool1d(x, o.kernel_size, o.stride, o.padding, o.ceil_mode, o.count_include_pad);
  } else if constexpr (N == 2) {
    return avg_pool2d(x, o.kernel_size, o.stride, o.padding, o.ceil_mode, o.count_include_pad,
                      o.divisor_override);
  } else {
    return avg_pool3d(x, o.kernel_size, o.stride, o.padding, o.ceil_mode, o.count_include_pad,
                      o.divisor_override);
  }
}

template <std::size_t N>
std::string AvgPool<N>::type_name() const {
  return fmt::format("AvgPool{}d", N);
}

template <std::size_t N>
std::string AvgPool<N>::extra_repr() const {
  // PyTorch prints the sizes of the 1-d layer as tuples.
  const auto text = [](const SpatialSizes& sizes) {
    return N == 1 ? repr::tuple(sizes.list()) : print(sizes);
  };
  return fmt::format("kernel_size={}, stride={}, padding={}", text(options_.kernel_size),
                     text(options_.stride), text(options_.padding));
}

template class AvgPool<1>;
template class AvgPool<2>;
template class AvgPool<3>;

template <std::size_t N>
AdaptiveAvgPool<N>::AdaptiveAvgPool(const SpatialSizes& output_size) : output_size_(output_size) {
  check_sizes<N>(output_size, type_name(), "output_size", 0);
}

template <std::size_t N>
Tensor AdaptiveAvgPool<N>::forward(const Tensor& x) {
  if constexpr (N == 1) {
    return adaptive_avg_pool1d(x, output_size_);
  } else if constexpr (N == 2) {
    return adaptive_avg_pool2d(x, output_size_);
  } else {
    return adaptive_avg_pool3d(x, output_size_);
  }
}

template <std::size_t N>
std::string AdaptiveAvgPool<N>::type_name() const {
  return fmt::format("AdaptiveAvgPool{}d", N);
}

template <std::size_t N>
std::string AdaptiveAvgPool<N>::extra_repr() const {
  return fmt::format("output_size={}", print(output_size_));
}

template class AdaptiveAvgPool<1>;
template class AdaptiveAvgPool<2>;
template class AdaptiveAvgPool<3>;

template <std::size_t N>
AdaptiveMaxPool<N>::AdaptiveMaxPool(const SpatialSizes& output_size) : output_size_(output_size) {
  check_sizes<N>(output_size, type_name(), "output_size", 0);
}

template <std::size_t N>
Tensor AdaptiveMaxPool<N>::forward(const Tensor& x) {
  if constexpr (N == 1) {
    return adaptive_max_pool1d(x, output_size_);
  } else if constexpr (N == 2) {
    return adaptive_max_pool2d(x, output_size_);
  } else {
    return adaptive_max_pool3d(x, output_size_);
  }
}

template <std::size_t N>
std::string AdaptiveMaxPool<N>::type_name() const {
  return fmt::format("AdaptiveMaxPool{}d", N);
}

template <std::size_t N>
std::string AdaptiveMaxPool<N>::extra_repr() const {
  return fmt::format("output_size={}", print(output_size_));
}

template class AdaptiveMaxPool<1>;
template class AdaptiveMaxPool<2>;
template class AdaptiveMaxPool<3>;

}  // namespace rustorch::nn
