#pragma once

#include <bitset>
#include <initializer_list>

#include "rustorch/tensor/gradient.h"

namespace rustorch {

// What all reductions share: which dims, the result's shape and order of strides, the call of the backend.
// Only operation files include this.

/// The dims of a tensor of `shape` that a reduction runs over.
class ReducedDims {
 public:
  static constexpr std::size_t max_rank = 64;

  /// Checks and normalizes `dims`; an Error names `op`.
  ReducedDims(const Shape& shape, const Dims& dims, const char* op);
  /// The dims over which a tensor of `shape` must be summed to have the shape `to`, which broadcasts to it.
  static ReducedDims broadcast_from(const Shape& to, const Shape& shape);

  bool contains(std::size_t dim) const noexcept { return reduced_[dim]; }
  /// Whether the dim is absent from a result without keepdim.
  bool drops(std::size_t dim) const noexcept { return dropped_[dim]; }
  /// The result's shape with size 1 in the reduced dims.
  const Shape& kept_shape() const noexcept { return kept_; }
  /// How many elements make one of the result.
  std::int64_t count() const noexcept { return count_; }
  /// The dims as a list: for reductions inside of gradients, which keep them.
  Dims list() const;

 private:
  explicit ReducedDims(const Shape& shape) : kept_(shape) {}
  void reduce(std::size_t dim);

  Shape kept_;
  std::bitset<max_rank> reduced_, dropped_;
  std::int64_t count_ = 1;
};

/// A new tensor for the result of a reduction, in x's order of strides, and its layout with all dims of x
/// kept.
struct ReducedResult {
  ReducedResult(const Tensor& x, const ReducedDims& dims, bool keepdim, DType dtype);
  View view() {
    View whole = tensor.view_for_write();
    whole.layout = &kept;
    return whole;
  }
  Tensor tensor;
  Layout kept;
};

/// How the elements are reduced.
struct ReduceForm {
  ReduceOp op = ReduceOp::sum;
  const Program* prologue = nullptr;
  const Program* epilogue = nullptr;
  double correction = 1;
};
/// Reduces `inputs`, which have one shape, into a new tensor. No gradient.
Tensor reduce(const ReduceForm& form, std::initializer_list<const Tensor*> inputs, const ReducedDims& dims,
              bool keepdim, DType result);

/// What sums of a dtype are added up in: the type of the value that an epilogue gets.
constexpr DType accumulation_dtype(DType dtype) noexcept {
  if (is_reduced_precision(dtype)) return DType::float32;
  return is_differentiable(dtype) ? dtype : DType::int64;
}

/// An epilogue of one op on the reduced value (of dtype `reduced`) and, for binary ops, a number.
Program epilogue_of(Op op, DType reduced, DType result, std::optional<double> number = {});

/// The gradient of a reduction's result, seen with the shape of what was reduced: a view.
Tensor spread(const Tensor& g, const Shape& kept, const Shape& shape);

/// The gradient of functions of complex numbers takes conjugates; real numbers stay themselves.
Tensor conjugate(const Tensor& x);

/// An Error that names `op` unless x is floating-point (or complex, where that is taken).
void check_floating(const Tensor& x, const char* op, bool complex_too = true);
/// An Error that names `op` if x is complex: complex numbers have no order.
void check_ordered(const Tensor& x, const char* op);

}  // namespace rustorch
