#include "rustorch/core/scalar.h"

#include <fmt/format.h>

#include "rustorch/core/type_promotion.h"

namespace rustorch {

namespace {

// As Python prints it: 1 is an integer, 1.0 is not.
std::string real_to_string(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

DType Scalar::default_dtype() const noexcept {
  switch (category_) {
    case Category::boolean:
      return DType::bool_;
    case Category::integer:
      return DType::int64;
    case Category::real:
      return rustorch::default_dtype();
    case Category::complex:
      break;
  }
  return complex_dtype(rustorch::default_dtype());
}

std::string Scalar::to_string() const {
  switch (category_) {
    case Category::boolean:
      return integer_ != 0 ? "true" : "false";
    case Category::integer:
      return fmt::format("{}", integer_);
    case Category::real:
      return real_to_string(complex_.real());
    case Category::complex:
      break;
  }
  return fmt::format("({}{:+}j)", complex_.real(), complex_.imag());
}

}  // namespace rustorch
