#include <numbers>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_gradients.h"

namespace rustorch {

Tensor erf(const Tensor& x) {
  return unary_by_input(Op::erf, x, [](const Tensor& g, const Tensor& a) {
    return g * exp(-(a * a)) * (2 * std::numbers::inv_sqrtpi);
  });
}

Tensor erfc(const Tensor& x) {
  return unary_by_input(Op::erfc, x, [](const Tensor& g, const Tensor& a) {
    return g * exp(-(a * a)) * (-2 * std::numbers::inv_sqrtpi);
  });
}

Tensor lgamma(const Tensor& x) {
  return unary_by_input(Op::lgamma, x, [](const Tensor& g, const Tensor& a) { return g * digamma(a); });
}

namespace {

/// The derivative of digamma. For arguments of at least 8.5 by its asymptotic series; smaller ones are raised
/// by the recurrence trigamma(z) = trigamma(z + 1) + 1 / z², those below 0.5 reflected first.
Tensor trigamma(const Tensor& x) {
  if (is_reduced_precision(x.dtype())) return trigamma(x.to(DType::float32)).to(x.dtype());
  const Tensor reflected = x < 0.5;
  const Tensor z = where(reflected, 1 - x, x);
  constexpr int steps = 8;
  Tensor sum = zeros_like(z);
  for (int i = 0; i < steps; ++i) sum = sum + reciprocal(square(z + i));
  const Tensor r = reciprocal(z + steps);
  const Tensor r2 = square(r);
  Tensor series = r2 * (7.0 / 6);
  for (const double bernoulli : {-691.0 / 2730, 5.0 / 66, -1.0 / 30, 1.0 / 42, -1.0 / 30, 1.0 / 6}) {
    series = (series + bernoulli) * r2;
  }
  sum = sum + r + r2 * 0.5 + series * r;
  const Tensor sine = sin(x * std::numbers::pi);
  return where(reflected, std::numbers::pi * std::numbers::pi / square(sine) - sum, sum);
}

}  // namespace

Tensor digamma(const Tensor& x) {
  return unary_by_input(Op::digamma, x, [](const Tensor& g, const Tensor& a) { return g * trigamma(a); });
}

}  // namespace rustorch
