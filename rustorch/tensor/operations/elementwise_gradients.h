#pragma once

#include <array>
#include <type_traits>
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

/// Stands in a derivative's parameter list for an operand that it does not use, which is then not saved for
/// it.
struct Unused {};

/// Which operands a derivative (g, x, y) uses: those whose parameter is not Unused.
template <class Derivative>
struct DerivativeUse {
  static constexpr bool neither = std::is_invocable_v<Derivative, const Tensor&, Unused, Unused>;
  static constexpr bool first = !neither && !std::is_invocable_v<Derivative, const Tensor&, Unused, Operand>;
  static constexpr bool second = !neither && !std::is_invocable_v<Derivative, const Tensor&, Operand, Unused>;

  static Tensor call(const Derivative& derivative, const Tensor& g, const SavedOperand& x,
                     const SavedOperand& y) {
    if constexpr (first && second) {
      return derivative(g, *x, *y);
    } else if constexpr (first) {
      return derivative(g, *x, Unused{});
    } else if constexpr (second) {
      return derivative(g, Unused{}, *y);
    } else {
      return derivative(g, Unused{}, Unused{});
    }
  }
};

inline bool wants_gradient(const Operand& x) {
  return x.is_tensor() && gradient_detail::wanted({x.tensor()});
}

/// z = op(x, y), with the gradients of x and y from (g, x, y). An operand is kept, and checked against
/// changes in place, only where a gradient that is wanted uses it.
template <class DerivativeX, class DerivativeY>
Tensor binary(Op op, const Operand& x, const Operand& y, DerivativeX dx, DerivativeY dy) {
  using DX = DerivativeUse<DerivativeX>;
  using DY = DerivativeUse<DerivativeY>;
  const bool want_x = wants_gradient(x);
  const bool want_y = wants_gradient(y);
  return with_gradient(elementwise(op, x, y), op_info(op).name.data(), {x.tensor(), y.tensor()},
                       [x = SavedOperand(x, (want_x && DX::first) || (want_y && DY::first)),
                        y = SavedOperand(y, (want_x && DX::second) || (want_y && DY::second)), dx,
                        dy](const Tensor& g, Needs needs) {
                         std::array<Tensor, 2> gradients;
                         if (needs[0]) gradients[0] = DX::call(dx, g, x, y);
                         if (needs[1]) gradients[1] = DY::call(dy, g, x, y);
                         return gradients;
                       });
}

/// A fused backward op of the table; under create_graph the composed form, which can be differentiated again.
template <class Composed, class... Operands>
Tensor fused_backward(Op op, Composed composed, const Operands&... operands) {
  if (grad_enabled()) return composed();
  return elementwise(op, operands...);
}

/// The gradient of relu's input from that of its result `y`.
Tensor relu_gradient(const Tensor& g, const Tensor& y);
/// Op::gelu for "none", Op::gelu_tanh for "tanh"; an Error (invalid_argument) for another form.
Op gelu_op(std::string_view approximate);

}  // namespace rustorch
