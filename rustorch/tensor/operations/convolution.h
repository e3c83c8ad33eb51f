#pragma once

#include <concepts>

#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// One value for every spatial dim, or one each: `3`, `{3, 5}`.
class SpatialSizes {
 public:
  template <std::integral T>
  explicit(false) SpatialSizes(T size) : sizes_{static_cast<std::int64_t>(size)} {}
  SpatialSizes(std::initializer_list<std::int64_t> sizes) : sizes_(sizes) {}
  explicit(false) SpatialSizes(const Shape& sizes) : sizes_(sizes) {}
  /// The value of each of `rank` dims; an Error naming `op` and `what` if their number does not fit.
  std::array<std::int64_t, 3> expand(std::size_t rank, const char* op, const char* what) const;
  bool empty() const noexcept { return sizes_.empty(); }
  const Shape& list() const noexcept { return sizes_; }

 private:
  Shape sizes_;
};

/// First member of options whose members must be named: `{2, 1}` shall not mean stride 2, padding 1.
struct NamedOnly {
  explicit NamedOnly() = default;
};

struct ConvolutionOptions {
  NamedOnly named_only = NamedOnly();
  SpatialSizes stride = 1;
  SpatialSizes padding = 0;
  SpatialSizes dilation = 1;
  std::int64_t groups = 1;
};

struct TransposedConvolutionOptions {
  NamedOnly named_only = NamedOnly();
  SpatialSizes stride = 1;
  SpatialSizes padding = 0;
  SpatialSizes output_padding = 0;
  std::int64_t groups = 1;
  SpatialSizes dilation = 1;
};

// x [N, C, spatial…] (or without N), weight [O, C/groups, kernel…], bias [O] or undefined. Results lie
// channels-last where the backend prefers it; shapes are PyTorch's.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvolutionOptions& options = {});
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvolutionOptions& options = {});
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvolutionOptions& options = {});
// The same with PyTorch's positional arguments. (A list alone, `{2, 1}`, could be either: name it, `{.stride
// = {2, 1}}`.)
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride,
              SpatialSizes padding, SpatialSizes dilation = 1, std::int64_t groups = 1);
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride,
              SpatialSizes padding, SpatialSizes dilation = 1, std::int64_t groups = 1);
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride,
              SpatialSizes padding, SpatialSizes dilation = 1, std::int64_t groups = 1);
template <std::convertible_to<SpatialSizes> Sizes>
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Sizes& stride) {
  return conv1d(x, weight, bias, SpatialSizes(stride), 0);
}
template <std::convertible_to<SpatialSizes> Sizes>
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Sizes& stride) {
  return conv2d(x, weight, bias, SpatialSizes(stride), 0);
}
template <std::convertible_to<SpatialSizes> Sizes>
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Sizes& stride) {
  return conv3d(x, weight, bias, SpatialSizes(stride), 0);
}
// weight [C, O/groups, kernel…].
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const TransposedConvolutionOptions& options = {});
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const TransposedConvolutionOptions& options = {});
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const TransposedConvolutionOptions& options = {});

}  // namespace rustorch
