#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "nn/layer_oracle.h"
#include "nn/pattern.h"
#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/reduction.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

using nn::AnyModule;

// The layers of scripts/oracle/layers.py, by name.
const std::map<std::string, std::function<AnyModule()>>& layers() {
  static const std::map<std::string, std::function<AnyModule()>> all{
      {"linear", [] { return nn::Linear(4, 3); }},
      {"linear_no_bias", [] { return nn::Linear(3, 2, {.bias = false}); }},
      {"conv1d", [] { return nn::Conv1d(2, 3, 3, 1, 1); }},
      {"conv2d", [] { return nn::Conv2d(2, 3, {.kernel_size = 3, .padding = 1}); }},
      {"conv2d_all",
       [] {
         return nn::Conv2d(4, 2,
                           {.kernel_size = {3, 2},
                            .stride = {1, 2},
                            .padding = {2, 1},
                            .dilation = {2, 1},
                            .groups = 2,
                            .bias = false});
       }},
      {"conv2d_same",
       [] {
         return nn::Conv2d(1, 1, {.kernel_size = {2, 4}, .padding = "same"});
       }},
      {"conv2d_reflect",
       [] {
         return nn::Conv2d(1, 2, {.kernel_size = 3, .padding = {1, 2}, .padding_mode = PadMode::reflect});
       }},
      {"conv2d_circular_same",
       [] {
         return nn::Conv2d(1, 1, {.kernel_size = 2, .padding = "same", .padding_mode = PadMode::circular});
       }},
      {"conv3d", [] { return nn::Conv3d(1, 2, 2); }},
      {"conv2d_unbatched", [] { return nn::Conv2d(2, 1, 2); }},
      {"conv_transpose1d",
       [] { return nn::ConvTranspose1d(2, 3, {.kernel_size = 3, .stride = 2, .output_padding = 1}); }},
      {"conv_transpose2d",
       [] { return nn::ConvTranspose2d(2, 4, {.kernel_size = 3, .stride = 2, .padding = 1, .groups = 2}); }},
      {"conv_transpose3d", [] { return nn::ConvTranspose3d(1, 1, {.kernel_size = 2, .bias = false}); }},
      {"batch_norm1d", [] { return nn::BatchNorm1d(3); }},
      {"batch_norm2d", [] { return nn::BatchNorm2d(2); }},
      {"batch_norm2d_cumulative",
       [] { return nn::BatchNorm2d(2, {.momentum = std::nullopt, .affine = false}); }},
      {"batch_norm2d_untracked", [] { return nn::BatchNorm2d(2, {.track_running_stats = false}); }},
      {"batch_norm2d_eval",
       [] {
         nn::BatchNorm2d layer(2);
         layer.eval();
         return layer;
       }},
      {"batch_norm3d", [] { return nn::BatchNorm3d(2, 1e-3, 0.5); }},
      {"layer_norm", [] { return nn::LayerNorm(4); }},
      {"layer_norm_2",
       [] {
         return nn::LayerNorm({2, 3}, {.bias = false});
       }},
      {"group_norm", [] { return nn::GroupNorm(2, 4); }},
      {"max_pool1d", [] { return nn::MaxPool1d(2); }},
      {"max_pool2d", [] { return nn::MaxPool2d(3, 2, 1); }},
      {"max_pool3d",
       [] {
         return nn::MaxPool3d({.kernel_size = {1, 2, 2}, .stride = 1});
       }},
      {"avg_pool1d", [] { return nn::AvgPool1d(3, 1, 1); }},
      {"avg_pool2d",
       [] {
         return nn::AvgPool2d(
             {.kernel_size = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
       }},
      {"avg_pool3d", [] { return nn::AvgPool3d({.kernel_size = 2, .divisor_override = 3}); }},
      {"adaptive_avg_pool1d", [] { return nn::AdaptiveAvgPool1d(3); }},
      {"adaptive_avg_pool2d",
       [] {
         return nn::AdaptiveAvgPool2d({1, 2});
       }},
      {"adaptive_avg_pool3d", [] { return nn::AdaptiveAvgPool3d(1); }},
      {"adaptive_max_pool2d", [] { return nn::AdaptiveMaxPool2d(2); }},
      {"relu", [] { return nn::ReLU(); }},
      {"relu6", [] { return nn::ReLU6(); }},
      {"silu", [] { return nn::SiLU(); }},
      {"mish", [] { return nn::Mish(); }},
      {"hardswish", [] { return nn::Hardswish(); }},
      {"hardsigmoid", [] { return nn::Hardsigmoid(); }},
      {"selu", [] { return nn::SELU(); }},
      {"sigmoid", [] { return nn::Sigmoid(); }},
      {"tanh", [] { return nn::Tanh(); }},
      {"log_sigmoid", [] { return nn::LogSigmoid(); }},
      {"softsign", [] { return nn::Softsign(); }},
      {"tanhshrink", [] { return nn::Tanhshrink(); }},
      {"leaky_relu", [] { return nn::LeakyReLU(0.2); }},
      {"prelu", [] { return nn::PReLU(3); }},
      {"elu", [] { return nn::ELU(1.5); }},
      {"celu", [] { return nn::CELU(0.5); }},
      {"gelu", [] { return nn::GELU(); }},
      {"gelu_tanh", [] { return nn::GELU("tanh"); }},
      {"hardtanh", [] { return nn::Hardtanh(-0.25, 0.35); }},
      {"softplus", [] { return nn::Softplus(2.0, 0.5); }},
      {"softshrink", [] { return nn::Softshrink(0.15); }},
      {"hardshrink", [] { return nn::Hardshrink(0.25); }},
      {"threshold", [] { return nn::Threshold(0.1, 20.5); }},
      {"glu", [] { return nn::GLU(1); }},
      {"softmax", [] { return nn::Softmax(1); }},
      {"log_softmax", [] { return nn::LogSoftmax(-1); }},
      {"flatten", [] { return nn::Flatten(); }},
      {"unflatten",
       [] {
         return nn::Unflatten(1, {2, 3});
       }},
      {"identity", [] { return nn::Identity(); }},
      {"dropout_eval",
       [] {
         nn::Dropout layer(0.25);
         layer.eval();
         return layer;
       }},
  };
  return all;
}

void expect_near(const std::vector<double>& given, const std::vector<double>& wanted, const char* what) {
  ASSERT_EQ(given.size(), wanted.size()) << what;
  for (std::size_t i = 0; i < given.size(); ++i) {
    EXPECT_NEAR(given[i], wanted[i], 2e-5 * std::max(1.0, std::abs(wanted[i]))) << what << " " << i;
  }
}

std::vector<double> joined(const std::vector<Tensor>& tensors) {
  std::vector<double> values;
  for (const Tensor& tensor : tensors) {
    const std::vector<double> part = tensor.to_vector<double>();
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

class Layers : public ::testing::TestWithParam<LayerOracle> {};

TEST_P(Layers, EqualPyTorch) {
  const LayerOracle& oracle = GetParam();
  ASSERT_TRUE(layers().contains(oracle.name));
  const AnyModule layer = layers().at(oracle.name)();
  EXPECT_EQ(layer->to_string(), oracle.text);

  StateDict state;
  for (const auto& [name, tensor] : layer->state_dict()) {
    if (tensor.dtype() != float32) continue;
    state[name] = pattern(tensor.shape());
    if (name == "running_var") state[name] = state[name].abs() + 0.5;
  }
  layer->load_state_dict(state, false);

  Tensor x = pattern(Shape(oracle.input_shape));
  x.requires_grad_();
  const Tensor y = layer(x);
  EXPECT_EQ(y.shape(), Shape(oracle.output_shape));
  expect_near(y.to_vector<double>(), oracle.output, "output");
  (y * pattern(y.shape())).sum().backward();
  expect_near(x.grad().to_vector<double>(), oracle.input_gradient, "gradient of the input");
  std::vector<Tensor> gradients;
  for (const Tensor& parameter : layer->parameters()) gradients.push_back(parameter.grad());
  expect_near(joined(gradients), oracle.parameter_gradients, "gradients of the parameters");
  expect_near(joined(layer->buffers()), oracle.buffers, "buffers");
}

INSTANTIATE_TEST_SUITE_P(Nn, Layers, ::testing::ValuesIn(layer_oracles()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Layers, EveryOneHasItsOracle) { EXPECT_EQ(layers().size(), layer_oracles().size()); }

TEST(Layers, SizesAreOneNumberAListOrNamed) {
  EXPECT_EQ(nn::Conv2d(1, 2, {.kernel_size = 3}).weight.shape(), (Shape{2, 1, 3, 3}));
  EXPECT_EQ(nn::Conv2d(1, 2, {3, 5}).weight.shape(), (Shape{2, 1, 3, 5}));
  EXPECT_EQ(nn::Conv2d(1, 2, {3, 5}, {1, 2}, 1).options().stride.list(), (Shape{1, 2}));
  EXPECT_EQ(nn::ConvTranspose2d(1, 2, {3, 5}, 2).weight.shape(), (Shape{1, 2, 3, 5}));
  EXPECT_EQ(nn::MaxPool2d({2, 3}).extra_repr().substr(0, 37), "kernel_size=(2, 3), stride=(2, 3), pa");
  EXPECT_EQ(nn::MaxPool2d({.kernel_size = 3}).options().stride.list(), Shape{3});
  EXPECT_EQ((nn::MaxPool2d{3, 2}.options().stride.list()), Shape{2});
  EXPECT_EQ((nn::AvgPool2d{3, 2}.options().kernel_size.list()), Shape{3});
  EXPECT_EQ(nn::AvgPool2d({3, 2}, {1, 1}).options().stride.list(), (Shape{1, 1}));
  EXPECT_EQ(nn::LayerNorm({3}).normalized_shape(), Shape{3});
  EXPECT_FALSE(nn::Linear(2, 3, false).bias.defined());
}

TEST(Layers, ActivationsInPlace) {
  const Tensor x = tensor({-1.F, 2.F});
  const Tensor y = nn::ReLU(true)(x);
  EXPECT_TRUE(y.shares_storage(x));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0.F, 2.F}));
  EXPECT_EQ(nn::ReLU({.inplace = true}).to_string(), "ReLU(inplace=True)");
}

TEST(Layers, DropoutDropsInTrainingOnly) {
  manual_seed(3);
  nn::Dropout layer(0.25);
  const Tensor x = ones({10000});
  const Tensor y = layer(x);
  const double kept = y.ne(0).to(float64).mean().item<double>();
  EXPECT_NEAR(kept, 0.75, 0.02);
  EXPECT_NEAR(y.amax().item<double>(), 1.0 / 0.75, 1e-6);
  layer.eval();
  EXPECT_TRUE(layer(x).equal(x));
}

TEST(Layers, EmbeddingLooksRowsUp) {
  nn::Embedding layer(4, 2, {.padding_idx = -2});
  EXPECT_EQ(layer.to_string(), "Embedding(4, 2, padding_idx=2)");
  EXPECT_EQ(layer.weight[2].to_vector<float>(), (std::vector<float>{0.F, 0.F}));
  layer.load_state_dict({{"weight", arange(8, {.dtype = float32}).reshape({4, 2})}});
  const Tensor indices = tensor({{3, 2}, {2, 0}});
  const Tensor rows = layer(indices);
  EXPECT_EQ(rows.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(rows.to_vector<float>(), (std::vector<float>{6, 7, 4, 5, 4, 5, 0, 1}));
  rows.sum().backward();
  EXPECT_EQ(layer.weight.grad().to_vector<float>(), (std::vector<float>{1, 1, 0, 0, 0, 0, 1, 1}));
  expect_error(ErrorCode::dtype_mismatch, "takes integer indices, not float32",
               [&] { return layer(ones({2})); });
  expect_error(ErrorCode::index_out_of_range, "padding_idx 4 is out of range for 4 embeddings",
               [] { return nn::Embedding(4, 2, {.padding_idx = 4}); });
}

TEST(Layers, InputsThatDoNotFitNameTheLayerAndTheShapes) {
  expect_error(ErrorCode::shape_mismatch,
               "Linear(in_features=4, out_features=3, bias=True) takes inputs [..., 4], not [2, 5]", [] {
                 return nn::Linear(4, 3)(ones({2, 5}));
               });
  expect_error(ErrorCode::shape_mismatch, "[2, 2, 6]", "flatten", [] {
    return nn::Linear(12, 3)(ones({2, 2, 6}));
  });
  expect_error(ErrorCode::shape_mismatch, "takes 3 channels, but the input [2, 4, 8, 8] has 4", [] {
    return nn::Conv2d(3, 6, 3)(ones({2, 4, 8, 8}));
  });
  expect_error(ErrorCode::shape_mismatch, "Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1))", "permute", [] {
    return nn::Conv2d(3, 6, 3)(ones({2, 8, 8, 3}));
  });
  expect_error(ErrorCode::shape_mismatch, "takes inputs of 3 or 4 dims, not [8, 8]", "add the channel dim",
               [] {
                 return nn::Conv2d(1, 6, 3)(ones({8, 8}));
               });
  expect_error(ErrorCode::shape_mismatch, "ConvTranspose1d", [] {
    return nn::ConvTranspose1d(3, 6, 3)(ones({2, 4, 8}));
  });
  expect_error(ErrorCode::shape_mismatch, "takes inputs [batch, 3, height, width], not [2, 4, 8, 8]", [] {
    return nn::BatchNorm2d(3)(ones({2, 4, 8, 8}));
  });
  expect_error(ErrorCode::shape_mismatch, "LayerNorm((3, 4), eps=1e-05, elementwise_affine=True)", [] {
    return nn::LayerNorm({3, 4})(ones({2, 4, 3}));
  });
  expect_error(ErrorCode::shape_mismatch, "GroupNorm(2, 4", [] { return nn::GroupNorm(2, 4)(ones({2, 6})); });
}

TEST(Layers, ErrorsNameTheWayToTheLayer) {
  nn::Sequential net({{"body", nn::Sequential(nn::ReLU(), nn::Linear(4, 3))}});
  const std::optional<Error> error = error_of([&] { return net(ones({2, 5})); });
  ASSERT_TRUE(error.has_value());
  ASSERT_EQ(error->context().size(), 3U);
  EXPECT_EQ(error->context()[0], "running layer `1`, Linear(in_features=4, out_features=3, bias=True)");
  EXPECT_EQ(error->context()[1], "running layer `body`, Sequential()");
  EXPECT_EQ(error->context()[2], "running Sequential");
}

TEST(Layers, SettingsThatMakeNoSenseAreErrors) {
  expect_error(ErrorCode::invalid_argument, "kernel_size is missing",
               [] { return nn::Conv2d(1, 2, {.stride = 2}); });
  expect_error(ErrorCode::invalid_argument,
               "3 input and 4 output channels must both be divisible by 2 groups",
               [] { return nn::Conv2d(3, 4, {.kernel_size = 3, .groups = 2}); });
  expect_error(ErrorCode::invalid_argument, "groups must be positive",
               [] { return nn::Conv2d(3, 4, {.kernel_size = 3, .groups = 0}); });
  expect_error(ErrorCode::invalid_argument, "stride must be at least 1",
               [] { return nn::Conv2d(3, 4, {.kernel_size = 3, .stride = 0}); });
  expect_error(ErrorCode::invalid_argument, "padding \"same\" needs stride 1",
               [] { return nn::Conv2d(3, 4, {.kernel_size = 3, .stride = 2, .padding = "same"}); });
  expect_error(ErrorCode::invalid_argument, "not \"sane\"",
               [] { return nn::Conv2d(3, 4, {.kernel_size = 3, .padding = "sane"}); });
  expect_error(ErrorCode::invalid_argument, "the numbers of channels must be positive, not 0 and 4",
               [] { return nn::Conv2d(0, 4, 3); });
  expect_error(ErrorCode::invalid_argument, "Dropout: p must be between 0 and 1, not 1.5",
               [] { return nn::Dropout(1.5); });
  expect_error(ErrorCode::invalid_argument, "MaxPool2d: kernel_size is missing",
               [] { return nn::MaxPool2d(nn::MaxPoolOptions{.stride = 2}); });
  expect_error(ErrorCode::invalid_argument, "GroupNorm: 5 channels cannot be divided into 2 groups",
               [] { return nn::GroupNorm(2, 5); });
  expect_error(ErrorCode::invalid_argument, "GELU: approximate", [] { return nn::GELU("tan"); });
  expect_error(ErrorCode::invalid_argument, "Hardtanh", [] { return nn::Hardtanh(1.0, -1.0); });
  expect_error(ErrorCode::invalid_argument, "BatchNorm1d: num_features", [] { return nn::BatchNorm1d(0); });
}

TEST(Layers, StartWithPyTorchsDistributions) {
  manual_seed(11);
  const nn::Linear linear(100, 400);
  const double bound = 0.1;  // 1 / sqrt(100)
  EXPECT_LE(linear.weight.abs().amax().item<double>(), bound);
  EXPECT_NEAR(linear.weight.std().item<double>(), bound / std::sqrt(3.0), 1e-3);
  EXPECT_LE(linear.bias.abs().amax().item<double>(), bound);
  EXPECT_NEAR(linear.bias.std().item<double>(), bound / std::sqrt(3.0), 6e-3);
  const nn::Conv2d conv(8, 64, {.kernel_size = 3, .groups = 2});
  EXPECT_EQ(conv.weight.shape(), (Shape{64, 4, 3, 3}));
  EXPECT_NEAR(conv.weight.std().item<double>(), 1.0 / 6.0 / std::sqrt(3.0), 4e-3);
  const nn::ConvTranspose2d transposed(8, 64, {.kernel_size = 3, .groups = 2});
  EXPECT_EQ(transposed.weight.shape(), (Shape{8, 32, 3, 3}));
  EXPECT_NEAR(transposed.weight.std().item<double>(), 1.0 / std::sqrt(288.0) / std::sqrt(3.0), 2e-3);
  const nn::Embedding embedding(100, 50);
  EXPECT_NEAR(embedding.weight.std().item<double>(), 1.0, 0.05);
  const nn::BatchNorm2d norm(3);
  EXPECT_EQ(norm.weight.to_vector<float>(), (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(norm.running_var.to_vector<float>(), (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(norm.num_batches_tracked.dtype(), int64);
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 0);
}

static_assert(nn::Layer<nn::ReLU> && !nn::ParameterizedLayer<nn::ReLU>);
static_assert(nn::ParameterizedLayer<nn::Embedding> && !nn::BiasedLayer<nn::Embedding>);
static_assert(nn::BiasedLayer<nn::Linear> && !nn::ConvolutionLayer<nn::Linear>);
static_assert(nn::ConvolutionLayer<nn::Conv1d> && nn::ConvolutionLayer<nn::ConvTranspose3d>);
static_assert(nn::RunningNormalizationLayer<nn::BatchNorm2d> &&
              !nn::RunningNormalizationLayer<nn::LayerNorm>);
static_assert(nn::LossFunction<nn::CrossEntropyLoss> && !nn::LossFunction<nn::Linear>);

}  // namespace
}  // namespace rustorch::testing
