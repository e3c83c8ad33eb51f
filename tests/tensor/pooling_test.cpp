#include "rustorch/tensor/operations/pooling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "support/expect_error.h"
#include "support/oracle_cases.h"
#include "support/print.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::OracleCases;
using Inputs = const TensorList&;

TensorList list(std::tuple<Tensor, Tensor> pair) { return {std::get<0>(pair), std::get<1>(pair)}; }

TEST(Pooling, EqualsPyTorch) {
  const OracleCases cases("pooling.txt");
  cases.check("max_pool1d/plain", [](Inputs x) { return max_pool1d(x[0], 2); });
  cases.check("max_pool1d/all", [](Inputs x) { return max_pool1d(x[0], 3, 2, 1, 2, true); });
  cases.check("max_pool2d/plain", [](Inputs x) { return max_pool2d(x[0], 2); });
  cases.check("max_pool2d/unbatched", [](Inputs x) { return max_pool2d(x[0], 2); });
  cases.check("max_pool2d/overlapping", [](Inputs x) { return max_pool2d(x[0], 3, 2, 1); });
  cases.check("max_pool2d/dilated", [](Inputs x) {
    return max_pool2d(x[0], {3, 2}, {2, 1}, {1, 0}, {2, 3});
  });
  cases.check("max_pool2d/ceil", [](Inputs x) { return max_pool2d(x[0], 2, 2, 0, 1, true); });
  cases.check("max_pool2d/ceil_padded", [](Inputs x) { return max_pool2d(x[0], 3, 3, 1, 1, true); });
  cases.check("max_pool2d/gaps", [](Inputs x) { return max_pool2d(x[0], 2, 3); });
  cases.check("max_pool2d/large_window", [](Inputs x) { return max_pool2d(x[0], 17, 1); });
  cases.check("max_pool2d/empty_batch", [](Inputs x) { return max_pool2d(x[0], 2); });
  cases.check("max_pool3d/plain", [](Inputs x) { return max_pool3d(x[0], 2); });
  cases.check("max_pool3d/all", [](Inputs x) { return max_pool3d(x[0], 3, 2, 1, 1, true); });
  cases.check("max_pool1d_with_indices",
              [](Inputs x) { return list(max_pool1d_with_indices(x[0], 3, 2, 1)); });
  cases.check("max_pool2d_with_indices",
              [](Inputs x) { return list(max_pool2d_with_indices(x[0], 3, 2, 1)); });
  cases.check("max_pool2d_with_indices/dilated", [](Inputs x) {
    return list(max_pool2d_with_indices(x[0], {3, 2}, {2, 1}, {1, 0}, {2, 3}));
  });
  cases.check("max_pool3d_with_indices", [](Inputs x) { return list(max_pool3d_with_indices(x[0], 2)); });
  cases.check("avg_pool1d/plain", [](Inputs x) { return avg_pool1d(x[0], 2); });
  cases.check("avg_pool1d/all", [](Inputs x) { return avg_pool1d(x[0], 3, 2, 1, true, false); });
  cases.check("avg_pool2d/plain", [](Inputs x) { return avg_pool2d(x[0], 2); });
  cases.check("avg_pool2d/padded", [](Inputs x) { return avg_pool2d(x[0], 3, 2, 1); });
  cases.check("avg_pool2d/exclude_pad", [](Inputs x) { return avg_pool2d(x[0], 3, 2, 1, false, false); });
  cases.check("avg_pool2d/ceil", [](Inputs x) { return avg_pool2d(x[0], 3, 2, 1, true); });
  cases.check("avg_pool2d/ceil_exclude", [](Inputs x) { return avg_pool2d(x[0], 3, 2, 1, true, false); });
  cases.check("avg_pool2d/divisor", [](Inputs x) { return avg_pool2d(x[0], {2, 3}, {}, 0, false, true, 5); });
  cases.check("avg_pool3d/plain", [](Inputs x) { return avg_pool3d(x[0], 2, {}, 1); });
  cases.check("adaptive_avg_pool1d", [](Inputs x) { return adaptive_avg_pool1d(x[0], 4); });
  cases.check("adaptive_avg_pool2d", [](Inputs x) { return adaptive_avg_pool2d(x[0], {3, 2}); });
  cases.check("adaptive_avg_pool2d/one", [](Inputs x) { return adaptive_avg_pool2d(x[0], 1); });
  cases.check("adaptive_avg_pool2d/more", [](Inputs x) { return adaptive_avg_pool2d(x[0], {5, 9}); });
  cases.check("adaptive_avg_pool3d", [](Inputs x) { return adaptive_avg_pool3d(x[0], {2, 3, 2}); });
  cases.check("adaptive_max_pool1d", [](Inputs x) { return adaptive_max_pool1d(x[0], 4); });
  cases.check("adaptive_max_pool2d", [](Inputs x) { return adaptive_max_pool2d(x[0], {3, 2}); });
  cases.check("adaptive_max_pool2d/one", [](Inputs x) { return adaptive_max_pool2d(x[0], 1); });
  cases.check("adaptive_max_pool3d", [](Inputs x) { return adaptive_max_pool3d(x[0], {2, 3, 2}); });
  cases.expect_all_used();
}

TEST(Pooling, KeepsTheOrderOfStrides) {
  const Tensor x = arange(2 * 3 * 4 * 4, {.dtype = float32}).reshape({2, 3, 4, 4});
  EXPECT_TRUE(max_pool2d(x, 2).is_contiguous());
  const Tensor last = x.channels_last();
  const Tensor y = max_pool2d(last, 2);
  EXPECT_TRUE(y.is_channels_last());
  EXPECT_TRUE(y.equal(max_pool2d(x, 2)));
  EXPECT_TRUE(avg_pool2d(last, 2).is_channels_last());
}

TEST(Pooling, NaNAndInfinity) {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({{1.0, std::nan(""), -inf, -inf}, {2.0, 3.0, -inf, -inf}}).reshape({1, 2, 4});
  const std::vector<double> y = max_pool1d(x, 2).to_vector<double>();
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], -inf);
  EXPECT_EQ(y[2], 3.0);
}

TEST(Pooling, OtherDtypes) {
  const Tensor x = tensor({{1, 5, 2, 4}}).reshape({1, 1, 4});
  for (const DType dtype : {int32, int64, uint8, float16, bfloat16, float64}) {
    EXPECT_EQ(max_pool1d(x.to(dtype), 2).to_vector<double>(), (std::vector<double>{5, 4}))
        << to_string(dtype);
  }
  for (const DType dtype : {float16, bfloat16, float64}) {
    EXPECT_EQ(avg_pool1d(x.to(dtype), 2).to_vector<double>(), (std::vector<double>{3, 3}))
        << to_string(dtype);
  }
}

TEST(Pooling, GradcheckOfSecondOrder) {
  const Tensor x = (arange(2 * 7 * 6, {.dtype = float64}) * 1.7).sin().reshape({1, 2, 7, 6}).requires_grad_();
  EXPECT_TRUE(autograd::gradgradcheck([](Inputs t) { return max_pool2d(t[0], 3, 2, 1).tanh(); }, {x}));
  EXPECT_TRUE(autograd::gradgradcheck(
      [](Inputs t) {
        return adaptive_max_pool2d(t[0], {2, 4}).tanh();
      },
      {x}));
  EXPECT_TRUE(autograd::gradgradcheck([](Inputs t) { return avg_pool2d(t[0], 3, 2, 1).tanh(); }, {x}));
}

TEST(Pooling, WrongArguments) {
  const Tensor x = zeros({2, 3, 8, 8});
  expect_error(ErrorCode::invalid_argument,
               "max_pool2d: padding must be at least 0 and at most half of the kernel's extent",
               [&] { return max_pool2d(x, 2, 2, 2); });
  expect_error(ErrorCode::shape_mismatch,
               "max_pool2d: the window spans 9 along spatial dim 0, the padded input [2, 3, 8, 8] only 8",
               [&] { return max_pool2d(x, 9); });
  expect_error(ErrorCode::invalid_argument, "avg_pool2d: kernel_size must be positive",
               [&] { return avg_pool2d(x, 0); });
  expect_error(ErrorCode::invalid_argument, "max_pool2d: stride must be positive", [&] {
    return max_pool2d(x, 2, {0, 1});
  });
  expect_error(ErrorCode::invalid_argument, "max_pool2d: kernel_size must be one number or 2", [&] {
    return max_pool2d(x, {1, 2, 3});
  });
  expect_error(ErrorCode::invalid_argument, "divisor_override",
               [&] { return avg_pool2d(x, 2, {}, 0, false, true, 0); });
  expect_error(ErrorCode::shape_mismatch,
               "max_pool1d: the input must have 3 dims, or 2 without a batch, its shape is [2, 3, 8, 8]",
               [&] { return max_pool1d(x, 2); });
  expect_error(ErrorCode::dtype_mismatch, "avg_pool2d needs floating point: int64", "x.to(float32)",
               [&] { return avg_pool2d(x.to(int64), 2); });
  expect_error(ErrorCode::dtype_mismatch, "max_pool2d is not defined for bool", "x.to(uint8)",
               [&] { return max_pool2d(x.to(bool_), 2); });
  expect_error(ErrorCode::shape_mismatch, "is empty in a spatial dim", [&] {
    return max_pool2d(zeros({2, 3, 0, 4}), 1);
  });
}

}  // namespace
}  // namespace rustorch
