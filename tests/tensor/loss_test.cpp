#include "rustorch/tensor/operations/loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/normalization.h"
#include "support/expect_error.h"
#include "support/oracle_cases.h"
#include "support/print.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::OracleCases;
using Inputs = const TensorList&;

constexpr std::pair<const char*, LossReduction> reductions[] = {
    {"none", LossReduction::none}, {"mean", LossReduction::mean}, {"sum", LossReduction::sum}};

TEST(Loss, CrossEntropyEqualsPyTorch) {
  const OracleCases cases("loss.txt");
  for (const auto& pair : reductions) {
    const std::string end = std::string("/") + pair.first;
    const LossReduction r = pair.second;
    cases.check("cross_entropy" + end, [r](Inputs x) { return cross_entropy(x[0], x[1], {.reduction = r}); });
    cases.check("cross_entropy/weighted" + end, [r](Inputs x) {
      return cross_entropy(
          x[0], x[1], {.weight = x[2].detach(), .ignore_index = 2, .reduction = r, .label_smoothing = 0.2});
    });
    cases.check("cross_entropy/ignored" + end,
                [r](Inputs x) { return cross_entropy(x[0], x[1], {.ignore_index = 1, .reduction = r}); });
    cases.check("cross_entropy/smoothed" + end, [r](Inputs x) {
      return cross_entropy(x[0], x[1], {.reduction = r, .label_smoothing = 0.1});
    });
    cases.check("cross_entropy/images" + end,
                [r](Inputs x) { return cross_entropy(x[0], x[1], {.reduction = r}); });
    cases.check("cross_entropy/probabilities" + end,
                [r](Inputs x) { return cross_entropy(x[0], x[1], {.reduction = r}); });
    cases.check("cross_entropy/probabilities_weighted" + end, [r](Inputs x) {
      return cross_entropy(x[0], x[1], {.weight = x[2].detach(), .reduction = r, .label_smoothing = 0.3});
    });
    cases.check("nll" + end, [r](Inputs x) { return nll_loss(x[0], x[1], {.reduction = r}); });
    cases.check("nll/weighted" + end, [r](Inputs x) {
      return nll_loss(x[0], x[1], {.weight = x[2].detach(), .ignore_index = 3, .reduction = r});
    });
  }
  cases.check("cross_entropy/one", [](Inputs x) { return cross_entropy(x[0], x[1]); });
}

TEST(Loss, ElementwiseLossesEqualPyTorch) {
  const OracleCases cases("loss.txt");
  for (const auto& pair : reductions) {
    const std::string end = std::string("/") + pair.first;
    const LossReduction r = pair.second;
    cases.check("mse" + end, [r](Inputs x) { return mse_loss(x[0], x[1], r); });
    cases.check("l1" + end, [r](Inputs x) { return l1_loss(x[0], x[1], r); });
    cases.check("smooth_l1" + end, [r](Inputs x) { return smooth_l1_loss(x[0], x[1], r, 0.7); });
    cases.check("huber" + end, [r](Inputs x) { return huber_loss(x[0], x[1], r, 0.6); });
    cases.check("bce" + end, [r](Inputs x) { return binary_cross_entropy(x[0], x[1], {}, r); },
                {.float32_tolerance = 1e-4});
    cases.check("bce/weighted" + end,
                [r](Inputs x) { return binary_cross_entropy(x[0], x[1], x[2].detach(), r); },
                {.float32_tolerance = 1e-4});
    cases.check("bce_logits" + end,
                [r](Inputs x) { return binary_cross_entropy_with_logits(x[0] * 4, x[1], {}, r); });
    cases.check("bce_logits/weighted" + end, [r](Inputs x) {
      return binary_cross_entropy_with_logits(x[0], x[1], x[2].detach(), r, x[3].detach());
    });
    cases.check("kl_div" + end, [r](Inputs x) { return kl_div(x[0], x[1], r); });
    cases.check("kl_div/log_target" + end, [r](Inputs x) { return kl_div(x[0], x[1], r, true); });
  }
  cases.check("smooth_l1/zero",
              [](Inputs x) { return smooth_l1_loss(x[0], x[1], LossReduction::mean, 0.0); });
}

TEST(Loss, CrossEntropyOfManyClasses) {
  const Tensor x = (arange(6 * 1000, {.dtype = float64}) * 0.7).sin().reshape({6, 1000}) * 5;
  const Tensor target = tensor({3, 999, 0, 512, 77, 3});
  const Tensor expected = nll_loss(log_softmax(x, 1), target);
  EXPECT_NEAR(cross_entropy(x, target).item<double>(), expected.item<double>(), 1e-12);
  EXPECT_NEAR(cross_entropy(x.to(float32), target).item<double>(), expected.item<double>(), 1e-5);
  EXPECT_NEAR(cross_entropy(x.to(bfloat16), target).item<double>(), expected.item<double>(), 5e-2);
  EXPECT_NEAR(cross_entropy(x.to(float32), target.to(uint8).to(int32)).item<double>(),
              nll_loss(log_softmax(x, 1), target.to(uint8)).item<double>(), 1e-5);
}

TEST(Loss, NothingToAverage) {
  const Tensor x = ones({2, 3});
  EXPECT_TRUE(std::isnan(cross_entropy(x, tensor({-100, -100})).item<float>()));
  EXPECT_EQ(cross_entropy(x, tensor({-100, -100}), {.reduction = LossReduction::sum}).item<float>(), 0.0F);
  const Tensor none = zeros({0}, {.dtype = int64});
  EXPECT_TRUE(std::isnan(cross_entropy(zeros({0, 3}), none).item<float>()));
  EXPECT_TRUE(std::isnan(mse_loss(zeros({0}), zeros({0})).item<float>()));
}

TEST(Loss, LargeLogits) {
  const Tensor x = tensor({1000.0, -1000.0, 50.0}, {.dtype = float64}),
               t = tensor({0.0, 1.0, 1.0}, {.dtype = float64});
  const std::vector<double> y =
      binary_cross_entropy_with_logits(x, t, {}, LossReduction::none).to_vector<double>();
  EXPECT_EQ(y[0], 1000.0);
  EXPECT_EQ(y[1], 1000.0);
  EXPECT_NEAR(y[2], 0.0, 1e-14);
  const Tensor logits = tensor({{1000.0, 0.0}});
  EXPECT_EQ(cross_entropy(logits, tensor({1})).item<float>(), 1000.0F);
  // A certain prediction that is wrong.
  Tensor p = tensor({0.0, 1.0}, {.dtype = float64}).requires_grad_();
  const Tensor loss = binary_cross_entropy(p, tensor({1.0, 1.0}, {.dtype = float64}), {}, LossReduction::sum);
  EXPECT_EQ(loss.item<double>(), 100.0);
  loss.backward();
  EXPECT_EQ(p.grad().to_vector<double>(), (std::vector<double>{-1e12, 0}));
}

TEST(Loss, GradcheckOfSecondOrder) {
  const Tensor x = (arange(12, {.dtype = float64}) * 1.7).sin().reshape({4, 3}).requires_grad_();
  const Tensor target = tensor({0, 2, -100, 1});
  const Tensor weight = tensor({0.5, 1.0, 2.0}, {.dtype = float64});
  EXPECT_TRUE(autograd::gradgradcheck(
      [&](Inputs t) {
        return cross_entropy(t[0], target,
                             {.weight = weight, .reduction = LossReduction::none, .label_smoothing = 0.1})
            .tanh();
      },
      {x}));
}

TEST(Loss, WrongArguments) {
  const Tensor x = zeros({4, 3});
  expect_error(ErrorCode::dtype_mismatch,
               "cross_entropy: class targets must be integers (int64), got float32 of shape [4]",
               "target.to(int64)", [&] { return cross_entropy(x, zeros({4})); });
  expect_error(ErrorCode::shape_mismatch,
               "cross_entropy: an input of shape [4, 3] needs class targets of shape [4], got [5]",
               [&] { return cross_entropy(x, zeros({5}, {.dtype = int64})); });
  expect_error(ErrorCode::shape_mismatch, "got [4, 1]", "reshape the target to [4]", [&] {
    return cross_entropy(x, zeros({4, 1}, {.dtype = int64}));
  });
  expect_error(ErrorCode::shape_mismatch, "got [4, 3]", "argmax(1)", [&] {
    return cross_entropy(x, zeros({4, 3}, {.dtype = int64}));
  });
  expect_error(ErrorCode::index_out_of_range, "3", [&] { return cross_entropy(x, tensor({0, 1, 3, 2})); });
  expect_error(ErrorCode::index_out_of_range, "-1", [&] { return cross_entropy(x, tensor({0, 1, -1, 2})); });
  expect_error(ErrorCode::index_out_of_range,
               "nll_loss: target 3 at position 2 is out of range for 3 classes", [&] {
                 return nll_loss(x, tensor({0, 1, 3, -1}));
               });
  expect_error(ErrorCode::shape_mismatch,
               "cross_entropy: the weight must have one element for each of the 3 classes", [&] {
                 return cross_entropy(x, tensor({0, 1, 2, 2}), {.weight = ones({4})});
               });
  expect_error(ErrorCode::invalid_argument, "label_smoothing must be between 0 and 1", [&] {
    return cross_entropy(x, tensor({0, 1, 2, 2}), {.label_smoothing = 1.5});
  });
  expect_error(ErrorCode::invalid_argument, "nll_loss has no label_smoothing", [&] {
    return nll_loss(x, tensor({0, 1, 2, 2}), {.label_smoothing = 0.5});
  });
  expect_error(ErrorCode::invalid_argument, "the input must be probabilities", "sigmoid",
               [&] { return binary_cross_entropy(x + 2, x); });
  expect_error(ErrorCode::shape_mismatch,
               "binary_cross_entropy_with_logits: input of shape [4, 1], target of shape [4]",
               "reshape the target to [4, 1]", [&] {
                 return binary_cross_entropy_with_logits(zeros({4, 1}), zeros({4}));
               });
  expect_error(ErrorCode::shape_mismatch, "do not broadcast", [&] { return mse_loss(x, zeros({4})); });
  expect_error(ErrorCode::dtype_mismatch, "mse_loss needs floating point",
               [&] { return mse_loss(x.to(int64), x.to(int64)); });
}

}  // namespace
}  // namespace rustorch
