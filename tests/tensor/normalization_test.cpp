#include "rustorch/tensor/operations/normalization.h"

#include <gtest/gtest.h>

#include <limits>

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

TEST(Normalization, BatchNormEqualsPyTorch) {
  const OracleCases cases("normalization.txt");
  cases.check("batch_norm/training", [](Inputs x) {
    const Tensor mean = x[1].detach().clone(), variance = x[2].detach().clone();
    const Tensor y = batch_norm(x[0], mean, variance, x[3], x[4], true, 0.3, 1e-4);
    return TensorList{y, mean, variance};
  });
  cases.check("batch_norm/plain", [](Inputs x) { return batch_norm(x[0], {}, {}, {}, {}, true); });
  cases.check("batch_norm/rank2", [](Inputs x) { return batch_norm(x[0], {}, {}, x[1], x[2], true); });
  cases.check("batch_norm/rank5", [](Inputs x) { return batch_norm(x[0], {}, {}, x[1], x[2], true); });
  cases.check("batch_norm/weight_only", [](Inputs x) { return batch_norm(x[0], {}, {}, x[1], {}, true); });
  cases.check("batch_norm/evaluation",
              [](Inputs x) { return batch_norm(x[0], x[1].detach(), x[2].detach(), x[3], x[4]); });
  cases.check("batch_norm/evaluation_plain",
              [](Inputs x) { return batch_norm(x[0], x[1].detach(), x[2].detach()); });
}

TEST(Normalization, LayerNormEqualsPyTorch) {
  const OracleCases cases("normalization.txt");
  cases.check("layer_norm/last", [](Inputs x) { return layer_norm(x[0], {5}, x[1], x[2]); });
  cases.check("layer_norm/two", [](Inputs x) { return layer_norm(x[0], {3, 5}, x[1], x[2], 1e-3); });
  cases.check("layer_norm/whole", [](Inputs x) { return layer_norm(x[0], {3, 5}, x[1], x[2]); });
  cases.check("layer_norm/plain", [](Inputs x) { return layer_norm(x[0], {5}); });
  cases.check("layer_norm/weight_only", [](Inputs x) { return layer_norm(x[0], {5}, x[1]); });
  cases.check("layer_norm/wide", [](Inputs x) { return layer_norm(x[0], {150}, x[1], x[2]); });
  cases.check("group_norm/affine", [](Inputs x) { return group_norm(x[0], 2, x[1], x[2]); });
  cases.check("group_norm/plain", [](Inputs x) { return group_norm(x[0], 3); });
  cases.check("group_norm/rank2", [](Inputs x) { return group_norm(x[0], 2, x[1]); });
}

TEST(Normalization, SoftmaxEqualsPyTorch) {
  const OracleCases cases("normalization.txt");
  const auto check = [&](const std::string& name,
                         Tensor (*function)(const Tensor&, std::int64_t, std::optional<DType>)) {
    cases.check(name + "/last", [=](Inputs x) { return function(x[0], -1, {}); });
    cases.check(name + "/1", [=](Inputs x) { return function(x[0], 1, {}); });
    // In float32 the arguments differ by their own rounding, which the exponential multiplies.
    cases.check(name + "/0", [=](Inputs x) { return function(x[0] * 200, 0, {}); },
                {.float32_tolerance = 5e-3});
    cases.check(name + "/channels", [=](Inputs x) { return function(x[0], 1, {}); });
    cases.check(name + "/scalar", [=](Inputs x) { return function(x[0], 0, {}); });
    cases.check(name + "/empty", [=](Inputs x) { return function(x[0], 1, {}); });
    cases.check(name + "/wide", [=](Inputs x) { return function(x[0], 1, {}); });
  };
  check("softmax", softmax);
  check("log_softmax", log_softmax);
}

TEST(Normalization, BatchNormUpdatesInPlace) {
  Tensor mean = zeros({2}), variance = ones({2});
  const std::uint64_t before = mean.version();
  const Tensor x = tensor({{1.0, 10.0}, {3.0, 30.0}});
  batch_norm(x, mean, variance, {}, {}, true, 0.5);
  EXPECT_GT(mean.version(), before);
  EXPECT_EQ(mean.to_vector<float>(), (std::vector<float>{1, 10}));
  EXPECT_EQ(variance.to_vector<float>(), (std::vector<float>{1.5, 100.5}));  // of 2 and 200, unbiased
  const std::uint64_t after = mean.version();
  batch_norm(x, mean, variance);
  EXPECT_EQ(mean.version(), after);
}

TEST(Normalization, EvaluationMayBeFollowedByTraining) {
  Tensor mean = zeros({2}), variance = ones({2});
  Tensor x = tensor({{1.0, 10.0}, {3.0, 30.0}}).requires_grad_();
  const Tensor y = batch_norm(x, mean, variance, {}, {}, false, 0.1, 0.0);
  batch_norm(x.detach(), mean, variance, {}, {}, true, 0.5);  // changes the running statistics
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 1, 1, 1}));
}

TEST(Normalization, InfinitiesStayOutOfTheEvaluatedGradient) {
  Tensor x = (arange(2 * 3 * 4 * 4, {.dtype = float32}) * 0.7).sin().reshape({2, 3, 4, 4});
  x[0][1][2][3].fill_(std::numeric_limits<double>::infinity());
  x.requires_grad_();
  const Tensor g = (arange(2 * 3 * 4 * 4, {.dtype = float32}) * 0.3).cos().reshape({2, 3, 4, 4});
  (batch_norm(x, zeros({3}), ones({3})) * g).sum().backward();
  EXPECT_TRUE(isfinite(x.grad()).all().item<bool>());
}

TEST(Normalization, KeepsTheOrderOfStrides) {
  const Tensor x = (arange(2 * 3 * 4 * 4, {.dtype = float32}) * 0.7).sin().reshape({2, 3, 4, 4});
  Tensor last = x.channels_last().detach().requires_grad_();
  const Tensor y = batch_norm(last, {}, {}, {}, {}, true);
  EXPECT_TRUE(y.is_channels_last());
  EXPECT_TRUE(y.allclose(batch_norm(x, {}, {}, {}, {}, true), 1e-5, 1e-5));
  EXPECT_TRUE(softmax(last, 1).is_channels_last());
}

TEST(Normalization, ReducedPrecision) {
  const Tensor x = (arange(6 * 8, {.dtype = float64}) * 0.7).sin().reshape({6, 8});
  const Tensor weight = ones({8}) * 2;
  for (const DType dtype : {float16, bfloat16}) {
    const double tolerance = dtype == float16 ? 4e-3 : 4e-2;
    const Tensor half = x.to(dtype);
    const auto near = [&](const Tensor& y, const Tensor& expected) {
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_LT((y.to(float64) - expected).abs().amax().item<double>(), tolerance) << to_string(dtype);
    };
    near(softmax(half, 1), softmax(x, 1));
    near(log_softmax(half, 0), log_softmax(x, 0));
    near(layer_norm(half, {8}), layer_norm(x, {8}));
    near(layer_norm(half, {8}, weight.to(dtype)), layer_norm(x, {8}, weight.to(float64)));
    near(batch_norm(half, {}, {}, weight, {}, true), batch_norm(x, {}, {}, weight.to(float64), {}, true));
    EXPECT_EQ(softmax(half, 1, float32).dtype(), float32);
  }
}

TEST(Normalization, Infinities) {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({{0.0, -inf, 0.0}, {1000.0, 0.0, -1000.0}}, {.dtype = float64});
  EXPECT_EQ(softmax(x, 1).to_vector<double>(), (std::vector<double>{0.5, 0, 0.5, 1, 0, 0}));
  EXPECT_EQ(log_softmax(x, 1).select(1, 1).to_vector<double>(), (std::vector<double>{-inf, -1000}));
}

TEST(Normalization, GradcheckOfSecondOrder) {
  const Tensor x = (arange(3 * 2 * 4, {.dtype = float64}) * 1.7).sin().reshape({3, 2, 4}).requires_grad_();
  const Tensor w = tensor({0.5, -1.5}, {.dtype = float64}).requires_grad_();
  const Tensor b = tensor({0.1, 0.2}, {.dtype = float64}).requires_grad_();
  EXPECT_TRUE(autograd::gradgradcheck(
      [](Inputs t) { return batch_norm(t[0], {}, {}, t[1], t[2], true).tanh(); }, {x, w, b}));
  EXPECT_TRUE(autograd::gradgradcheck([](Inputs t) { return layer_norm(t[0], {2, 4}).tanh(); }, {x}));
  EXPECT_TRUE(
      autograd::gradgradcheck([](Inputs t) { return group_norm(t[0], 1, t[1], t[2]).tanh(); }, {x, w, b}));
}

TEST(Normalization, EmptyBatches) {
  Tensor w = ones({3}).requires_grad_();
  Tensor x = zeros({0, 3, 4}).requires_grad_();
  batch_norm(x, {}, {}, w, {}, true).sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{0, 0, 0}));
  Tensor v = ones({4}).requires_grad_();
  layer_norm(x, {4}, v).sum().backward();
  EXPECT_EQ(v.grad().to_vector<float>(), (std::vector<float>{0, 0, 0, 0}));
  EXPECT_EQ(group_norm(x, 3).shape(), x.shape());
}

TEST(Normalization, WrongArguments) {
  const Tensor x = zeros({4, 3, 5});
  expect_error(ErrorCode::shape_mismatch,
               "batch_norm: the weight must have shape [3], it has [5] (input [4, 3, 5])",
               [&] { return batch_norm(x, {}, {}, zeros({5}), {}, true); });
  expect_error(ErrorCode::shape_mismatch, "batch_norm: the running_mean must have shape [3]",
               [&] { return batch_norm(x, zeros({4}), zeros({4})); });
  expect_error(ErrorCode::invalid_argument,
               "batch_norm: running_mean and running_var are needed outside of training",
               [&] { return batch_norm(x, {}, {}); });
  expect_error(ErrorCode::shape_mismatch, "more than one value per channel", "evaluation mode", [&] {
    return batch_norm(zeros({1, 3}), {}, {}, {}, {}, true);
  });
  expect_error(ErrorCode::shape_mismatch, "batch_norm: the input must have shape [N, C, ...]",
               [&] { return batch_norm(zeros({3}), {}, {}, {}, {}, true); });
  expect_error(ErrorCode::shape_mismatch,
               "layer_norm: the last dims of an input of shape [4, 3, 5] are not [4]",
               [&] { return layer_norm(x, {4}); });
  expect_error(ErrorCode::shape_mismatch, "layer_norm", [&] { return layer_norm(x, {}); });
  expect_error(ErrorCode::invalid_argument, "group_norm: 2 groups do not divide the 3 channels",
               [&] { return group_norm(x, 2); });
  expect_error(ErrorCode::dtype_mismatch, "batch_norm: the input is float32, the weight float64",
               [&] { return batch_norm(x, {}, {}, zeros({3}, {.dtype = float64}), {}, true); });
  expect_error(ErrorCode::dtype_mismatch, "softmax needs floating point: int64", "x.to(float32)",
               [&] { return softmax(x.to(int64), 1); });
  expect_error(ErrorCode::index_out_of_range, "log_softmax: dim 3", [&] { return log_softmax(x, 3); });
  EXPECT_EQ(softmax(x.to(int64), 1, float32).dtype(), float32);
}

}  // namespace
}  // namespace rustorch
