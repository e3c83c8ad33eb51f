#pragma once

#include <array>
#include <utility>

#include "rustorch/tensor/operations/elementwise_core.h"

namespace rustorch {

// How elementwise operations with a gradient are written: the op, and beside it the derivative in tensor
// operations.

/// y = op(x), with the gradient of x from (g, x).
template <class Derivative>
Tensor unary_by_input(Op op, const Tensor& x, Derivative derivative) {
  return with_gradient(elementwise(op, x), op_info(op).name.data(), {&x},
                       [x = Saved(x), derivative](const Tensor& g) { return derivative(g, *x); });
}

/// y = op(x), with the gradient of x from (g, y): only the result is kept.
template <class Derivative>
Tensor unary_by_result(Op op, const Tensor& x, Derivative derivative) {
  Tensor y = elementwise(op, x);
  Saved saved(y);
  return with_gradient(std::move(y), op_info(op).name.data(), {&x},
                       [y = std::move(saved), derivative](const Tensor& g) { return derivative(g, *y); });
}

/// z = op(x, y), with the gradients of x and y from (g, x, y).
template <class DerivativeX, class DerivativeY>
Tensor binary(Op op, const Operand& x, const Operand& y, DerivativeX dx, DerivativeY dy) {
  return with_gradient(elementwise(op, x, y), op_info(op).name.data(), {x.tensor(), y.tensor()},
                       [x = SavedOperand(x), y = SavedOperand(y), dx, dy](const Tensor& g, Needs needs) {
                         std::array<Tensor, 2> gradients;
                         if (needs[0]) gradients[0] = dx(g, *x, *y);
                         if (needs[1]) gradients[1] = dy(g, *x, *y);
                         return gradients;
                       });
}

/// A fused backward op of the table; under create_graph the composed form, which can be differentiated again.
template <class Composed, class... Operands>
Tensor fused_backward(Op op, Composed composed, const Operands&... operands) {
  if (grad_enabled()) return composed();
  return elementwise(op, operands...);
}

}  // namespace rustorch
