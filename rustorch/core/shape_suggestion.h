#pragma once

#include <string>

#include "rustorch/core/shape.h"

namespace rustorch {

// What to do about shapes that do not fit, found by looking at them; "" where nothing is known to help.
// Ops hand the text to their Error.

/// For elementwise operands: "transpose the second operand: [4, 3] -> [3, 4]", "reshape the second operand
/// to [2, 1]" …
std::string suggest_broadcast(const Shape& a, const Shape& b);

/// For matmul operands whose inner dims differ: "transpose the second operand: [4, 3] x [3, 5]" …
std::string suggest_matmul(const Shape& a, const Shape& b);

/// For a reshape whose element counts differ: the dim of `wanted` that would have to change, or -1 for it.
std::string suggest_reshape(const Shape& from, const Shape& wanted);

/// For concatenation along `dim` of tensors that differ elsewhere: the dim along which they would fit, or a
/// transposition.
std::string suggest_cat(const Shape& first, const Shape& other, std::size_t dim);

/// For convolution (input N, C, …; weight out, in per group, …): channels in the last dim, a missing batch
/// dim, groups that would fit.
std::string suggest_convolution(const Shape& input, const Shape& weight, std::int64_t groups);

}  // namespace rustorch
