#include <numbers>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_gradients.h"

namespace rustorch {

// Gradients of functions of complex numbers multiply by the conjugate of the derivative, as PyTorch's do;
// conj() of a real tensor is the tensor itself.

Tensor exp(const Tensor& x) {
  return unary_by_result(Op::exp, x, [](const Tensor& g, const Tensor& y) { return g * conj(y); });
}

Tensor exp2(const Tensor& x) {
  return unary_by_result(Op::exp2, x,
                         [](const Tensor& g, const Tensor& y) { return g * conj(y) * std::numbers::ln2; });
}

Tensor expm1(const Tensor& x) {
  return unary_by_result(Op::expm1, x, [](const Tensor& g, const Tensor& y) { return g * conj(y + 1); });
}

Tensor log(const Tensor& x) {
  return unary_by_input(Op::log, x, [](const Tensor& g, const Tensor& a) { return g / conj(a); });
}

Tensor log2(const Tensor& x) {
  return unary_by_input(Op::log2, x,
                        [](const Tensor& g, const Tensor& a) { return g / (conj(a) * std::numbers::ln2); });
}

Tensor log10(const Tensor& x) {
  return unary_by_input(Op::log10, x,
                        [](const Tensor& g, const Tensor& a) { return g / (conj(a) * std::numbers::ln10); });
}

Tensor log1p(const Tensor& x) {
  return unary_by_input(Op::log1p, x, [](const Tensor& g, const Tensor& a) { return g / conj(a + 1); });
}

Tensor sqrt(const Tensor& x) {
  return unary_by_result(Op::sqrt, x, [](const Tensor& g, const Tensor& y) { return g / (conj(y) * 2); });
}

Tensor rsqrt(const Tensor& x) {
  return unary_by_result(Op::rsqrt, x,
                         [](const Tensor& g, const Tensor& y) { return g * conj(y * y * y) * -0.5; });
}

Tensor sigmoid(const Tensor& x) {
  return unary_by_result(Op::sigmoid, x, [](const Tensor& g, const Tensor& y) {
    if (y.is_complex()) return g * conj(y * (1 - y));
    return fused_backward(
        Op::sigmoid_backward, [&] { return g * (1 - y) * y; }, g, y);
  });
}

Tensor logit(const Tensor& x) {
  return unary_by_input(Op::logit, x, [](const Tensor& g, const Tensor& a) {
    return fused_backward(
        Op::logit_backward, [&] { return g / (a * (1 - a)); }, g, a);
  });
}

Tensor logaddexp(const Operand& x, const Operand& y) {
  return binary(
      Op::logaddexp, x, y,
      [](const Tensor& g, const Operand& a, const Operand& b) { return g * sigmoid(sub(a, b)); },
      [](const Tensor& g, const Operand& a, const Operand& b) { return g * sigmoid(sub(b, a)); });
}

Tensor logaddexp2(const Operand& x, const Operand& y) {
  return binary(
      Op::logaddexp2, x, y,
      [](const Tensor& g, const Operand& a, const Operand& b) {
        return g * sigmoid(sub(a, b) * std::numbers::ln2);
      },
      [](const Tensor& g, const Operand& a, const Operand& b) {
        return g * sigmoid(sub(b, a) * std::numbers::ln2);
      });
}

Tensor xlogy(const Operand& x, const Operand& y) {
  return binary(
      Op::xlogy, x, y,
      [](const Tensor& g, const Operand& a, const Operand& b) {
        const Tensor factor =
            b.is_tensor() ? *b.tensor() : full({}, b.scalar(), {.dtype = g.dtype(), .device = g.device()});
        return where(logical_and(eq(a, 0), le(factor, 0)), 0.0, g * log(factor));
      },
      [](const Tensor& g, const Operand& a, const Operand& b) { return g * div(a, b); });
}

Tensor ldexp(const Operand& x, const Operand& y) {
  return binary(
      Op::ldexp, x, y,
      [](const Tensor& g, Unused, const Operand& b) {
        return b.is_tensor() && b.tensor()->is_complex() ? g * conj(exp2(*b.tensor())) : ldexp(g, b);
      },
      [](const Tensor& g, const Operand& a, const Operand& b) {
        return g * conj(ldexp(a, b)) * std::numbers::ln2;
      });
}

}  // namespace rustorch
