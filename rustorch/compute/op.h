#pragma once

#include <cstdint>
#include <string_view>

#include "rustorch/core/dtype.h"

namespace rustorch {

/// Every elementwise operation of the op table (op_table/ops.def), in its order.
enum class Op : std::uint8_t {
#define RUSTORCH_OP(name, arity, domain, result, ...) name,
#include "rustorch/compute/op_table/ops.def"
#undef RUSTORCH_OP
};

#define RUSTORCH_OP(name, arity, domain, result, ...) +1
inline constexpr int op_count = 0
#include "rustorch/compute/op_table/ops.def"
    ;
#undef RUSTORCH_OP

/// Which compute types an op's formula is compiled for (after promotion).
enum class OpDomain : std::uint8_t {
  number,      ///< integers, floating point and complex
  real,        ///< integers and floating point
  fractional,  ///< floating point and complex
  floating,    ///< floating point
  integral,    ///< integers and bool
};

/// What dtype the result has.
enum class OpResult : std::uint8_t {
  same,      ///< the promoted dtype of the inputs
  to_float,  ///< as same, but integers and bool become the default float dtype first
  boolean,   ///< bool; the inputs are promoted to one dtype and compared in it
};

/// One row of the op table.
struct OpInfo {
  std::string_view name;
  std::uint8_t arity;
  OpDomain domain;
  OpResult result;
  std::string_view formula;  ///< the text that GPU compilers get; operands are x, y, z
};

const OpInfo& op_info(Op op) noexcept;

/// The type that elements of a dtype are computed in: float16 and bfloat16 in float32; bool and integers up
/// to 32 bits in int32 (results wrap when they are stored); all others in themselves.
constexpr DType compute_dtype(DType storage) noexcept {
  switch (storage) {
    case DType::uint8:
    case DType::int8:
    case DType::int16:
    case DType::bool_:
      return DType::int32;
    case DType::float16:
    case DType::bfloat16:
      return DType::float32;
    default:
      return storage;
  }
}

/// Whether the op's formula exists for this compute type.
constexpr bool domain_has(OpDomain domain, DType compute) noexcept {
  const bool integer = is_integral(compute) || compute == DType::bool_;
  switch (domain) {
    case OpDomain::number:
      return true;
    case OpDomain::real:
      return !is_complex(compute);
    case OpDomain::fractional:
      return !integer;
    case OpDomain::floating:
      return is_floating_point(compute);
    case OpDomain::integral:
      return integer;
  }
  return false;
}

}  // namespace rustorch
