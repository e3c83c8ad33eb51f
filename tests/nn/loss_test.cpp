#include "rustorch/nn/loss.h"

#include <gtest/gtest.h>

#include "nn/pattern.h"
#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

// The values of PyTorch 2.11 for these inputs.
class Losses : public ::testing::Test {
 protected:
  const Tensor x = pattern({2, 3});
  const Tensor y = pattern({2, 3}).flip({0});
  const Tensor classes = tensor({2, 0});
  const Tensor weight = tensor({0.5F, 1.F, 2.F});
  const Tensor truth = y.gt(0).to(float32);
};

TEST_F(Losses, Classification) {
  nn::CrossEntropyLoss cross_entropy({.weight = weight, .label_smoothing = 0.1});
  EXPECT_NEAR(cross_entropy(x, classes).item<double>(), 1.0931466817855835, 1e-5);
  EXPECT_EQ(cross_entropy.state_dict().names(), std::vector<std::string>{"weight"});
  EXPECT_TRUE(nn::CrossEntropyLoss().state_dict().empty());
  EXPECT_EQ(cross_entropy.to_string(), "CrossEntropyLoss()");
  const std::vector<float> each =
      nn::CrossEntropyLoss({.reduction = LossReduction::none})(x, classes).to_vector<float>();
  ASSERT_EQ(each.size(), 2U);
  EXPECT_NEAR(each[0], 1.17330002784729, 1e-5);
  EXPECT_NEAR(each[1], 0.7512505054473877, 1e-5);
  EXPECT_NEAR(nn::NLLLoss({.weight = weight})(x.log_softmax(1), classes).item<double>(), 1.0888900756835938,
              1e-5);
}

TEST_F(Losses, Regression) {
  EXPECT_NEAR(nn::MSELoss({.reduction = LossReduction::sum})(x, y).item<double>(), 2.0399999618530273, 1e-5);
  EXPECT_NEAR(nn::L1Loss()(x, y).item<double>(), 0.4000000059604645, 1e-6);
  EXPECT_NEAR(nn::SmoothL1Loss({.beta = 0.3})(x, y).item<double>(), 0.2944444417953491, 1e-6);
  EXPECT_NEAR(nn::HuberLoss({.delta = 0.3})(x, y).item<double>(), 0.08833333849906921, 1e-6);
}

TEST_F(Losses, Probabilities) {
  EXPECT_NEAR(nn::BCELoss()(x.sigmoid(), truth).item<double>(), 0.7238640189170837, 1e-5);
  nn::BCEWithLogitsLoss logits({.weight = weight, .pos_weight = weight + 1});
  EXPECT_NEAR(logits(x, truth).item<double>(), 1.001275897026062, 1e-5);
  EXPECT_EQ(logits.state_dict().names(), (std::vector<std::string>{"weight", "pos_weight"}));
  EXPECT_NEAR(nn::KLDivLoss({.batch_mean = true})(x.log_softmax(1), y.softmax(1)).item<double>(),
              0.1334345042705536, 1e-5);
  EXPECT_NEAR(nn::KLDivLoss()(x.log_softmax(1), y.softmax(1)).item<double>(), 0.0444781668484211, 1e-6);
  EXPECT_NEAR(nn::KLDivLoss({.log_target = true})(x.log_softmax(1), y.log_softmax(1)).item<double>(),
              0.0444781668484211, 1e-6);
}

TEST_F(Losses, MoveAndCloneWithTheirWeights) {
  nn::CrossEntropyLoss loss({.weight = weight});
  const nn::CrossEntropyLoss copy = nn::clone(loss);
  loss.to(float64);
  EXPECT_EQ(loss.weight.dtype(), float64);
  EXPECT_EQ(copy.weight.dtype(), float32);
}

TEST_F(Losses, SettingsThatMakeNoSenseAreErrors) {
  expect_error(ErrorCode::invalid_argument, "label_smoothing must be between 0 and 1, not 1.5",
               [] { return nn::CrossEntropyLoss({.label_smoothing = 1.5}); });
  expect_error(ErrorCode::invalid_argument, "HuberLoss: delta must be positive",
               [] { return nn::HuberLoss({.delta = 0}); });
  expect_error(ErrorCode::invalid_argument, "SmoothL1Loss: beta",
               [] { return nn::SmoothL1Loss({.beta = -1}); });
  expect_error(ErrorCode::unsupported, "MSELoss has no forward(x)", [&] {
    nn::MSELoss loss;
    return static_cast<nn::Module&>(loss)(x);
  });
}

}  // namespace
}  // namespace rustorch::testing
