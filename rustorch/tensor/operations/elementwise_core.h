#pragma once

#include <span>

#include "rustorch/compute/program.h"
#include "rustorch/tensor/operand.h"

namespace rustorch {

// The way from an elementwise function to the backend: shapes, promotion, result, one Program. Only operation
// files include this.

/// The dtype an op computes in and the dtype of its result, by PyTorch's promotion of the operands.
struct ElementwiseTypes {
  DType compute;
  DType result;
  DType common;  ///< what the operands are promoted to
};
ElementwiseTypes elementwise_types(Op op, std::span<const Operand> operands);

/// Runs one op of the table on up to three operands (its arity): broadcast, promoted, into a new tensor. No
/// gradient.
Tensor elementwise(Op op, const Operand& x);
Tensor elementwise(Op op, const Operand& x, const Operand& y);
Tensor elementwise(Op op, const Operand& x, const Operand& y, const Operand& z);

/// The same, written into `out`, whose shape must hold the result and whose dtype must take it; no history.
Tensor& elementwise_into(Tensor& out, Op op, std::span<const Operand> operands);

/// The result of a program of one output whose inputs are `inputs`, broadcast together. No gradient.
Tensor run_program(const Program& program, std::span<const Tensor> inputs, const char* name);
/// Runs a program into existing tensors of the broadcast shape; an output may be one of the inputs.
void run_program_into(const Program& program, std::span<const Tensor> inputs, std::span<Tensor> outputs,
                      const char* name);

/// An in-place op: x = op(x, operands…) written straight into x, or with history where gradients are
/// recorded, in which case `differentiable` makes the result.
template <class Differentiable>
Tensor& elementwise_in_place(Tensor& x, Op op, std::initializer_list<Operand> others,
                             const Differentiable& differentiable) {
  check_in_place(x, op_info(op).name.data());
  bool history = in_place_needs_gradient(x, {});
  for (const Operand& other : others)
    history = history || (other.is_tensor() && in_place_needs_gradient(*other.tensor(), {}));
  // The closure may keep x's value, which is about to change: it gets a copy.
  if (history) return assign_in_place(x, differentiable(x.clone()));
  Operand operands[3] = {x, 0, 0};
  std::size_t count = 1;
  for (const Operand& other : others) operands[count++] = other;
  return elementwise_into(x, op, std::span<const Operand>(operands, count));
}

/// Tensors that compute together must live on one device: an Error that names the op and both devices
/// otherwise.
Device common_device(const char* op, std::initializer_list<const Tensor*> tensors);

}  // namespace rustorch
