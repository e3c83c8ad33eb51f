#include "rustorch/nn/convolution.h"

#include <algorithm>
#include <cmath>

#include "rustorch/nn/init.h"
#include "rustorch/nn/repr.h"
#include "rustorch/tensor/operations/creation.h"

namespace rustorch::nn {

namespace {

// One size per dim; at least `least`.
template <std::size_t N>
Shape sizes_of(const SpatialSizes& sizes, const std::string& layer, const char* what, std::int64_t least) {
  RUSTORCH_CHECK(!sizes.empty(), invalid_argument, "{}: {} is missing", layer, what);
  const std::array<std::int64_t, 3> expanded = sizes.expand(N, layer.c_str(), what);
  Shape result(std::span(expanded.data(), N));
  RUSTORCH_CHECK(std::all_of(result.begin(), result.end(), [&](std::int64_t size) { return size >= least; }),
                 invalid_argument, "{}: {} must be at least {}, not {}", layer, what, least, result);
  return result;
}

void check_channels(const std::string& layer, std::int64_t in_channels, std::int64_t out_channels,
                    std::int64_t groups) {
  RUSTORCH_CHECK(groups > 0, invalid_argument, "{}: groups must be positive, not {}", layer, groups);
  RUSTORCH_CHECK(in_channels > 0 && out_channels > 0, invalid_argument,
                 "{}: the numbers of channels must be positive, not {} and {}", layer, in_channels,
                 out_channels);
  RUSTORCH_CHECK(in_channels % groups == 0 && out_channels % groups == 0, invalid_argument,
                 "{}: {} input and {} output channels must both be divisible by {} groups", layer,
                 in_channels, out_channels, groups);
}

template <std::size_t N>
void check_input(const Module& layer, const Tensor& x, std::int64_t channels) {
  const std::size_t rank = x.rank();
  if (rank != N + 1 && rank != N + 2) [[unlikely]] {
    fail_with_suggestion(
        ErrorCode::shape_mismatch,
        rank == N ? "add the channel dim: x.unsqueeze(0), or x.unsqueeze(1) for a batch" : "",
        "{}({}) takes inputs of {} or {} dims, not {}", layer.type_name(), layer.extra_repr(), N + 1, N + 2,
        x.shape());
  }
  const std::int64_t given = x.shape()[rank - N - 1];
  if (given != channels) [[unlikely]] {
    fail_with_suggestion(
        ErrorCode::shape_mismatch,
        x.shape().back() == channels ? "the channels come before the spatial dims: permute the input" : "",
        "{}({}) takes {} channels, but the input {} has {}", layer.type_name(), layer.extra_repr(), channels,
        x.shape(), given);
  }
}

template <class Options>
std::string sizes_repr(std::int64_t in_channels, std::int64_t out_channels, const Options& options) {
  return fmt::format("{}, {}, kernel_size={}, stride={}", in_channels, out_channels,
                     repr::tuple(options.kernel_size.list()), repr::tuple(options.stride.list()));
}

// ", name=(2, 2)" unless all sizes have the default.
std::string unless_default(std::string_view name, const SpatialSizes& sizes, std::int64_t usual) {
  const bool all =
      std::all_of(sizes.list().begin(), sizes.list().end(), [&](auto size) { return size == usual; });
  return all ? "" : fmt::format(", {}={}", name, repr::tuple(sizes.list()));
}

std::string_view name_of(PadMode mode) {
  switch (mode) {
    case PadMode::constant:
      return "zeros";
    case PadMode::reflect:
      return "reflect";
    case PadMode::replicate:
      return "replicate";
    case PadMode::circular:
      return "circular";
  }
  return "";
}

template <class Layer>
void reset(Layer& layer) {
  init::kaiming_uniform_(layer.weight, std::sqrt(5.0));
  if (!layer.bias.defined()) return;
  const std::int64_t fan_in = init::calculate_fan_in_and_fan_out(layer.weight).in;
  if (fan_in == 0) return;
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  init::uniform_(layer.bias, -bound, bound);
}

}  // namespace

ConvPadding::ConvPadding(std::string_view name) : same_(name == "same") {
  RUSTORCH_CHECK(name == "same" || name == "valid", invalid_argument,
                 "a convolution's padding is sizes, \"same\" or \"valid\", not \"{}\"", name);
}

// ---- Convolution

template <std::size_t N>
Convolution<N>::Convolution(std::int64_t in_channels, std::int64_t out_channels, const ConvOptions& options)
    : in_channels_(in_channels), out_channels_(out_channels), options_(options) {
  const std::string name = type_name();
  check_channels(name, in_channels, out_channels, options.groups);
  options_.kernel_size = sizes_of<N>(options.kernel_size, name, "kernel_size", 1);
  options_.stride = sizes_of<N>(options.stride, name, "stride", 1);
  options_.dilation = sizes_of<N>(options.dilation, name, "dilation", 1);
  const Shape& kernel = options_.kernel_size.list();
  padding_ = Shape::filled(2 * N, 0);
  if (options.padding.same()) {
    RUSTORCH_CHECK(options_.stride.list() == Shape::filled(N, 1), invalid_argument,
                   "{}: padding \"same\" needs stride 1, not {}", name, options_.stride.list());
    // An odd total pads one more on the right, as PyTorch does.
    for (std::size_t i = 0; i < N; ++i) {
      const std::int64_t total = options_.dilation.list()[i] * (kernel[i] - 1);
      padding_[2 * (N - 1 - i)] = total / 2;
      padding_[2 * (N - 1 - i) + 1] = total - total / 2;
    }
  } else {
    const Shape sizes = sizes_of<N>(options.padding.sizes(), name, "padding", 0);
    options_.padding = ConvPadding(SpatialSizes(sizes));
    for (std::size_t i = 0; i < N; ++i) padding_[2 * (N - 1 - i)] = padding_[2 * (N - 1 - i) + 1] = sizes[i];
  }
  Shape shape{out_channels, in_channels / options.groups};
  for (const std::int64_t size : kernel) shape.push_back(size);
  weight = parameter("weight", empty(shape));
  if (options.bias) bias = parameter("bias", empty({out_channels}));
  reset_parameters();
}

template <std::size_t N>
void Convolution<N>::reset_parameters() {
  reset(*this);
}

template <std::size_t N>
Tensor Convolution<N>::forward(const Tensor& x) {
  check_input<N>(*this, x, in_channels_);
  ConvolutionOptions options{
      .stride = options_.stride, .dilation = options_.dilation, .groups = options_.groups};
  bool symmetric = options_.padding_mode == PadMode::constant;
  Shape both_sides = Shape::filled(N, 0);
  for (std::size_t i = 0; i < N; ++i) {
    both_sides[i] = padding_[2 * (N - 1 - i)];
    symmetric = symmetric && both_sides[i] == padding_[2 * (N - 1 - i) + 1];
  }
  const bool any = std::any_of(padding_.begin(), padding_.end(), [](std::int64_t size) { return size != 0; });
  Tensor padded = x;
  if (symmetric) {
    options.padding = both_sides;
  } else if (any) {
    padded = pad(x, padding_, options_.padding_mode);
  }
  if constexpr (N == 1) {
    return conv1d(padded, weight, bias, options);
  } else if constexpr (N == 2) {
    return conv2d(padded, weight, bias, options);
  } else {
    return conv3d(padded, weight, bias, options);
  }
}

template <std::size_t N>
std::string Convolution<N>::type_name() const {
  return fmt::format("Conv{}d", N);
}

template <std::size_t N>
std::string Convolution<N>::extra_repr() const {
  std::string text = sizes_repr(in_channels_, out_channels_, options_);
  text += options_.padding.same() ? ", padding=same" : unless_default("padding", options_.padding.sizes(), 0);
  text += unless_default("dilation", options_.dilation, 1);
  if (options_.groups != 1) text += fmt::format(", groups={}", options_.groups);
  if (!options_.bias) text += ", bias=False";
  if (options_.padding_mode != PadMode::constant) {
    text += fmt::format(", padding_mode={}", name_of(options_.padding_mode));
  }
  return text;
}

template class Convolution<1>;
template class Convolution<2>;
template class Convolution<3>;

// ---- TransposedConvolution

template <std::size_t N>
TransposedConvolution<N>::TransposedConvolution(std::int64_t in_channels, std::int64_t out_channels,
                                                const ConvTransposeOptions& options)
    : in_channels_(in_channels), out_channels_(out_channels), options_(options) {
  const std::string name = type_name();
  check_channels(name, in_channels, out_channels, options.groups);
  options_.kernel_size = sizes_of<N>(options.kernel_size, name, "kernel_size", 1);
  options_.stride = sizes_of<N>(options.stride, name, "stride", 1);
  options_.padding = sizes_of<N>(options.padding, name, "padding", 0);
  options_.output_padding = sizes_of<N>(options.output_padding, name, "output_padding", 0);
  options_.dilation = sizes_of<N>(options.dilation, name, "dilation", 1);
  Shape shape{in_channels, out_channels / options.groups};
  for (const std::int64_t size : options_.kernel_size.list()) shape.push_back(size);
  weight = parameter("weight", empty(shape));
  if (options.bias) bias = parameter("bias", empty({out_channels}));
  reset_parameters();
}

template <std::size_t N>
void TransposedConvolution<N>::reset_parameters() {
  reset(*this);
}

template <std::size_t N>
Tensor TransposedConvolution<N>::forward(const Tensor& x) {
  check_input<N>(*this, x, in_channels_);
  const TransposedConvolutionOptions options{.stride = options_.stride,
                                             .padding = options_.padding,
                                             .output_padding = options_.output_padding,
                                             .groups = options_.groups,
                                             .dilation = options_.dilation};
  if constexpr (N == 1) {
    return conv_transpose1d(x, weight, bias, options);
  } else if constexpr (N == 2) {
    return conv_transpose2d(x, weight, bias, options);
  } else {
    return conv_transpose3d(x, weight, bias, options);
  }
}

template <std::size_t N>
std::string TransposedConvolution<N>::type_name() const {
  return fmt::format("ConvTranspose{}d", N);
}

template <std::size_t N>
std::string TransposedConvolution<N>::extra_repr() const {
  std::string text = sizes_repr(in_channels_, out_channels_, options_);
  text += unless_default("padding", options_.padding, 0);
  text += unless_default("dilation", options_.dilation, 1);
  text += unless_default("output_padding", options_.output_padding, 0);
  if (options_.groups != 1) text += fmt::format(", groups={}", options_.groups);
  if (!options_.bias) text += ", bias=False";
  return text;
}

template class TransposedConvolution<1>;
template class TransposedConvolution<2>;
template class TransposedConvolution<3>;

}  // namespace rustorch::nn
