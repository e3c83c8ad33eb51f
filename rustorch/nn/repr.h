#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rustorch/core/shape.h"

/// How Python prints values: what extra_repr() is made of.
namespace rustorch::nn::repr {

/// "0.1", "1e-05", "1.0".
std::string real(double value);
/// "True", "False".
std::string_view boolean(bool value);
/// "(3, 3)", "(3,)".
std::string tuple(const Shape& values);

}  // namespace rustorch::nn::repr
