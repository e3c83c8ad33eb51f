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

TEST(BroadcastRows, ExpandedOperandsSameAsWrittenOut) {
  manual_seed(12);
  const Shape shape{3, 4, 5};
  const Tensor x = randn(shape), number = randn({1, 1, 1}), plane = randn({1, 4, 5}), line = randn({3, 1, 5});
  for (const Tensor& small : {number, plane, line}) {
    const Tensor spread = small.expand(shape), whole = spread.contiguous();
    EXPECT_TRUE(equal(x - spread, x - whole));
    EXPECT_TRUE(equal(spread - x, whole - x));
    EXPECT_TRUE((spread - x).is_contiguous());
    EXPECT_TRUE(equal(spread - spread * 2, whole - whole * 2));
    EXPECT_TRUE(equal(addcmul(spread, x, spread, 2), addcmul(whole, x, whole, 2)));
    Tensor changed = x.clone();
    changed.sub_(spread);
    EXPECT_TRUE(equal(changed, x - whole));
  }
}

TEST(BroadcastRows, ExpandedOverItself) {
  Tensor x = tensor({{2.0F, 3.0F}, {4.0F, 5.0F}});
  x.mul_(x[0].expand({2, 2}));  // begins where x does, and is overwritten before the second row reads it
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{4, 9, 8, 15}));
  Tensor y = tensor({2.0F, 3.0F, 4.0F});
  y.mul_(y[0]);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{4, 6, 8}));
}

/// A number among tensors, in every place and of every category, against the same number as a tensor.
TEST(BroadcastRows, NumbersSameAsTensors) {
  const Scalar numbers[] = {true, 3, -0.75, std::complex<double>(0.5, 2)};
  const Shape shape{3, 4};
  manual_seed(13);
  for (const DType dtype : {float16, bfloat16, float32, float64, complex64}) {
    const Tensor x = randn(shape, {.dtype = dtype}), y = randn(shape, {.dtype = dtype});
    for (const Scalar& number : numbers) {
      const Tensor as_tensor = scalar_tensor(number, {.dtype = number.default_dtype()});
      const auto where_ = fmt::format("{} with {}", dtype, number.to_string());
      for (int call = 0; call < 2; ++call) {  // the second finds what the first has kept
        EXPECT_TRUE(equal(x - number, x - as_tensor)) << where_;
        EXPECT_TRUE(equal(number - x, as_tensor - x)) << where_;
        EXPECT_EQ((x - number).dtype(), (x - as_tensor).dtype()) << where_;
        EXPECT_TRUE(equal(where(x.abs() > 0.5, x, number), where(x.abs() > 0.5, x, as_tensor))) << where_;
      }
      if (number.is_complex() && dtype != complex64) continue;
      Tensor changed = x.clone();
      changed.mul_(number);
      EXPECT_TRUE(equal(changed, x * as_tensor)) << where_;
    }
    EXPECT_FALSE(equal(x - 1, x - 2));
  }
}

}  // namespace
}  // namespace rustorch
