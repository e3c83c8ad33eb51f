#include <numbers>

#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_gradients.h"

namespace rustorch {

Tensor sin(const Tensor& x) {
  return unary_by_input(Op::sin, x, [](const Tensor& g, const Tensor& a) { return g * conj(cos(a)); });
}
Tensor cos(const Tensor& x) {
  return unary_by_input(Op::cos, x, [](const Tensor& g, const Tensor& a) { return -g * conj(sin(a)); });
}
Tensor tan(const Tensor& x) {
  return unary_by_result(Op::tan, x, [](const Tensor& g, const Tensor& y) { return g * conj(y * y + 1); });
}
Tensor asin(const Tensor& x) {
  return unary_by_input(Op::asin, x,
                        [](const Tensor& g, const Tensor& a) { return g * conj(rsqrt(1 - a * a)); });
}
Tensor acos(const Tensor& x) {
  return unary_by_input(Op::acos, x,
                        [](const Tensor& g, const Tensor& a) { return -g * conj(rsqrt(1 - a * a)); });
}
Tensor atan(const Tensor& x) {
  return unary_by_input(Op::atan, x, [](const Tensor& g, const Tensor& a) { return g / conj(a * a + 1); });
}

Tensor sinh(const Tensor& x) {
  return unary_by_input(Op::sinh, x, [](const Tensor& g, const Tensor& a) { return g * conj(cosh(a)); });
}
Tensor cosh(const Tensor& x) {
  return unary_by_input(Op::cosh, x, [](const Tensor& g, const Tensor& a) { return g * conj(sinh(a)); });
}
Tensor tanh(const Tensor& x) {
  return unary_by_result(Op::tanh, x, [](const Tensor& g, const Tensor& y) {
    if (y.is_complex()) return g * conj(1 - y * y);
    return fused_backward(
        Op::tanh_backward, [&] { return g * (1 - y * y); }, g, y);
  });
}
Tensor asinh(const Tensor& x) {
  return unary_by_input(Op::asinh, x,
                        [](const Tensor& g, const Tensor& a) { return g * conj(rsqrt(a * a + 1)); });
}
Tensor acosh(const Tensor& x) {
  return unary_by_input(Op::acosh, x, [](const Tensor& g, const Tensor& a) {
    // Complex numbers need the factors apart, for the branch cut.
    return a.is_complex() ? g * conj(rsqrt(a - 1) * rsqrt(a + 1)) : g * rsqrt(a * a - 1);
  });
}
Tensor atanh(const Tensor& x) {
  return unary_by_input(Op::atanh, x, [](const Tensor& g, const Tensor& a) { return g / conj(1 - a * a); });
}

Tensor atan2(const Operand& y, const Operand& x) {
  // At the origin the slopes count as 0.
  const auto square_length = [](const Operand& a, const Operand& b) {
    const Tensor length = hypot(a, b);
    return where(length == 0, 1.0, length * length);
  };
  return binary(
      Op::atan2, y, x,
      [square_length](const Tensor& g, const Operand& a, const Operand& b) {
        return g * div(b, square_length(a, b));
      },
      [square_length](const Tensor& g, const Operand& a, const Operand& b) {
        return -g * div(a, square_length(a, b));
      });
}

Tensor sinc(const Tensor& x) {
  return unary_by_input(Op::sinc, x, [](const Tensor& g, const Tensor& a) {
    const Tensor scaled = a * std::numbers::pi;
    const Tensor slope = (scaled * cos(scaled) - sin(scaled)) / (scaled * a);
    return g * conj(where(a == 0, 0.0, slope));
  });
}

}  // namespace rustorch
