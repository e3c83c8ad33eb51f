#pragma once

#include <string_view>

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

struct ConvolutionOptions {
  SpatialSizes stride = 1;
  SpatialSizes padding = 0;
  SpatialSizes dilation = 1;
  std::int64_t groups = 1;
};

struct TransposedConvolutionOptions {
  SpatialSizes stride = 1;
  SpatialSizes padding = 0;
  SpatialSizes output_padding = 0;
  std::int64_t groups = 1;
  SpatialSizes dilation = 1;
};

// x [N, C, spatial…] (or without N), weight [O, C/groups, kernel…], bias [O] or undefined. Results lie channels-last where
// the backend prefers it; shapes are PyTorch's.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const ConvolutionOptions& options = {});
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const ConvolutionOptions& options = {});
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const ConvolutionOptions& options = {});
// The same with PyTorch's positional arguments.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride, SpatialSizes padding = 0,
              SpatialSizes dilation = 1, std::int64_t groups = 1);
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride, SpatialSizes padding = 0,
              SpatialSizes dilation = 1, std::int64_t groups = 1);
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride, SpatialSizes padding = 0,
              SpatialSizes dilation = 1, std::int64_t groups = 1);
// weight [C, O/groups, kernel…].
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const TransposedConvolutionOptions& options = {});
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const TransposedConvolutionOptions& options = {});
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const TransposedConvolutionOptions& options = {});

}  // namespace rustorch
