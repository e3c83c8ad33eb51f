#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "rustorch/nn/module.h"
#include "rustorch/nn/options.h"
#include "rustorch/tensor/operations/convolution.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch::nn {

/// The padding of a convolution: sizes, or "same" (the result has the input's size; stride 1 only) or "valid"
/// (none).
class ConvPadding {
 public:
  template <std::integral T>
  explicit(false) ConvPadding(T size) : sizes_(size) {}
  ConvPadding(std::initializer_list<std::int64_t> sizes) : sizes_(sizes) {}
  explicit(false) ConvPadding(SpatialSizes sizes) : sizes_(std::move(sizes)) {}
  explicit(false) ConvPadding(const char* name) : ConvPadding(std::string_view(name)) {}
  explicit(false) ConvPadding(std::string_view name);
  bool same() const noexcept { return same_; }
  const SpatialSizes& sizes() const noexcept { return sizes_; }

 private:
  SpatialSizes sizes_ = 0;
  bool same_ = false;
};

struct ConvOptions {
  NamedOnly named_only = NamedOnly();
  SpatialSizes kernel_size = {};  ///< must be given
  SpatialSizes stride = 1;
  ConvPadding padding = 0;
  SpatialSizes dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  PadMode padding_mode = PadMode::constant;  ///< what surrounds the input; constant means zeros
};

/// Convolution over N spatial dims (torch.nn.Conv1d, Conv2d, Conv3d): x [batch, in_channels, spatial…] or
/// without batch. weight [out, in/groups, kernel…] and bias [out] start uniform in ±1/sqrt(in/groups · kernel
/// elements).
template <std::size_t N>
class Convolution : public Module {
 public:
  Convolution(std::int64_t in_channels, std::int64_t out_channels, const ConvOptions& options);
  // PyTorch's positional arguments. The kernel's size has two overloads because GCC takes `{.kernel_size =
  // 3}` for a SpatialSizes too.
  template <std::convertible_to<SpatialSizes> Sizes>
  Convolution(std::int64_t in_channels, std::int64_t out_channels, const Sizes& kernel_size,
              const SpatialSizes& stride = 1, const ConvPadding& padding = 0,
              const SpatialSizes& dilation = 1, std::int64_t groups = 1, bool with_bias = true,
              PadMode padding_mode = PadMode::constant)
      : Convolution(in_channels, out_channels,
                    ConvOptions{.kernel_size = kernel_size,
                                .stride = stride,
                                .padding = padding,
                                .dilation = dilation,
                                .groups = groups,
                                .bias = with_bias,
                                .padding_mode = padding_mode}) {}
  Convolution(std::int64_t in_channels, std::int64_t out_channels,
              std::initializer_list<std::int64_t> kernel_size, const SpatialSizes& stride = 1,
              const ConvPadding& padding = 0, const SpatialSizes& dilation = 1, std::int64_t groups = 1,
              bool with_bias = true, PadMode padding_mode = PadMode::constant)
      : Convolution(in_channels, out_channels,
                    ConvOptions{.kernel_size = kernel_size,
                                .stride = stride,
                                .padding = padding,
                                .dilation = dilation,
                                .groups = groups,
                                .bias = with_bias,
                                .padding_mode = padding_mode}) {}

  Tensor forward(const Tensor& x) override;
  void reset_parameters();
  std::string type_name() const override;
  std::string extra_repr() const override;
  std::int64_t in_channels() const noexcept { return in_channels_; }
  std::int64_t out_channels() const noexcept { return out_channels_; }
  /// With one size per spatial dim.
  const ConvOptions& options() const noexcept { return options_; }

 private:
  std::int64_t in_channels_, out_channels_;
  ConvOptions options_;
  Shape padding_;  // both sides of each dim, last dim first, as pad() takes it

 public:
  Parameter weight;
  Parameter bias;  ///< undefined without bias
};

using Conv1d = Convolution<1>;
using Conv2d = Convolution<2>;
using Conv3d = Convolution<3>;
extern template class Convolution<1>;
extern template class Convolution<2>;
extern template class Convolution<3>;

struct ConvTransposeOptions {
  NamedOnly named_only = NamedOnly();
  SpatialSizes kernel_size = {};  ///< must be given
  SpatialSizes stride = 1;
  SpatialSizes padding = 0;
  SpatialSizes output_padding = 0;
  std::int64_t groups = 1;
  bool bias = true;
  SpatialSizes dilation = 1;
};

/// Transposed convolution over N spatial dims (torch.nn.ConvTranspose1d, 2d, 3d). weight [in, out/groups,
/// kernel…] and bias [out] start uniform in ±1/sqrt(out/groups · kernel elements), as PyTorch's.
template <std::size_t N>
class TransposedConvolution : public Module {
 public:
  TransposedConvolution(std::int64_t in_channels, std::int64_t out_channels,
                        const ConvTransposeOptions& options);
  // PyTorch's positional arguments. The kernel's size has two overloads because GCC takes `{.kernel_size =
  // 3}` for a SpatialSizes too.
  template <std::convertible_to<SpatialSizes> Sizes>
  TransposedConvolution(std::int64_t in_channels, std::int64_t out_channels, const Sizes& kernel_size,
                        const SpatialSizes& stride = 1, const SpatialSizes& padding = 0,
                        const SpatialSizes& output_padding = 0, std::int64_t groups = 1,
                        bool with_bias = true, const SpatialSizes& dilation = 1)
      : TransposedConvolution(in_channels, out_channels,
                              ConvTransposeOptions{.kernel_size = kernel_size,
                                                   .stride = stride,
                                                   .padding = padding,
                                                   .output_padding = output_padding,
                                                   .groups = groups,
                                                   .bias = with_bias,
                                                   .dilation = dilation}) {}
  TransposedConvolution(std::int64_t in_channels, std::int64_t out_channels,
                        std::initializer_list<std::int64_t> kernel_size, const SpatialSizes& stride = 1,
                        const SpatialSizes& padding = 0, const SpatialSizes& output_padding = 0,
                        std::int64_t groups = 1, bool with_bias = true, const SpatialSizes& dilation = 1)
      : TransposedConvolution(in_channels, out_channels,
                              ConvTransposeOptions{.kernel_size = kernel_size,
                                                   .stride = stride,
                                                   .padding = padding,
                                                   .output_padding = output_padding,
                                                   .groups = groups,
                                                   .bias = with_bias,
                                                   .dilation = dilation}) {}

  Tensor forward(const Tensor& x) override;
  void reset_parameters();
  std::string type_name() const override;
  std::string extra_repr() const override;
  std::int64_t in_channels() const noexcept { return in_channels_; }
  std::int64_t out_channels() const noexcept { return out_channels_; }
  /// With one size per spatial dim.
  const ConvTransposeOptions& options() const noexcept { return options_; }

 private:
  std::int64_t in_channels_, out_channels_;
  ConvTransposeOptions options_;

 public:
  Parameter weight;
  Parameter bias;  ///< undefined without bias
};

using ConvTranspose1d = TransposedConvolution<1>;
using ConvTranspose2d = TransposedConvolution<2>;
using ConvTranspose3d = TransposedConvolution<3>;
extern template class TransposedConvolution<1>;
extern template class TransposedConvolution<2>;
extern template class TransposedConvolution<3>;

}  // namespace rustorch::nn
