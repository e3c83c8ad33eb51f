#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace rustorch {

/// IEEE 754 binary16 bits of a float, rounded to nearest even; overflow gives infinity, NaN stays NaN.
constexpr std::uint16_t float_to_half_bits(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return static_cast<std::uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x1ffu));
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 65520 and above
  if (magnitude < 0x38800000u) {  // below 2^-14: subnormal, scaled by 2^24 so that the float adder rounds
    const float scaled = std::bit_cast<float>(magnitude) * 16777216.0f;
    const auto whole = static_cast<std::uint32_t>(scaled);
    const float rest = scaled - static_cast<float>(whole);
    const std::uint32_t up = (rest > 0.5f || (rest == 0.5f && (whole & 1u) != 0)) ? 1u : 0u;
    return static_cast<std::uint16_t>(sign | (whole + up));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

/// The float that binary16 bits stand for; exact.
constexpr float half_bits_to_float(std::uint16_t half) noexcept {
  const std::uint32_t sign = (static_cast<std::uint32_t>(half) & 0x8000u) << 16;
  const std::uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude < 0x400u) {
    const float value = static_cast<float>(magnitude) * 5.9604644775390625e-8f;  // 2^-24
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
}

/// bfloat16 bits of a float, rounded to nearest even; NaN stays NaN.
constexpr std::uint16_t float_to_bfloat16_bits(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

constexpr float bfloat16_bits_to_float(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// A float16 element: storage only, all arithmetic happens in float.
struct Half {
  std::uint16_t bits = 0;
  constexpr Half() = default;
  constexpr explicit(false) Half(float value) noexcept : bits(float_to_half_bits(value)) {}
  constexpr operator float() const noexcept { return half_bits_to_float(bits); }
};

/// A bfloat16 element: storage only, all arithmetic happens in float.
struct BFloat16 {
  std::uint16_t bits = 0;
  constexpr BFloat16() = default;
  constexpr explicit(false) BFloat16(float value) noexcept : bits(float_to_bfloat16_bits(value)) {}
  constexpr operator float() const noexcept { return bfloat16_bits_to_float(bits); }
};

static_assert(sizeof(Half) == 2 && sizeof(BFloat16) == 2);

}  // namespace rustorch
