#include "rustorch/core/environment.h"

#include <charconv>
#include <cstdlib>

#include "rustorch/error/error.h"

namespace rustorch {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t least,
                                         std::int64_t most) noexcept {
  std::int64_t value = 0;
  const auto [stopped, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool valid = failure == std::errc() && stopped == text.data() + text.size();
  return valid && value >= least && value <= most ? std::optional(value) : std::nullopt;
}

std::int64_t number_from_environment(const char* name, std::int64_t least, std::int64_t most,
                                     std::int64_t otherwise) {
  const std::string text = environment(name);
  if (text.empty()) return otherwise;
  const std::optional<std::int64_t> value = whole_number(text, least, most);
  RUSTORCH_CHECK(value.has_value(), invalid_argument, "{}: \"{}\" is not a number from {} to {}", name, text,
                 least, most);
  return *value;
}

}  // namespace rustorch
