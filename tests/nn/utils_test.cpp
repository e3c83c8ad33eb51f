#include "rustorch/nn/utils.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

std::vector<Tensor> parameters_with_gradients() {
  std::vector<Tensor> parameters{zeros({2}, {.requires_grad = true}), zeros({1, 2}, {.requires_grad = true}),
                                 zeros({3}, {.requires_grad = true})};
  parameters[0].set_grad(tensor({3.F, -4.F}));
  parameters[1].set_grad(tensor({{12.F, 0.F}}));
  return parameters;  // the third has none
}

TEST(ClipGradNorm, ScalesGradientsTogether) {
  const std::vector<Tensor> parameters = parameters_with_gradients();
  const Tensor norm = nn::utils::clip_grad_norm_(parameters, 6.5);
  EXPECT_EQ(norm.shape(), Shape{});
  EXPECT_FLOAT_EQ(norm.item<float>(), 13.F);
  EXPECT_NEAR(parameters[0].grad()[1].item<float>(), -2.F, 1e-6);
  EXPECT_NEAR(parameters[1].grad()[0][0].item<float>(), 6.F, 1e-6);
  EXPECT_FALSE(parameters[2].grad().defined());
}

TEST(ClipGradNorm, LeavesSmallGradientsAndTakesOtherNorms) {
  const std::vector<Tensor> parameters = parameters_with_gradients();
  EXPECT_FLOAT_EQ(nn::utils::clip_grad_norm_(parameters, 100).item<float>(), 13.F);
  EXPECT_EQ(parameters[0].grad().to_vector<float>(), (std::vector<float>{3.F, -4.F}));
  EXPECT_FLOAT_EQ(nn::utils::clip_grad_norm_(parameters, 100, 1).item<float>(), 19.F);
  EXPECT_FLOAT_EQ(
      nn::utils::clip_grad_norm_(parameters, 6, std::numeric_limits<double>::infinity()).item<float>(), 12.F);
  EXPECT_NEAR(parameters[0].grad()[0].item<float>(), 1.5F, 1e-6);
  EXPECT_EQ(nn::utils::clip_grad_norm_({}, 1).item<float>(), 0.F);
}

// As PyTorch's loop over the list.
TEST(ClipGradNorm, MultipliesAsOftenAsAGradientIsThere) {
  std::vector<Tensor> parameters = parameters_with_gradients();
  parameters.push_back(parameters.front());
  const double factor = 2 / (std::sqrt(2 * 25.0 + 144) + 1e-6);
  nn::utils::clip_grad_norm_(parameters, 2);
  EXPECT_NEAR(parameters[0].grad()[0].item<double>(), 3 * factor * factor, 1e-6);
  EXPECT_NEAR(parameters[0].grad()[1].item<double>(), -4 * factor * factor, 1e-6);
  EXPECT_NEAR(parameters[1].grad()[0][0].item<double>(), 12 * factor, 1e-6);
}

TEST(ClipGradNorm, NonfiniteNormsAreAnErrorOnRequest) {
  const std::vector<Tensor> parameters = parameters_with_gradients();
  parameters[0].grad().fill_(std::numeric_limits<float>::infinity());
  expect_error(ErrorCode::invalid_argument, "the total norm of order 2 is inf",
               [&] { return nn::utils::clip_grad_norm_(parameters, 1, 2, true); });
  EXPECT_EQ(parameters[1].grad()[0][0].item<float>(), 12.F);
  expect_error(ErrorCode::invalid_argument, "max_norm must not be negative",
               [&] { return nn::utils::clip_grad_norm_(parameters, -1); });
  expect_error(ErrorCode::invalid_argument, "must be positive",
               [&] { return nn::utils::clip_grad_norm_(parameters, 1, 0); });
}

TEST(ClipGradValue, LimitsEachElement) {
  const std::vector<Tensor> parameters = parameters_with_gradients();
  nn::utils::clip_grad_value_(parameters, 3.5);
  EXPECT_EQ(parameters[0].grad().to_vector<float>(), (std::vector<float>{3.F, -3.5F}));
  EXPECT_EQ(parameters[1].grad().to_vector<float>(), (std::vector<float>{3.5F, 0.F}));
}

TEST(ParametersToVector, ThereAndBack) {
  nn::Linear layer(2, 2);
  const std::vector<Tensor> parameters = layer.parameters();
  const Tensor flat = nn::utils::parameters_to_vector(parameters);
  EXPECT_EQ(flat.shape(), Shape{6});
  nn::utils::vector_to_parameters(flat * 2, parameters);
  EXPECT_TRUE(nn::utils::parameters_to_vector(parameters).equal(flat * 2));
  EXPECT_TRUE(layer.weight.requires_grad());
  expect_error(ErrorCode::shape_mismatch, "a vector [5] does not fill parameters of 6 elements", [&] {
    nn::utils::vector_to_parameters(ones({5}), parameters);
    return 0;
  });
}

}  // namespace
}  // namespace rustorch::testing
