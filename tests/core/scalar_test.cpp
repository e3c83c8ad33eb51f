#include "rustorch/core/scalar.h"

#include <gtest/gtest.h>

#include <complex>
#include <cstdint>
#include <limits>

namespace rustorch {
namespace {

using Complex = std::complex<double>;

TEST(Scalar, KnowsItsCategory) {
  EXPECT_TRUE(Scalar(true).is_boolean());
  EXPECT_TRUE(Scalar(1).is_integral());
  EXPECT_TRUE(Scalar(std::uint8_t{1}).is_integral());
  EXPECT_TRUE(Scalar().is_integral());
  EXPECT_TRUE(Scalar(1.0).is_floating_point());
  EXPECT_TRUE(Scalar(1.0f).is_floating_point());
  EXPECT_TRUE(Scalar(Half(1.0f)).is_floating_point());
  EXPECT_TRUE(Scalar(BFloat16(1.0f)).is_floating_point());
  EXPECT_TRUE(Scalar(Complex(1, 0)).is_complex());
  EXPECT_TRUE(Scalar(std::complex<float>(1, 0)).is_complex());
}

TEST(Scalar, ConvertsAsElementsDo) {
  EXPECT_EQ(Scalar(2.9).to<int>(), 2);
  EXPECT_EQ(Scalar(-2.9).to<std::int64_t>(), -2);
  EXPECT_EQ(Scalar(300).to<std::uint8_t>(), 44);
  EXPECT_TRUE(Scalar(0.5).to<bool>());
  EXPECT_FALSE(Scalar(0).to<bool>());
  EXPECT_EQ(Scalar(true).to<float>(), 1.0f);
  EXPECT_EQ(Scalar(Complex(1.5, 2)).to<float>(), 1.5f);
  EXPECT_EQ(Scalar(Complex(1.5, 2)).to<Complex>(), Complex(1.5, 2));
  EXPECT_EQ(Scalar(3).to<std::complex<float>>(), std::complex<float>(3, 0));
  EXPECT_TRUE(Scalar(Complex(0, 2)).to<bool>());
  EXPECT_EQ(Scalar(0.5).to<Half>().bits, 0x3800);
  EXPECT_EQ(Scalar(1).to<BFloat16>().bits, 0x3f80);
  EXPECT_EQ(Scalar(std::numeric_limits<double>::quiet_NaN()).to<int>(), std::numeric_limits<int>::min());
}

TEST(Scalar, KeepsLargeIntegersExactly) {
  constexpr std::int64_t large = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(Scalar(large).to<std::int64_t>(), large);
  EXPECT_EQ(Scalar((std::int64_t{1} << 53) + 1).to<std::int64_t>(), (std::int64_t{1} << 53) + 1);
}

TEST(Scalar, DefaultDTypes) {
  EXPECT_EQ(Scalar(true).default_dtype(), bool_);
  EXPECT_EQ(Scalar(1).default_dtype(), int64);
  EXPECT_EQ(Scalar(1.0).default_dtype(), float32);
  EXPECT_EQ(Scalar(Complex(1, 1)).default_dtype(), complex64);
}

TEST(Scalar, Text) {
  EXPECT_EQ(Scalar(true).to_string(), "true");
  EXPECT_EQ(Scalar(-3).to_string(), "-3");
  EXPECT_EQ(Scalar(2.5).to_string(), "2.5");
  EXPECT_EQ(Scalar(2.0).to_string(), "2.0");
  EXPECT_EQ(Scalar(1e300).to_string(), "1e+300");
  EXPECT_EQ(Scalar(-std::numeric_limits<double>::infinity()).to_string(), "-inf");
  EXPECT_EQ(Scalar(Complex(1, -2)).to_string(), "(1-2j)");
}

}  // namespace
}  // namespace rustorch
