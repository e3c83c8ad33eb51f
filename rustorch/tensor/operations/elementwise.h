#pragma once

#include "rustorch/tensor/operand.h"

namespace rustorch {

// Every public row of the op table is a function here, with PyTorch's name and meaning: exp(x), atan2(x, y)
// …; operands broadcast and promote as in PyTorch. Each is defined, with its gradient, in the operation file
// of its family.
#define RUSTORCH_UNARY(name, ...) Tensor name(const Tensor& x);
#define RUSTORCH_BINARY(name, ...) Tensor name(const Operand& x, const Operand& y);
#define RUSTORCH_OP(...)
#include "rustorch/compute/op_table/ops.def"
#undef RUSTORCH_OP
#undef RUSTORCH_UNARY
#undef RUSTORCH_BINARY

/// x + alpha · y.
Tensor add(const Operand& x, const Operand& y, const Scalar& alpha);
/// x - alpha · y.
Tensor sub(const Operand& x, const Operand& y, const Scalar& alpha);
enum class RoundingMode : std::uint8_t { none, trunc, floor };
/// x / y, rounded toward zero or down where asked (torch.div's rounding_mode).
Tensor div(const Operand& x, const Operand& y, RoundingMode mode);

/// x limited to [min, max]; either bound may be left out, not both.
Tensor clamp(const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max = {});
Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max);
Tensor clamp_min(const Tensor& x, const Operand& min);
Tensor clamp_max(const Tensor& x, const Operand& max);
/// start + weight · (end - start).
Tensor lerp(const Tensor& start, const Tensor& end, const Operand& weight);
/// input + value · a · b.
Tensor addcmul(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& value = 1);
/// input + value · a / b.
Tensor addcdiv(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& value = 1);
/// x with NaN, +inf and -inf replaced (the infinities by the dtype's extremes unless given).
Tensor nan_to_num(const Tensor& x, double nan = 0.0, std::optional<double> posinf = {},
                  std::optional<double> neginf = {});
/// x where condition (bool) holds, else y; broadcasting.
Tensor where(const Tensor& condition, const Operand& x, const Operand& y);
/// |x - y| ≤ atol + rtol · |y|, elementwise.
Tensor isclose(const Tensor& x, const Tensor& y, double rtol = 1e-5, double atol = 1e-8,
               bool equal_nan = false);
bool allclose(const Tensor& x, const Tensor& y, double rtol = 1e-5, double atol = 1e-8,
              bool equal_nan = false);
/// Same shape and the same values.
bool equal(const Tensor& x, const Tensor& y);

// Complex parts (torch.real … return views; these return new tensors).
Tensor real(const Tensor& x);
Tensor imag(const Tensor& x);
Tensor complex(const Tensor& real, const Tensor& imag);
Tensor polar(const Tensor& abs, const Tensor& angle);

// Activations with parameters; the plain ones (relu, sigmoid, silu, mish …) are rows of the op table.
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
Tensor elu(const Tensor& x, double alpha = 1.0);
Tensor selu(const Tensor& x);
Tensor celu(const Tensor& x, double alpha = 1.0);
/// x · Φ(x); approximate "tanh" uses the tanh formula, "none" erf.
Tensor gelu(const Tensor& x, std::string_view approximate = "none");
Tensor softplus(const Tensor& x, double beta = 1.0, double threshold = 20.0);
Tensor softshrink(const Tensor& x, double lambda = 0.5);
Tensor hardshrink(const Tensor& x, double lambda = 0.5);
Tensor hardtanh(const Tensor& x, double min = -1.0, double max = 1.0);
Tensor threshold(const Tensor& x, double threshold, double value);
/// max(0, x) + weight · min(0, x); weight has one element or one per channel (dim 1).
Tensor prelu(const Tensor& x, const Tensor& weight);
/// The first half along dim times the sigmoid of the second.
Tensor glu(const Tensor& x, std::int64_t dim = -1);

inline Tensor operator+(const Tensor& x, const Operand& y) { return add(x, y); }
inline Tensor operator-(const Tensor& x, const Operand& y) { return sub(x, y); }
inline Tensor operator*(const Tensor& x, const Operand& y) { return mul(x, y); }
inline Tensor operator/(const Tensor& x, const Operand& y) { return div(x, y); }
inline Tensor operator%(const Tensor& x, const Operand& y) { return remainder(x, y); }
inline Tensor operator==(const Tensor& x, const Operand& y) { return eq(x, y); }
inline Tensor operator!=(const Tensor& x, const Operand& y) { return ne(x, y); }
inline Tensor operator<(const Tensor& x, const Operand& y) { return lt(x, y); }
inline Tensor operator<=(const Tensor& x, const Operand& y) { return le(x, y); }
inline Tensor operator>(const Tensor& x, const Operand& y) { return gt(x, y); }
inline Tensor operator>=(const Tensor& x, const Operand& y) { return ge(x, y); }
inline Tensor operator&(const Tensor& x, const Operand& y) { return bitwise_and(x, y); }
inline Tensor operator|(const Tensor& x, const Operand& y) { return bitwise_or(x, y); }
inline Tensor operator^(const Tensor& x, const Operand& y) { return bitwise_xor(x, y); }
inline Tensor operator~(const Tensor& x) { return bitwise_not(x); }

// Operands that end with the expression are let go at once, so that a chain does not write them (lazy.h).

namespace elementwise_detail {
inline Tensor without(Tensor result, Tensor& operand) noexcept {
  operand = Tensor();
  return result;
}
}  // namespace elementwise_detail

inline Tensor operator+(Tensor&& x, const Operand& y) { return elementwise_detail::without(add(x, y), x); }
inline Tensor operator+(const Tensor& x, Tensor&& y) { return elementwise_detail::without(add(x, y), y); }
inline Tensor operator+(Tensor&& x, Tensor&& y) {
  return elementwise_detail::without(std::move(x) + static_cast<const Tensor&>(y), y);
}
inline Tensor operator-(Tensor&& x, const Operand& y) { return elementwise_detail::without(sub(x, y), x); }
inline Tensor operator-(const Tensor& x, Tensor&& y) { return elementwise_detail::without(sub(x, y), y); }
inline Tensor operator-(Tensor&& x, Tensor&& y) {
  return elementwise_detail::without(std::move(x) - static_cast<const Tensor&>(y), y);
}
inline Tensor operator*(Tensor&& x, const Operand& y) { return elementwise_detail::without(mul(x, y), x); }
inline Tensor operator*(const Tensor& x, Tensor&& y) { return elementwise_detail::without(mul(x, y), y); }
inline Tensor operator*(Tensor&& x, Tensor&& y) {
  return elementwise_detail::without(std::move(x) * static_cast<const Tensor&>(y), y);
}
inline Tensor operator/(Tensor&& x, const Operand& y) { return elementwise_detail::without(div(x, y), x); }
inline Tensor operator/(const Tensor& x, Tensor&& y) { return elementwise_detail::without(div(x, y), y); }
inline Tensor operator/(Tensor&& x, Tensor&& y) {
  return elementwise_detail::without(std::move(x) / static_cast<const Tensor&>(y), y);
}

/// A number on the left: `2 * x`, `1.0 - x`.
template <class T>
concept Number = std::is_arithmetic_v<T> || std::same_as<T, Scalar> || std::same_as<T, std::complex<float>> ||
    std::same_as<T, std::complex<double>>;
template <Number T>
Tensor operator+(T x, const Tensor& y) {
  return add(x, y);
}
template <Number T>
Tensor operator+(T x, Tensor&& y) {
  return elementwise_detail::without(add(x, y), y);
}
template <Number T>
Tensor operator-(T x, const Tensor& y) {
  return sub(x, y);
}
template <Number T>
Tensor operator-(T x, Tensor&& y) {
  return elementwise_detail::without(sub(x, y), y);
}
template <Number T>
Tensor operator*(T x, const Tensor& y) {
  return mul(x, y);
}
template <Number T>
Tensor operator*(T x, Tensor&& y) {
  return elementwise_detail::without(mul(x, y), y);
}
template <Number T>
Tensor operator/(T x, const Tensor& y) {
  return div(x, y);
}
template <Number T>
Tensor operator/(T x, Tensor&& y) {
  return elementwise_detail::without(div(x, y), y);
}

}  // namespace rustorch
