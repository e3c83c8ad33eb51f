#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "rustorch/compute/simd/kernels.h"
#include "rustorch/core/dtype.h"

namespace rustorch {
namespace {

template <class T>
class IntegerKernel : public ::testing::Test {
 protected:
  /// The op on one value, as the middle of an array that fills several registers.
  static T run(Op op, T x, T y = 0, T z = 0) {
    const std::vector<T> a(37, x), b(37, y), c(37, z);
    std::vector<T> out(38, T{99});
    simd::elementwise_kernel(op, dtype_of<T>)(a.data(), b.data(), c.data(), out.data(), 37);
    EXPECT_EQ(out[37], 99);
    for (std::size_t i = 1; i < 37; ++i) EXPECT_EQ(out[i], out[0]);
    return out[0];
  }
};
using IntegerTypes = ::testing::Types<std::int32_t, std::int64_t>;
TYPED_TEST_SUITE(IntegerKernel, IntegerTypes);

TYPED_TEST(IntegerKernel, ArithmeticWraps) {
  using T = TypeParam;
  constexpr T max = std::numeric_limits<T>::max(), min = std::numeric_limits<T>::min();
  EXPECT_EQ(this->run(Op::add, max, 1), min);
  EXPECT_EQ(this->run(Op::sub, min, 1), max);
  EXPECT_EQ(this->run(Op::mul, max, 2), -2);
  EXPECT_EQ(this->run(Op::neg, min), min);
  EXPECT_EQ(this->run(Op::abs, min), min);
  EXPECT_EQ(this->run(Op::abs, -7), 7);
  EXPECT_EQ(this->run(Op::square, -12), 144);
  EXPECT_EQ(this->run(Op::multiply_add, 1, 2, 3), 7);
  EXPECT_EQ(this->run(Op::sign, min), -1);
  EXPECT_EQ(this->run(Op::sign, 0), 0);
  EXPECT_EQ(this->run(Op::floor, -7), -7);
}

TYPED_TEST(IntegerKernel, DivisionNeverTraps) {
  using T = TypeParam;
  constexpr T min = std::numeric_limits<T>::min();
  for (const Op op : {Op::floor_divide, Op::trunc_divide, Op::remainder, Op::fmod})
    EXPECT_EQ(this->run(op, 5, 0), 0);
  EXPECT_EQ(this->run(Op::trunc_divide, min, -1), min);
  EXPECT_EQ(this->run(Op::floor_divide, min, -1), min);
  EXPECT_EQ(this->run(Op::remainder, min, -1), 0);
  EXPECT_EQ(this->run(Op::fmod, min, -1), 0);
  EXPECT_EQ(this->run(Op::floor_divide, -7, 2), -4);
  EXPECT_EQ(this->run(Op::floor_divide, 7, -2), -4);
  EXPECT_EQ(this->run(Op::floor_divide, -8, 2), -4);
  EXPECT_EQ(this->run(Op::trunc_divide, -7, 2), -3);
  EXPECT_EQ(this->run(Op::remainder, -7, 3), 2);
  EXPECT_EQ(this->run(Op::remainder, 7, -3), -2);
  EXPECT_EQ(this->run(Op::fmod, -7, 3), -1);
  EXPECT_EQ(this->run(Op::fmod, 7, -3), 1);
}

TYPED_TEST(IntegerKernel, Powers) {
  EXPECT_EQ(this->run(Op::pow, 3, 4), 81);
  EXPECT_EQ(this->run(Op::pow, -2, 3), -8);
  EXPECT_EQ(this->run(Op::pow, 0, 0), 1);
  EXPECT_EQ(this->run(Op::pow, 2, 200), 0);
  EXPECT_EQ(this->run(Op::pow, 1, -5), 1);
  EXPECT_EQ(this->run(Op::pow, -1, -5), -1);
  EXPECT_EQ(this->run(Op::pow, -1, -4), 1);
  EXPECT_EQ(this->run(Op::pow, 7, -1), 0);
}

TYPED_TEST(IntegerKernel, BitsAndShifts) {
  using T = TypeParam;
  constexpr T width = static_cast<T>(8 * sizeof(T));
  EXPECT_EQ(this->run(Op::bitwise_and, 12, 10), 8);
  EXPECT_EQ(this->run(Op::bitwise_or, 12, 10), 14);
  EXPECT_EQ(this->run(Op::bitwise_xor, 12, 10), 6);
  EXPECT_EQ(this->run(Op::bitwise_not, 0), -1);
  EXPECT_EQ(this->run(Op::bitwise_left_shift, 3, 4), 48);
  EXPECT_EQ(this->run(Op::bitwise_left_shift, 3, width), 0);
  EXPECT_EQ(this->run(Op::bitwise_left_shift, 3, -1), 0);
  EXPECT_EQ(this->run(Op::bitwise_right_shift, -16, 2), -4);
  EXPECT_EQ(this->run(Op::bitwise_right_shift, -16, width), -1);
  EXPECT_EQ(this->run(Op::bitwise_right_shift, -16, -3), -1);
  EXPECT_EQ(this->run(Op::bitwise_right_shift, 16, width + 5), 0);
}

TYPED_TEST(IntegerKernel, ComparisonsAndLogic) {
  EXPECT_EQ(this->run(Op::eq, 3, 3), 1);
  EXPECT_EQ(this->run(Op::ne, 3, 3), 0);
  EXPECT_EQ(this->run(Op::lt, -3, 2), 1);
  EXPECT_EQ(this->run(Op::ge, -3, 2), 0);
  EXPECT_EQ(this->run(Op::logical_and, 4, 2), 1);
  EXPECT_EQ(this->run(Op::logical_or, 0, 0), 0);
  EXPECT_EQ(this->run(Op::logical_xor, 4, 2), 0);
  EXPECT_EQ(this->run(Op::logical_not, 4), 0);
  EXPECT_EQ(this->run(Op::where, 2, 10, 20), 10);
  EXPECT_EQ(this->run(Op::where, 0, 10, 20), 20);
  EXPECT_EQ(this->run(Op::isnan, 4), 0);
  EXPECT_EQ(this->run(Op::isfinite, 4), 1);
  EXPECT_EQ(this->run(Op::signbit, -4), 1);
  EXPECT_EQ(this->run(Op::maximum, -4, 3), 3);
  EXPECT_EQ(this->run(Op::fmin, -4, 3), -4);
  EXPECT_EQ(this->run(Op::clamp, 9, -1, 5), 5);
  EXPECT_EQ(this->run(Op::relu, -9), 0);
  EXPECT_EQ(this->run(Op::heaviside, 0, 7), 7);
}

}  // namespace
}  // namespace rustorch
