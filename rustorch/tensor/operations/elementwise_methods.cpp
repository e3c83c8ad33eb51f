#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"

// The methods of the op table's public rows, out of place and in place, and those of the other elementwise
// functions.

namespace rustorch {

#define RUSTORCH_UNARY(name, ...)                                                                        \
  Tensor Tensor::name() const { return rustorch::name(*this); }                                          \
  Tensor& Tensor::name##_() {                                                                            \
    return elementwise_in_place(*this, Op::name, {}, [](const Tensor& x) { return rustorch::name(x); }); \
  }
#define RUSTORCH_BINARY(name, ...)                                                          \
  Tensor Tensor::name(const Operand& other) const { return rustorch::name(*this, other); }  \
  Tensor& Tensor::name##_(const Operand& other) {                                           \
    return elementwise_in_place(*this, Op::name, {other},                                   \
                                [&](const Tensor& x) { return rustorch::name(x, other); }); \
  }
#define RUSTORCH_OP(...)
#include "rustorch/compute/op_table/ops.def"
#undef RUSTORCH_OP
#undef RUSTORCH_UNARY
#undef RUSTORCH_BINARY

Tensor& Tensor::operator+=(const Operand& other) { return add_(other); }
Tensor& Tensor::operator-=(const Operand& other) { return sub_(other); }
Tensor& Tensor::operator*=(const Operand& other) { return mul_(other); }
Tensor& Tensor::operator/=(const Operand& other) { return div_(other); }

Tensor Tensor::clamp(std::optional<Scalar> min, std::optional<Scalar> max) const {
  return rustorch::clamp(*this, min, max);
}
Tensor& Tensor::clamp_(std::optional<Scalar> min, std::optional<Scalar> max) {
  if (min && max) {
    return elementwise_in_place(*this, Op::clamp, {*min, *max},
                                [&](const Tensor& x) { return rustorch::clamp(x, min, max); });
  }
  RUSTORCH_CHECK(min || max, invalid_argument, "clamp_: at least one of min and max must be given");
  return elementwise_in_place(*this, min ? Op::maximum : Op::minimum, {min ? *min : *max},
                              [&](const Tensor& x) { return rustorch::clamp(x, min, max); });
}
Tensor Tensor::clamp_min(const Operand& min) const { return rustorch::clamp_min(*this, min); }
Tensor Tensor::clamp_max(const Operand& max) const { return rustorch::clamp_max(*this, max); }
Tensor Tensor::lerp(const Tensor& end, const Operand& weight) const {
  return rustorch::lerp(*this, end, weight);
}
Tensor Tensor::addcmul(const Tensor& a, const Tensor& b, const Scalar& value) const {
  return rustorch::addcmul(*this, a, b, value);
}
Tensor Tensor::addcdiv(const Tensor& a, const Tensor& b, const Scalar& value) const {
  return rustorch::addcdiv(*this, a, b, value);
}
Tensor& Tensor::addcmul_(const Tensor& a, const Tensor& b, const Scalar& value) {
  check_in_place(*this, "addcmul_");
  return assign_in_place(*this, rustorch::addcmul(*this, a, b, value));
}
Tensor& Tensor::addcdiv_(const Tensor& a, const Tensor& b, const Scalar& value) {
  check_in_place(*this, "addcdiv_");
  return assign_in_place(*this, rustorch::addcdiv(*this, a, b, value));
}
Tensor Tensor::nan_to_num(double nan, std::optional<double> posinf, std::optional<double> neginf) const {
  return rustorch::nan_to_num(*this, nan, posinf, neginf);
}
Tensor Tensor::where(const Tensor& condition, const Operand& other) const {
  return rustorch::where(condition, *this, other);
}
Tensor Tensor::isclose(const Tensor& other, double rtol, double atol, bool equal_nan) const {
  return rustorch::isclose(*this, other, rtol, atol, equal_nan);
}
bool Tensor::allclose(const Tensor& other, double rtol, double atol, bool equal_nan) const {
  return rustorch::allclose(*this, other, rtol, atol, equal_nan);
}
bool Tensor::equal(const Tensor& other) const { return rustorch::equal(*this, other); }

}  // namespace rustorch
