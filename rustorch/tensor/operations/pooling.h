#pragma once

#include <optional>
#include <tuple>

#include "rustorch/tensor/operations/convolution.h"

namespace rustorch {

// x [N, C, spatial…] or [C, spatial…]. An empty stride ({}) means the kernel size.
Tensor max_pool1d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride = {},
                  SpatialSizes padding = 0, SpatialSizes dilation = 1, bool ceil_mode = false);
Tensor max_pool2d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride = {},
                  SpatialSizes padding = 0, SpatialSizes dilation = 1, bool ceil_mode = false);
Tensor max_pool3d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride = {},
                  SpatialSizes padding = 0, SpatialSizes dilation = 1, bool ceil_mode = false);
/// Also the int64 positions of the maxima in each channel's flattened spatial plane.
std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& x, SpatialSizes kernel_size,
                                                   SpatialSizes stride = {}, SpatialSizes padding = 0,
                                                   SpatialSizes dilation = 1, bool ceil_mode = false);
std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& x, SpatialSizes kernel_size,
                                                   SpatialSizes stride = {}, SpatialSizes padding = 0,
                                                   SpatialSizes dilation = 1, bool ceil_mode = false);
std::tuple<Tensor, Tensor> max_pool3d_with_indices(const Tensor& x, SpatialSizes kernel_size,
                                                   SpatialSizes stride = {}, SpatialSizes padding = 0,
                                                   SpatialSizes dilation = 1, bool ceil_mode = false);
Tensor avg_pool1d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride = {},
                  SpatialSizes padding = 0, bool ceil_mode = false, bool count_include_pad = true);
Tensor avg_pool2d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride = {},
                  SpatialSizes padding = 0, bool ceil_mode = false, bool count_include_pad = true,
                  std::optional<std::int64_t> divisor_override = {});
Tensor avg_pool3d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride = {},
                  SpatialSizes padding = 0, bool ceil_mode = false, bool count_include_pad = true,
                  std::optional<std::int64_t> divisor_override = {});
Tensor adaptive_avg_pool1d(const Tensor& x, SpatialSizes output_size);
Tensor adaptive_avg_pool2d(const Tensor& x, SpatialSizes output_size);
Tensor adaptive_avg_pool3d(const Tensor& x, SpatialSizes output_size);
Tensor adaptive_max_pool1d(const Tensor& x, SpatialSizes output_size);
Tensor adaptive_max_pool2d(const Tensor& x, SpatialSizes output_size);
Tensor adaptive_max_pool3d(const Tensor& x, SpatialSizes output_size);

}  // namespace rustorch
