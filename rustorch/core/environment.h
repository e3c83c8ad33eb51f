#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rustorch {

/// The value of an environment variable; empty where it is not set.
std::string environment(const char* name);

/// The text as a whole number from `least` to `most`; nothing if it is none.
std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t least,
                                         std::int64_t most) noexcept;

/// A setting that is a whole number from `least` to `most`; `otherwise` where the variable is unset or empty.
/// An Error that names it for anything else.
std::int64_t number_from_environment(const char* name, std::int64_t least, std::int64_t most,
                                     std::int64_t otherwise);

}  // namespace rustorch
