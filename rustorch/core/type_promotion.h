#pragma once

#include <cstdint>
#include <optional>

#include "rustorch/core/dtype.h"
#include "rustorch/core/scalar.h"

namespace rustorch {

/// torch.promote_types: the smallest dtype that both convert to.
DType promote_types(DType a, DType b) noexcept;

/// What an operand counts as in promotion: tensors with dims come before tensors without dims, which come
/// before Scalars; a lower class counts only if its category (bool < integer < real < complex) is higher.
enum class PromotionClass : std::uint8_t { dimensioned, zero_dim, scalar };

/// torch.result_type over any number of operands: feed them with add(), then ask result().
class ResultType {
 public:
  void add(DType dtype, PromotionClass kind) noexcept;
  void add(const Scalar& scalar) noexcept { add(scalar.default_dtype(), PromotionClass::scalar); }
  DType result() const noexcept;

 private:
  std::optional<DType> by_class_[3];
};

/// torch.can_cast: whether a value of `from` may be written to a result of `to` (complex → real, real →
/// integer and anything else → bool are refused).
bool can_cast(DType from, DType to) noexcept;

/// The dtype that floating-point literals and integer inputs of float functions get: float32, or what was
/// set (float16, bfloat16, float32, float64; anything else is an Error).
DType default_dtype() noexcept;
void set_default_dtype(DType dtype);

}  // namespace rustorch
