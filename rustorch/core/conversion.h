#pragma once

#include <complex>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "rustorch/core/half.h"

namespace rustorch {

template <class T>
inline constexpr bool is_complex_type = false;
template <class T>
inline constexpr bool is_complex_type<std::complex<T>> = true;
template <class T>
inline constexpr bool is_reduced_precision_type = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

/// A real number as an integer: truncated towards zero. Beyond the range of int32 (int64 for 64-bit results
/// and uint8) and for NaN the least value of that range, of which the result keeps the low bits: what x86
/// and so PyTorch give, and no undefined behaviour.
template <class To, class From>
constexpr To truncate_to_integer(From value) noexcept {
  static_assert(std::is_integral_v<To> && std::is_floating_point_v<From>);
  using Wide = std::conditional_t<(sizeof(To) <= 4 && std::is_signed_v<To>), std::int32_t, std::int64_t>;
  constexpr auto least = std::numeric_limits<Wide>::min();
  constexpr From beyond = -static_cast<From>(least);  // a power of two, so exact in every From
  // A double may lie between the least value and one less, and truncates into the range.
  const bool above_least = value > static_cast<From>(least) - From(1) || value == static_cast<From>(least);
  return static_cast<To>(above_least && value < beyond ? static_cast<Wide>(value) : least);
}

/// An element of one dtype as an element of another, as PyTorch converts: complex to real drops the
/// imaginary part, anything but zero is true, integers keep their low bits, reals are truncated to integers.
template <class To, class From>
constexpr To convert_element(From value) noexcept {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (is_reduced_precision_type<From>) {
    return convert_element<To>(static_cast<float>(value));
  } else if constexpr (is_complex_type<To>) {
    using Part = typename To::value_type;
    if constexpr (is_complex_type<From>) {
      return To(static_cast<Part>(value.real()), static_cast<Part>(value.imag()));
    } else {
      return To(convert_element<Part>(value));
    }
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (is_complex_type<From>) {
    return convert_element<To>(value.real());
  } else if constexpr (is_reduced_precision_type<To>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return truncate_to_integer<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace rustorch
