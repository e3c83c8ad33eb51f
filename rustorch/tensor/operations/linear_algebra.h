#pragma once

#include <string_view>

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
/// torch._addmm_activation: relu(addmm(input, a, b, beta, alpha)), or gelu of it (the exact one, as PyTorch
/// computes it on the CPU). Floating-point products with beta and alpha 1 apply it before they store; gelu
/// only where no gradient is recorded.
Tensor addmm_activation(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta = 1,
                        const Scalar& alpha = 1, bool use_gelu = false);
Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta = 1,
               const Scalar& alpha = 1);
/// x @ weightᵀ + bias: x [..., in], weight [out, in], bias [out] or undefined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
/// relu(linear(x, weight, bias)), which floating-point products apply before they store: equal values and
/// gradients, without a pass over the result.
Tensor linear_relu(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
/// The same for gelu(linear(x, weight, bias), approximate), where no gradient is recorded.
Tensor linear_gelu(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                   std::string_view approximate = "none");

}  // namespace rustorch
