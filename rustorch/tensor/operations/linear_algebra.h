#pragma once

#include "rustorch/error/result.h"
#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// torch.matmul: dot product, matrix-vector, matrix-matrix and batched forms with broadcast batch dims.
Tensor matmul(const Tensor& a, const Tensor& b);
Result<Tensor> try_matmul(const Tensor& a, const Tensor& b);
Tensor mm(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& b);
Tensor dot(const Tensor& a, const Tensor& b);
Tensor outer(const Tensor& a, const Tensor& b);
/// beta · input + alpha · a @ b.
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta = 1,
             const Scalar& alpha = 1);
Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta = 1,
               const Scalar& alpha = 1);
/// x @ weightᵀ + bias: x [..., in], weight [out, in], bias [out] or undefined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace rustorch
