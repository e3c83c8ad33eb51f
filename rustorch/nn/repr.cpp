#include "rustorch/nn/repr.h"

#include <fmt/format.h>

namespace rustorch::nn::repr {

std::string real(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".ein") == std::string::npos) text += ".0";
  return text;
}

std::string_view boolean(bool value) { return value ? "True" : "False"; }

std::string tuple(const Shape& values) {
  return values.size() == 1 ? fmt::format("({},)", values[0]) : fmt::format("({})", fmt::join(values, ", "));
}

}  // namespace rustorch::nn::repr
