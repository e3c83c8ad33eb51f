#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "rustorch/nn/module.h"
#include "rustorch/nn/options.h"
#include "rustorch/tensor/operations/pooling.h"

namespace rustorch::nn {

struct MaxPoolOptions {
  NamedOnly named_only = NamedOnly();
  SpatialSizes kernel_size = {};  ///< must be given
  SpatialSizes stride = {};       ///< not given: the kernel size
  SpatialSizes padding = 0;       ///< with -inf
  SpatialSizes dilation = 1;
  bool ceil_mode = false;
};

/// The maximum of each window (torch.nn.MaxPool1d, 2d, 3d) of x [batch, channels, N spatial dims] or without
/// batch.
template <std::size_t N>
class MaxPool : public Module {
 public:
  explicit MaxPool(const MaxPoolOptions& options);
  /// `MaxPool2d(2)`, `MaxPool2d({2, 3})`.
  template <std::convertible_to<SpatialSizes> Sizes>
  explicit MaxPool(const Sizes& kernel_size) : MaxPool(MaxPoolOptions{.kernel_size = kernel_size}) {}
  // The empty pack keeps `MaxPool2d{3, 2}` from being a list: it means kernel size and stride.
  template <class... None>
  requires(sizeof...(None) == 0) explicit MaxPool(std::initializer_list<std::int64_t> kernel_size, None...)
      : MaxPool(MaxPoolOptions{.kernel_size = kernel_size}) {}
  // PyTorch's positional arguments.
  template <std::convertible_to<SpatialSizes> Sizes>
  MaxPool(const Sizes& kernel_size, const SpatialSizes& stride, const SpatialSizes& padding = 0,
          const SpatialSizes& dilation = 1, bool ceil_mode = false)
      : MaxPool(MaxPoolOptions{.kernel_size = kernel_size,
                               .stride = stride,
                               .padding = padding,
                               .dilation = dilation,
                               .ceil_mode = ceil_mode}) {}
  MaxPool(std::initializer_list<std::int64_t> kernel_size, const SpatialSizes& stride,
          const SpatialSizes& padding = 0, const SpatialSizes& dilation = 1, bool ceil_mode = false)
      : MaxPool(MaxPoolOptions{.kernel_size = kernel_size,
                               .stride = stride,
                               .padding = padding,
                               .dilation = dilation,
                               .ceil_mode = ceil_mode}) {}

  Tensor forward(const Tensor& x) override;
  std::string type_name() const override;
  std::string extra_repr() const override;
  const MaxPoolOptions& options() const noexcept { return options_; }

 private:
  MaxPoolOptions options_;
};

using MaxPool1d = MaxPool<1>;
using MaxPool2d = MaxPool<2>;
using MaxPool3d = MaxPool<3>;
extern template class MaxPool<1>;
extern template class MaxPool<2>;
extern template class MaxPool<3>;

struct AvgPoolOptions {
  NamedOnly named_only = NamedOnly();
  SpatialSizes kernel_size = {};  ///< must be given
  SpatialSizes stride = {};       ///< not given: the kernel size
  SpatialSizes padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::optional<std::int64_t> divisor_override = {};  ///< 2-d and 3-d only
};

/// The mean of each window (torch.nn.AvgPool1d, 2d, 3d) of x [batch, channels, N spatial dims] or without
/// batch.
template <std::size_t N>
class AvgPool : public Module {
 public:
  explicit AvgPool(const AvgPoolOptions& options);
  /// `AvgPool2d(2)`, `AvgPool2d({2, 3})`.
  template <std::convertible_to<SpatialSizes> Sizes>
  explicit AvgPool(const Sizes& kernel_size) : AvgPool(AvgPoolOptions{.kernel_size = kernel_size}) {}
  // The empty pack keeps `AvgPool2d{3, 2}` from being a list: it means kernel size and stride.
  template <class... None>
  requires(sizeof...(None) == 0) explicit AvgPool(std::initializer_list<std::int64_t> kernel_size, None...)
      : AvgPool(AvgPoolOptions{.kernel_size = kernel_size}) {}
  // PyTorch's positional arguments.
  template <std::convertible_to<SpatialSizes> Sizes>
  AvgPool(const Sizes& kernel_size, const SpatialSizes& stride, const SpatialSizes& padding = 0,
          bool ceil_mode = false, bool count_include_pad = true,
          std::optional<std::int64_t> divisor_override = {})
      : AvgPool(AvgPoolOptions{.kernel_size = kernel_size,
                               .stride = stride,
                               .padding = padding,
                               .ceil_mode = ceil_mode,
                               .count_include_pad = count_include_pad,
                               .divisor_override = divisor_override}) {}
  AvgPool(std::initializer_list<std::int64_t> kernel_size, const SpatialSizes& stride,
          const SpatialSizes& padding = 0, bool ceil_mode = false, bool count_include_pad = true,
          std::optional<std::int64_t> divisor_override = {})
      : AvgPool(AvgPoolOptions{.kernel_size = kernel_size,
                               .stride = stride,
                               .padding = padding,
                               .ceil_mode = ceil_mode,
                               .count_include_pad = count_include_pad,
                               .divisor_override = divisor_override}) {}

  Tensor forward(const Tensor& x) override;
  std::string type_name() const override;
  std::string extra_repr() const override;
  const AvgPoolOptions& options() const noexcept { return options_; }

 private:
  AvgPoolOptions options_;
};

using AvgPool1d = AvgPool<1>;
using AvgPool2d = AvgPool<2>;
using AvgPool3d = AvgPool<3>;
extern template class AvgPool<1>;
extern template class AvgPool<2>;
extern template class AvgPool<3>;

/// The mean over as many windows as output_size asks for (torch.nn.AdaptiveAvgPool1d, 2d, 3d).
template <std::size_t N>
class AdaptiveAvgPool : public Module {
 public:
  explicit AdaptiveAvgPool(const SpatialSizes& output_size);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override;
  std::string extra_repr() const override;

 private:
  SpatialSizes output_size_;
};

using AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
using AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
using AdaptiveAvgPool3d = AdaptiveAvgPool<3>;
extern template class AdaptiveAvgPool<1>;
extern template class AdaptiveAvgPool<2>;
extern template class AdaptiveAvgPool<3>;

/// The maximum over as many windows as output_size asks for (torch.nn.AdaptiveMaxPool1d, 2d, 3d).
template <std::size_t N>
class AdaptiveMaxPool : public Module {
 public:
  explicit AdaptiveMaxPool(const SpatialSizes& output_size);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override;
  std::string extra_repr() const override;

 private:
  SpatialSizes output_size_;
};

using AdaptiveMaxPool1d = AdaptiveMaxPool<1>;
using AdaptiveMaxPool2d = AdaptiveMaxPool<2>;
using AdaptiveMaxPool3d = AdaptiveMaxPool<3>;
extern template class AdaptiveMaxPool<1>;
extern template class AdaptiveMaxPool<2>;
extern template class AdaptiveMaxPool<3>;

}  // namespace rustorch::nn
