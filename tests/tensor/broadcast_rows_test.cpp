// Operands that an output reads over and over, in every place of a binary and a ternary operation.
#include <gtest/gtest.h>

#include <rustorch/rustorch.h>

namespace rustorch {
namespace {

TEST(BroadcastRows, SameAsWrittenOut) {
  manual_seed(11);
  const std::pair<Shape, Shape> shapes[] = {
      {{100, 64}, {64}},       {{100, 63}, {63}},       {{3, 5, 70}, {5, 70}},  {{3, 5, 70}, {1, 70}},
      {{7, 1, 200}, {1, 200}}, {{2, 3, 1, 300}, {300}}, {{600, 100}, {1, 100}}, {{4, 4}, {4}},
      {{2, 1}, {1}},           {{1000, 3}, {3}},        {{5, 70}, {5, 1}},      {{2, 5, 70}, {2, 1, 70}},
      {{0, 70}, {70}},
  };
  for (const auto& [large, small] : shapes) {
    for (const DType dtype : {DType::float32, DType::float64, DType::int64, DType::float16}) {
      const Tensor x = (randn(large) * 10).to(dtype), row = (randn(small) * 10).to(dtype);
      const Tensor whole = row.expand(large).contiguous();
      const auto where_ = fmt::format("{} with {} of {}", large, small, dtype);
      EXPECT_TRUE(equal(x - row, x - whole)) << where_;
      EXPECT_TRUE(equal(row - x, whole - x)) << where_;
      EXPECT_TRUE(equal(lerp(x.to(DType::float32), row.to(DType::float32), row.to(DType::float32)),
                        lerp(x.to(DType::float32), whole.to(DType::float32), whole.to(DType::float32))))
          << where_;
      Tensor changed = x.clone();
      changed.sub_(row);
      EXPECT_TRUE(equal(changed, x - whole)) << where_;
      EXPECT_TRUE(equal(x.contiguous() * 2 + row, x * 2 + whole)) << where_;
    }
  }
}

}  // namespace
}  // namespace rustorch
