#pragma once

#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// Batch norm of x [N, C, …] per channel. In training the batch's statistics are used and the running ones
/// (may be undefined) updated in place; otherwise the running ones are used. weight and bias [C] may be
/// undefined.
Tensor batch_norm(const Tensor& x, Tensor running_mean, Tensor running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5);
/// Over the last dims, whose sizes are `normalized_shape`; weight and bias of that shape may be undefined.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);
/// Over groups of channels of x [N, C, …]; weight and bias [C] may be undefined.
Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);
Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<DType> dtype = {});
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<DType> dtype = {});

}  // namespace rustorch
