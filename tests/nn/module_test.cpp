#include "rustorch/nn/module.h"

#include <gtest/gtest.h>

#include <sstream>

#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

struct Block : nn::Module {
  explicit Block(std::int64_t width) : linear(layer("linear", nn::Linear(width, width))) {}
  nn::Linear linear;
  nn::Parameter scale = parameter("scale", ones({1}));
  Tensor forward(const Tensor& x) override { return linear(x) * scale; }
};

struct Net : nn::Module {
  nn::Conv2d conv = layer("conv", nn::Conv2d(1, 2, {.kernel_size = 3, .padding = 1}));
  nn::BatchNorm2d norm = layer("norm", nn::BatchNorm2d(2));
  Block block = layer("block", Block(8));
  nn::Buffer offset = buffer("offset", zeros({8}));
  nn::Buffer scratch = buffer("scratch", zeros({3}), {.persistent = false});
  Tensor forward(const Tensor& x) override { return block(relu(norm(conv(x))).flatten(1)) + offset; }
};

template <class Pairs>
std::vector<std::string> names(const Pairs& pairs) {
  std::vector<std::string> result;
  for (const auto& [name, value] : pairs) result.push_back(name);
  return result;
}

using Names = std::vector<std::string>;

Net make_net() {
  Net net;
  net.eval();
  return net;
}

TEST(Module, NamesParametersAndBuffersInOrder) {
  const Net net;
  EXPECT_EQ(names(net.named_parameters()),
            (Names{"conv.weight", "conv.bias", "norm.weight", "norm.bias", "block.scale",
                   "block.linear.weight", "block.linear.bias"}));
  EXPECT_EQ(names(net.named_buffers()), (Names{"offset", "scratch", "norm.running_mean", "norm.running_var",
                                               "norm.num_batches_tracked"}));
  EXPECT_EQ(names(net.state_dict()),
            (Names{"offset", "conv.weight", "conv.bias", "norm.weight", "norm.bias", "norm.running_mean",
                   "norm.running_var", "norm.num_batches_tracked", "block.scale", "block.linear.weight",
                   "block.linear.bias"}));
  EXPECT_EQ(names(net.named_parameters("model", false)), Names{});
  EXPECT_EQ(names(net.named_buffers("model", false)), (Names{"model.offset", "model.scratch"}));
  EXPECT_EQ(names(net.state_dict("model")).front(), "model.offset");
  EXPECT_EQ(net.parameters().size(), 7U);
  EXPECT_EQ(names(net.named_children()), (Names{"conv", "norm", "block"}));
  EXPECT_EQ(names(net.named_modules()), (Names{"", "conv", "norm", "block", "block.linear"}));
}

TEST(Module, ParametersAreTheMembersTensors) {
  Net net;
  EXPECT_TRUE(net.parameters()[0].is_same(net.conv.weight));
  EXPECT_TRUE(net.get_parameter("block.linear.weight").is_same(net.block.linear.weight));
  EXPECT_TRUE(net.get_buffer("norm.running_mean").is_same(net.norm.running_mean));
  EXPECT_TRUE(net.conv.weight.requires_grad());
  EXPECT_FALSE(net.offset.requires_grad());
  EXPECT_TRUE(net.state_dict()["conv.weight"].shares_storage(net.conv.weight));
  EXPECT_FALSE(net.state_dict()["conv.weight"].requires_grad());
}

TEST(Module, MissingNamesAreErrorsWithSuggestions) {
  const Net net;
  expect_error(ErrorCode::not_found, "Net has no parameter `conv.weigth`", "conv.weight",
               [&] { return net.get_parameter("conv.weigth"); });
  expect_error(ErrorCode::not_found, "Net has no layer `bloc`", "block",
               [&] { return net.get_submodule("bloc"); });
  expect_error(ErrorCode::not_found, "no buffer", [&] { return net.get_buffer("conv.weight"); });
  expect_error(ErrorCode::not_found, "there is no entry `conv.weights`", "conv.weight",
               [&] { return net.state_dict().at("conv.weights").dim(); });
}

TEST(Module, SurvivesMovesAndReallocation) {
  std::vector<Net> nets;
  for (int i = 0; i < 5; ++i) nets.push_back(make_net());  // reallocates several times
  Net moved = std::move(nets[2]);
  const Tensor x = ones({1, 1, 2, 2});
  const Tensor before = moved(x);
  {
    const NoGrad guard;
    moved.parameters()[0].zero_();
  }  // reaches the member
  EXPECT_EQ(moved.conv.weight.abs().sum().item<float>(), 0.F);
  EXPECT_FALSE(moved(x).equal(before));
  for (const std::size_t i : {0, 1, 3, 4}) EXPECT_EQ(nets[i](x).shape(), (Shape{1, 8}));
  expect_error(ErrorCode::invalid_argument, "moved from", [&] { return nets[2].parameters().size(); });
  nets[2] = std::move(moved);
  EXPECT_EQ(nets[2](x).shape(), (Shape{1, 8}));
  EXPECT_FALSE(nets[2].is_training());
}

TEST(Module, CopiesShareEverything) {
  Net net;
  Net copy = net;
  EXPECT_TRUE(copy.conv.weight.is_same(net.conv.weight));
  copy.eval();
  EXPECT_FALSE(net.is_training());
  EXPECT_FALSE(net.norm.is_training());
}

TEST(Module, LayersOutliveTheNetThatMadeThem) {
  nn::Linear kept = Block(3).linear;
  EXPECT_EQ(kept(ones({2, 3})).shape(), (Shape{2, 3}));
}

TEST(Module, TrainAndEvalReachAllLayers) {
  Net net;
  EXPECT_TRUE(net.is_training());
  net.eval();
  for (const nn::Module& module : net.modules()) EXPECT_FALSE(module.is_training());
  net.train();
  for (const nn::Module& module : net.modules()) EXPECT_TRUE(module.is_training());
}

TEST(Module, GradientsAreDroppedOrZeroed) {
  Net net = make_net();
  net(ones({1, 1, 2, 2})).sum().backward();
  ASSERT_TRUE(net.conv.weight.grad().defined());
  net.zero_grad(false);
  EXPECT_EQ(net.conv.weight.grad().abs().sum().item<float>(), 0.F);
  net.zero_grad();
  EXPECT_FALSE(net.conv.weight.grad().defined());
  net.requires_grad_(false);
  EXPECT_FALSE(net(ones({1, 1, 2, 2})).requires_grad());
}

TEST(Module, ConvertsDtypesBehindHandles) {
  Net net = make_net();
  const Tensor handle = net.conv.weight;
  net(ones({1, 1, 2, 2})).sum().backward();
  net.to(float64);
  EXPECT_EQ(handle.dtype(), float64);
  EXPECT_EQ(handle.grad().dtype(), float64);
  EXPECT_TRUE(handle.requires_grad());
  EXPECT_EQ(net.norm.running_mean.dtype(), float64);
  EXPECT_EQ(net.norm.num_batches_tracked.dtype(), int64);
  EXPECT_EQ(net(ones({1, 1, 2, 2}, {.dtype = float64})).dtype(), float64);
  net(ones({1, 1, 2, 2}, {.dtype = float64})).sum().backward();
  net.to(Device("cpu"), float32);
  EXPECT_EQ(handle.dtype(), float32);
  expect_error(ErrorCode::dtype_mismatch, "not to int64", [&] { return net.to(int64).is_training(); });
}

TEST(Module, AppliesFunctionsToHandlesChildrenFirst) {
  Net net;
  Names visited;
  net.apply([&](nn::Module& module) {
    visited.push_back(module.type_name());
    if (module.type_name() == "Linear") nn::init::constant_(module.get_parameter("weight"), 0.5);
  });
  EXPECT_EQ(visited, (Names{"Conv2d", "BatchNorm2d", "Linear", "Block", "Net"}));
  EXPECT_EQ(net.block.linear.weight[0][0].item<float>(), 0.5F);
  nn::Module handle = net.get_submodule("block");
  expect_error(ErrorCode::unsupported, "Block has no forward(x)", [&] { return handle(ones({1})); });
}

TEST(Module, PrintsAsPyTorch) {
  const Net net;
  const std::string text =
      "Net(\n"
      "  (conv): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))\n"
      "  (norm): BatchNorm2d(2, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)\n"
      "  (block): Block(\n"
      "    (linear): Linear(in_features=8, out_features=8, bias=True)\n"
      "  )\n"
      ")";
  EXPECT_EQ(net.to_string(), text);
  EXPECT_EQ(fmt::format("{}", net), text);
  std::ostringstream stream;
  stream << net;
  EXPECT_EQ(stream.str(), text);
}

template <int N>
struct Templated : nn::Module {};

TEST(Module, TypeNamesLoseNamespacesAndArguments) {
  EXPECT_EQ(Templated<3>().type_name(), "Templated");
  struct Local : nn::Module {};
  EXPECT_EQ(Local().type_name(), "Local");
  EXPECT_EQ(nn::Module().type_name(), "Module");
}

TEST(Module, NamesMustBeFreeAndPlain) {
  nn::Module module;
  module.parameter("a", ones({1}));
  expect_error(ErrorCode::invalid_argument, "`a` is already taken",
               [&] { return module.buffer("a", ones({1})); });
  expect_error(ErrorCode::invalid_argument, "already taken", [&] { return module.layer("a", nn::ReLU()); });
  expect_error(ErrorCode::invalid_argument, "must not contain a dot: `b.c`",
               [&] { return module.parameter("b.c", ones({1})); });
  expect_error(ErrorCode::invalid_argument, "must not be empty",
               [&] { return module.layer("", nn::ReLU()); });
  expect_error(ErrorCode::dtype_mismatch, "int64 tensors have no gradients",
               [&] { return module.parameter("n", zeros({2}, {.dtype = int64})); });
  EXPECT_EQ(module.parameter("n", zeros({2}, {.dtype = int64}), false).dtype(), int64);
}

TEST(Module, RegistersNoCycles) {
  Block block(2);
  expect_error(ErrorCode::invalid_argument, "contains the module",
               [&] { return block.layer("self", block); });
  expect_error(ErrorCode::invalid_argument, "contains the module", [&] {
    nn::Linear inner = block.linear;
    return inner.layer("outer", block);
  });
}

TEST(Module, UndefinedTensorsAreNotRegistered) {
  nn::Module module;
  EXPECT_FALSE(module.parameter("bias", Tensor()).defined());
  EXPECT_TRUE(module.parameters().empty());
}

TEST(Module, SharedParametersAppearOnceButAreSavedByEachName) {
  struct Tied : nn::Module {
    nn::Embedding in = layer("in", nn::Embedding(4, 3));
    nn::Parameter out = parameter("out", in.weight);
  };
  Tied tied;
  EXPECT_EQ(tied.parameters().size(), 1U);
  EXPECT_EQ(names(tied.state_dict()), (Names{"out", "in.weight"}));
  nn::Module owner;
  const nn::Linear linear = owner.layer("a", nn::Linear(2, 2));
  owner.layer("b", linear);
  EXPECT_EQ(owner.parameters().size(), 2U);
  EXPECT_EQ(owner.state_dict().size(), 4U);
  EXPECT_EQ(owner.children().size(), 1U);
}

TEST(Module, ParametersWithHistoryAreDetached) {
  const Tensor base = ones({2}, {.requires_grad = true});
  nn::Module module;
  const nn::Parameter parameter = module.parameter("p", base * 2);
  EXPECT_TRUE(parameter.is_leaf());
  EXPECT_TRUE(parameter.requires_grad());
}

// The example of shared/API.md.
TEST(Module, TheNetOfTheApi) {
  struct Api : nn::Module {
    nn::Conv2d conv = layer("conv", nn::Conv2d(1, 32, {.kernel_size = 3, .padding = 1}));
    nn::BatchNorm2d norm = layer("norm", nn::BatchNorm2d(32));
    nn::Linear head = layer("head", nn::Linear(32 * 14 * 14, 10));
    Tensor forward(const Tensor& x) override { return head(max_pool2d(relu(norm(conv(x))), 2).flatten(1)); }
  };
  Api net;
  net.train();
  const Tensor loss = nn::functional::cross_entropy(net(ones({2, 1, 28, 28})), tensor({1, 2}));
  loss.backward();
  EXPECT_EQ(loss.shape(), Shape{});
  EXPECT_TRUE(net.conv.weight.grad().defined());
}

}  // namespace
}  // namespace rustorch::testing
