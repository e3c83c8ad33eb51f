#pragma once

#include <span>
#include <string>
#include <string_view>

#include "rustorch/core/dtype.h"

namespace rustorch::gpu {

/// The name of a compute type in the kernel dialect: "i32", "i64", "f32", "f64", "c64", "c128".
std::string_view dialect_type(DType compute);

/// An op table formula as an expression of the kernel dialect: `x`, `y` and `z` become the operands' names,
/// `lit` a literal of the type, `select` a conditional, calls get the type's suffix (exp becomes exp_f32),
/// and sums, differences and products of integers wrap. Of complex numbers operators and `select` are calls,
/// too (kernels/complex_numbers.h). An Error (internal) names the place where the formula is no expression of
/// the op table's language.
std::string translate_formula(std::string_view formula, DType compute, std::span<const std::string> operands);

}  // namespace rustorch::gpu
