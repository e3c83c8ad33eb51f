#pragma once

namespace rustorch {

/// Whether x is a NaN; false for all values of types that have none. For types that std::isnan does not take.
template <class T>
constexpr bool is_nan(const T& x) noexcept {
  return x != x;  // NOLINT(misc-redundant-expression)
}

}  // namespace rustorch
