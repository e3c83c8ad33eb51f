#pragma once

#include <concepts>
#include <optional>

#include "rustorch/tensor/gradient.h"

namespace rustorch {

/// An operand of an elementwise operation: a tensor or a number. Implicit from both, so that each operation
/// is written (and its gradient too) once for tensor-tensor, tensor-number and number-tensor. Refers to the
/// tensor: not to be kept.
class Operand {
 public:
  explicit(false) Operand(const Tensor& tensor) noexcept : tensor_(&tensor) {}
  explicit(false) Operand(const Scalar& scalar) noexcept : scalar_(scalar) {}
  template <class T>
  requires std::is_arithmetic_v<T>
  explicit(false) Operand(T value) noexcept : scalar_(value) {}
  template <class T>
  explicit(false) Operand(std::complex<T> value) noexcept : scalar_(value) {}

  bool is_tensor() const noexcept { return tensor_ != nullptr; }
  /// The tensor, or nullptr for a number: what with_gradient takes as an input.
  const Tensor* tensor() const noexcept { return tensor_; }
  const Scalar& scalar() const noexcept { return scalar_; }

 private:
  const Tensor* tensor_ = nullptr;
  Scalar scalar_;
};

/// An operand that a backward closure keeps; converts back to an Operand, with Saved's check.
class SavedOperand {
 public:
  /// A tensor is kept only if `keep` says that it will be used.
  explicit SavedOperand(const Operand& operand, bool keep = true)
      : scalar_(operand.scalar()), dropped_(!keep && operand.is_tensor()) {
    if (keep && operand.is_tensor()) tensor_ = Saved(*operand.tensor());
  }
  operator Operand() const {
    RUSTORCH_CHECK(!dropped_, internal, "backward asks for an operand that was not kept");
    return tensor_ ? Operand(*tensor_) : Operand(scalar_);
  }  // NOLINT(google-explicit-constructor)
  Operand operator*() const { return *this; }

 private:
  Saved tensor_;
  Scalar scalar_;
  bool dropped_;
};

}  // namespace rustorch
