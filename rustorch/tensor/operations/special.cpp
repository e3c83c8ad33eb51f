#include <numbers>

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

Tensor digamma(const Tensor& x) {
  return with_gradient(elementwise(Op::digamma, x), "digamma", {&x}, [](const Tensor&) -> Tensor {
    fail(ErrorCode::unsupported, "the gradient of digamma needs polygamma, which is not there yet");
  });
}

}  // namespace rustorch
