#include "rustorch/nn/init.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/linear_algebra.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/tensor/operations/reduction.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

using nn::init::Nonlinearity;

double std_of(const Tensor& x) { return x.to(float64).std().item<double>(); }
double mean_of(const Tensor& x) { return x.to(float64).mean().item<double>(); }
double most(const Tensor& x) { return x.abs().amax().item<double>(); }

class Init : public ::testing::Test {
 protected:
  void SetUp() override { manual_seed(5); }
};

TEST_F(Init, Gains) {
  EXPECT_DOUBLE_EQ(nn::init::calculate_gain(Nonlinearity::linear), 1.0);
  EXPECT_DOUBLE_EQ(nn::init::calculate_gain(Nonlinearity::tanh), 5.0 / 3.0);
  EXPECT_DOUBLE_EQ(nn::init::calculate_gain(Nonlinearity::relu), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(nn::init::calculate_gain(Nonlinearity::leaky_relu, 0.2), std::sqrt(2.0 / 1.04));
  EXPECT_DOUBLE_EQ(nn::init::calculate_gain(Nonlinearity::selu), 0.75);
}

TEST_F(Init, Fans) {
  const nn::init::Fans fans = nn::init::calculate_fan_in_and_fan_out(empty({8, 3, 5, 2}));
  EXPECT_EQ(fans.in, 30);
  EXPECT_EQ(fans.out, 80);
  expect_error(ErrorCode::shape_mismatch, "at least 2 dims, not [3]",
               [] { return nn::init::xavier_uniform_(empty({3})); });
}

TEST_F(Init, Distributions) {
  const Tensor x = empty({200, 300});
  nn::init::uniform_(x, -2.0, 4.0);
  EXPECT_NEAR(mean_of(x), 1.0, 0.05);
  EXPECT_NEAR(std_of(x), 6.0 / std::sqrt(12.0), 0.03);
  nn::init::normal_(x, 1.0, 2.0);
  EXPECT_NEAR(mean_of(x), 1.0, 0.05);
  EXPECT_NEAR(std_of(x), 2.0, 0.03);
  nn::init::xavier_uniform_(x, 2.0);
  EXPECT_NEAR(most(x), 2.0 * std::sqrt(6.0 / 500.0), 1e-4);
  nn::init::xavier_normal_(x);
  EXPECT_NEAR(std_of(x), std::sqrt(2.0 / 500.0), 1e-3);
  nn::init::kaiming_uniform_(x, std::sqrt(5.0));
  EXPECT_NEAR(most(x), 1.0 / std::sqrt(300.0), 1e-4);
  nn::init::kaiming_normal_(x, 0.0, nn::init::FanMode::fan_out, Nonlinearity::relu);
  EXPECT_NEAR(std_of(x), std::sqrt(2.0 / 200.0), 2e-3);
}

TEST_F(Init, TruncatedNormal) {
  const Tensor x = nn::init::trunc_normal_(empty({300, 300}, {.dtype = float64}), 0.5, 1.0, -0.5, 2.0);
  EXPECT_GE(x.amin().item<double>(), -0.5);
  EXPECT_LE(x.amax().item<double>(), 2.0);
  // The moments of that distribution.
  EXPECT_NEAR(mean_of(x), 0.6451874, 0.01);
  EXPECT_NEAR(std_of(x), std::sqrt(0.4156850), 0.01);
}

TEST_F(Init, Constants) {
  EXPECT_EQ(nn::init::constant_(empty({2}), 0.5).to_vector<float>(), (std::vector<float>{0.5F, 0.5F}));
  EXPECT_EQ(nn::init::eye_(empty({2, 3})).to_vector<float>(), (std::vector<float>{1, 0, 0, 0, 1, 0}));
  expect_error(ErrorCode::shape_mismatch, "eye_ takes tensors of 2 to 2 dims, not [2, 3, 1]", [] {
    return nn::init::eye_(empty({2, 3, 1}));
  });
}

TEST_F(Init, DiracPassesChannelsOn) {
  nn::Conv2d conv(4, 4, {.kernel_size = 3, .padding = 1, .groups = 2, .bias = false});
  nn::init::dirac_(conv.weight, 2);
  const Tensor x = randn({1, 4, 5, 5});
  EXPECT_TRUE(conv(x).allclose(x));
  expect_error(ErrorCode::invalid_argument, "3 groups", [&] { return nn::init::dirac_(conv.weight, 3); });
}

TEST_F(Init, OrthogonalMatrices) {
  for (const Shape& shape : {Shape{5, 5}, Shape{3, 7}, Shape{7, 3}, Shape{70, 2, 7, 10}, Shape{150, 100}}) {
    const Tensor x = nn::init::orthogonal_(empty(shape, {.dtype = float64}), 2.0).reshape({shape[0], -1});
    const Tensor product = shape[0] <= x.size(1) ? matmul(x, x.t()) : matmul(x.t(), x);
    EXPECT_TRUE(product.allclose(eye(product.size(0), {}, {.dtype = float64}) * 4.0, 1e-10, 1e-10))
        << shape.to_string();
  }
}

TEST_F(Init, SparseColumns) {
  const Tensor x = nn::init::sparse_(empty({10, 20}), 0.25, 1.0);
  EXPECT_EQ(x.eq(0).sum(0).to_vector<int>(), std::vector<int>(20, 3));
  expect_error(ErrorCode::invalid_argument, "sparsity must be between 0 and 1, not 2", [] {
    return nn::init::sparse_(empty({2, 2}), 2.0);
  });
}

TEST_F(Init, ChangesParametersWithoutHistory) {
  nn::Linear linear(2, 2);
  nn::init::ones_(linear.weight);
  EXPECT_TRUE(linear.weight.is_leaf());
  EXPECT_TRUE(linear.weight.requires_grad());
  EXPECT_EQ(linear.weight.sum().item<float>(), 4.F);
}

TEST_F(Init, SeedsRepeat) {
  manual_seed(9);
  const nn::Linear a(5, 6);
  manual_seed(9);
  const nn::Linear b(5, 6);
  EXPECT_TRUE(a.weight.equal(b.weight));
  EXPECT_TRUE(a.bias.equal(b.bias));
}

TEST_F(Init, ValuesThatMakeNoSenseAreErrors) {
  const Tensor x = empty({2, 2});
  expect_error(ErrorCode::invalid_argument, "uniform_: the lower bound 1 is above the upper 0",
               [&] { return nn::init::uniform_(x, 1.0, 0.0); });
  expect_error(ErrorCode::invalid_argument, "normal_: std must not be negative",
               [&] { return nn::init::normal_(x, 0.0, -1.0); });
  expect_error(ErrorCode::invalid_argument, "trunc_normal_",
               [&] { return nn::init::trunc_normal_(x, 0, 1, 2, 1); });
}

}  // namespace
}  // namespace rustorch::testing
