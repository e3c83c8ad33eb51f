#include "rustorch/core/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace rustorch {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

constexpr std::uint16_t bits16(int value) { return static_cast<std::uint16_t>(value); }

static_assert(Half(1.0f).bits == 0x3c00 && static_cast<float>(Half(0.1f)) == 0.0999755859375f);
static_assert(BFloat16(1.0f).bits == 0x3f80 && static_cast<float>(BFloat16(-2.0f)) == -2.0f);

// Calls f with each float that decides how values between two neighbouring numbers of a 16-bit format round:
// a little below the middle, the middle, a little above. `lower` are the bits of the nearer to zero.
template <class ToFloat, class F>
void around_middle(std::uint16_t lower, float upper, const ToFloat& to_float, const F& f) {
  const float low = to_float(lower);
  const float middle = low + (upper - low) / 2;  // exact: one bit more than the format has
  const bool lower_is_even = (lower & 1u) == 0;
  const auto next = static_cast<std::uint16_t>(lower + 1);
  f(std::nextafter(middle, 0.0f), lower);
  f(middle, lower_is_even ? lower : next);
  f(std::nextafter(middle, infinity), next);
}

TEST(Half, EveryBitPatternSurvivesTheWayThroughFloat) {
  for (int i = 0; i < 0x10000; ++i) {
    const std::uint16_t bits = bits16(i);
    const float value = half_bits_to_float(bits);
    if (std::isnan(value)) {
      ASSERT_EQ(float_to_half_bits(value), bits | 0x200) << i;  // quiet, with its payload
    } else {
      ASSERT_EQ(float_to_half_bits(value), bits) << i;
    }
    ASSERT_EQ(std::signbit(value), i >= 0x8000) << i;
  }
}

TEST(Half, RoundsToNearestEvenBetweenAllNeighbours) {
  for (int i = 0; i < 0x7c00; ++i) {
    // Above the largest number, 65536 takes the place of infinity.
    const float upper = i + 1 == 0x7c00 ? 65536.0f : half_bits_to_float(bits16(i + 1));
    around_middle(bits16(i), upper, half_bits_to_float, [&](float value, std::uint16_t expected) {
      ASSERT_EQ(float_to_half_bits(value), expected) << value;
      ASSERT_EQ(float_to_half_bits(-value), expected | 0x8000) << value;
    });
  }
}

TEST(Half, Limits) {
  EXPECT_EQ(Half(65504.0f).bits, 0x7bff);
  EXPECT_EQ(Half(65519.996f).bits, 0x7bff);
  EXPECT_EQ(Half(65520.0f).bits, 0x7c00);
  EXPECT_EQ(Half(std::numeric_limits<float>::max()).bits, 0x7c00);
  EXPECT_EQ(Half(-infinity).bits, 0xfc00);
  EXPECT_EQ(Half(std::numeric_limits<float>::denorm_min()).bits, 0);
  EXPECT_EQ(Half(-0.0f).bits, 0x8000);
  EXPECT_EQ(Half(6.0e-8f).bits, 1);  // the least subnormal
  EXPECT_TRUE(std::isnan(static_cast<float>(Half(std::nanf("")))));
}

#ifdef __FLT16_MAX__
TEST(Half, AgreesWithTheCompiler) {
  for (int i = 0; i < 0x10000; ++i) {
    const auto theirs = static_cast<float>(std::bit_cast<_Float16>(bits16(i)));
    const float ours = half_bits_to_float(bits16(i));
    if (std::isnan(theirs)) {
      ASSERT_TRUE(std::isnan(ours)) << i;
    } else {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(ours), std::bit_cast<std::uint32_t>(theirs)) << i;
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isnan(value)) continue;
    ASSERT_EQ(float_to_half_bits(value), std::bit_cast<std::uint16_t>(static_cast<_Float16>(value))) << value;
  }
}
#endif

TEST(BFloat16, EveryBitPatternSurvivesTheWayThroughFloat) {
  for (int i = 0; i < 0x10000; ++i) {
    const std::uint16_t bits = bits16(i);
    const float value = bfloat16_bits_to_float(bits);
    ASSERT_EQ(float_to_bfloat16_bits(value), std::isnan(value) ? bits | 0x40 : bits) << i;
  }
}

TEST(BFloat16, RoundsToNearestEvenBetweenAllNeighbours) {
  for (int i = 0; i < 0x7f7f; ++i) {
    const float upper = bfloat16_bits_to_float(bits16(i + 1));
    around_middle(bits16(i), upper, bfloat16_bits_to_float, [&](float value, std::uint16_t expected) {
      ASSERT_EQ(float_to_bfloat16_bits(value), expected) << value;
      ASSERT_EQ(float_to_bfloat16_bits(-value), expected | 0x8000) << value;
    });
  }
}

TEST(BFloat16, Limits) {
  EXPECT_EQ(BFloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_EQ(BFloat16(infinity).bits, 0x7f80);
  EXPECT_EQ(BFloat16(-infinity).bits, 0xff80);
  // A NaN whose payload lies below the bits that are kept must not become infinity.
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(0xffffffffu)))));
}

}  // namespace
}  // namespace rustorch
