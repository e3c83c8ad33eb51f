// Formulas of the op table as expressions of the kernel dialect. That they compute the right thing is what
// the op cases show on a device; here: that every op has one for every type, and what is wrong is named.
#include "rustorch/backends/gpu/formula.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "rustorch/compute/op.h"
#include "support/expect_error.h"

namespace rustorch::gpu {
namespace {

using rustorch::testing::expect_error;

std::string translate(std::string_view formula, DType compute) {
  const std::array<std::string, 3> operands = {"a", "b", "c"};
  return translate_formula(formula, compute, operands);
}

TEST(Formula, EveryOpHasAnExpressionForEveryTypeOfItsDomain) {
  int translated = 0;
  for (int i = 0; i < op_count; ++i) {
    const OpInfo& info = op_info(static_cast<Op>(i));
    for (const DType compute :
         {DType::int32, DType::int64, DType::float32, DType::float64, DType::complex64, DType::complex128}) {
      if (!domain_has(info.domain, compute)) continue;
      EXPECT_FALSE(translate(info.formula, compute).empty()) << info.name;
      ++translated;
    }
  }
  EXPECT_GT(translated, 2 * op_count);
}

TEST(Formula, LiteralsAndCallsGetTheType) {
  EXPECT_EQ(translate("lit(0.5) * exp(x)", DType::float32), "((0.5f) * exp_f32(a))");
  EXPECT_EQ(translate("lit(2) + y", DType::float64), "((2.0) + b)");
  EXPECT_EQ(translate("select(x < lit(-3), y, z)", DType::int64), "((a < ((i64)-3)) ? b : c)");
  EXPECT_EQ(translate("lit(1e-3) / x", DType::float32), "((1e-3f) / a)");
  EXPECT_EQ(translate("lit(1) / (x + exp(-y))", DType::complex64),
            "divide_c64(make_c64(1.0f, 0.0f), add_c64(a, exp_c64(negate_c64(b))))");
  EXPECT_EQ(translate("select(x != lit(0), y, z)", DType::complex128),
            "select_c128(not_equal_c128(a, make_c128(0.0, 0.0)), b, c)");
}

TEST(Formula, OperatorsBindAsInC) {
  EXPECT_EQ(translate("x - y - z", DType::float32), "((a - b) - c)");
  EXPECT_EQ(translate("x + y * z", DType::float32), "(a + (b * c))");
  EXPECT_EQ(translate("x < y || x > z && y == z", DType::float32), "((a < b) || ((a > c) && (b == c)))");
  EXPECT_EQ(translate("-x * (y + z)", DType::float32), "((-a) * (b + c))");
  EXPECT_EQ(translate("x ^ y & z", DType::int32), "(a ^ (b & c))");
}

TEST(Formula, IntegersWrap) {
  EXPECT_EQ(translate("x + y", DType::int32), "((i32)((u32)a + (u32)b))");
  EXPECT_EQ(translate("-x", DType::int64), "((i64)((u64)0 - (u64)a))");
}

TEST(Formula, WhatIsNoFormulaIsNamed) {
  expect_error(ErrorCode::internal, "position 4", "", [] { translate("x + ", DType::float32); });
  expect_error(ErrorCode::internal, "`)`", "", [] { translate("exp(x", DType::float32); });
  expect_error(ErrorCode::internal, "no operand `w`", "", [] { translate("w + x", DType::float32); });
  expect_error(ErrorCode::internal, "the end", "", [] { translate("x y", DType::float32); });
  expect_error(ErrorCode::internal, "three arguments", "", [] { translate("select(x, y)", DType::float32); });
}

}  // namespace
}  // namespace rustorch::gpu
