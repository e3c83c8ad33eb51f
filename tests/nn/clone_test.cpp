#include <gtest/gtest.h>

#include <memory>

#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/reduction.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

struct Inner : nn::Module {
  nn::Linear linear = layer("linear", nn::Linear(3, 3));
  nn::Parameter scale = parameter("scale", ones({3}));
  Tensor forward(const Tensor& x) override { return linear(x) * scale; }
};

struct Outer : nn::Module {
  Inner inner = layer("inner", Inner());
  nn::Sequential body = layer("body", nn::Sequential(nn::Linear(3, 3), nn::Sequential(nn::ReLU(), Inner())));
  nn::BatchNorm1d norm = layer("norm", nn::BatchNorm1d(3));
  std::vector<nn::Linear> stack;
  nn::AnyModule any = nn::ReLU();
  Outer() {
    for (int i = 0; i < 3; ++i) stack.push_back(layer("stack" + std::to_string(i), nn::Linear(3, 3)));
    any = nn::PReLU();
    layer("any", any.as<nn::PReLU>());
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = norm(body(inner(x)));
    for (nn::Linear& linear : stack) y = linear(y);
    return any(y);
  }
};

void zero_all(const nn::Module& module) {
  const NoGrad guard;
  for (Tensor parameter : module.parameters()) parameter.zero_();
  for (Tensor buffer : module.buffers()) buffer.fill_(7);
}

TEST(Clone, IsIndependentAllTheWayDown) {
  Outer original;
  original.eval();
  original.norm.running_mean.fill_(0.25);
  const Tensor x = ones({2, 3});
  const Tensor before = original(x);

  Outer copy = nn::clone(original);
  EXPECT_TRUE(copy(x).equal(before));
  EXPECT_FALSE(copy.is_training());
  const auto originals = original.named_parameters();
  const auto copies = copy.named_parameters();
  ASSERT_EQ(originals.size(), copies.size());
  for (std::size_t i = 0; i < copies.size(); ++i) {
    EXPECT_EQ(copies[i].first, originals[i].first);
    EXPECT_FALSE(copies[i].second.shares_storage(originals[i].second)) << copies[i].first;
    EXPECT_TRUE(copies[i].second.requires_grad());
    EXPECT_TRUE(copies[i].second.is_leaf());
  }
  copy.train();
  EXPECT_FALSE(original.is_training());
  copy.eval();

  zero_all(original);
  EXPECT_TRUE(copy(x).equal(before));  // every member of the copy uses the copy's tensors
  EXPECT_FALSE(original(x).equal(before));
  zero_all(copy);
  EXPECT_TRUE(copy(x).equal(original(x)));
}

TEST(Clone, MembersAreTheCopysRegisteredTensors) {
  const Outer original;
  const Outer copy = nn::clone(original);
  EXPECT_TRUE(copy.get_parameter("inner.scale").is_same(copy.inner.scale));
  EXPECT_TRUE(copy.get_parameter("inner.linear.weight").is_same(copy.inner.linear.weight));
  EXPECT_TRUE(copy.get_parameter("stack1.bias").is_same(copy.stack[1].bias));
  EXPECT_TRUE(copy.get_buffer("norm.num_batches_tracked").is_same(copy.norm.num_batches_tracked));
  EXPECT_TRUE(copy.get_parameter("any.weight").is_same(copy.any.as<nn::PReLU>().weight));
  EXPECT_TRUE(
      copy.get_parameter("body.1.1.scale").is_same(copy.body[1].as<nn::Sequential>()[1].as<Inner>().scale));
}

TEST(Clone, OutlivesTheOriginalAndTrains) {
  auto original = std::make_unique<Outer>();
  Outer copy = nn::clone(*original);
  original.reset();
  copy(ones({2, 3})).sum().backward();
  EXPECT_TRUE(copy.inner.scale.grad().defined());
  EXPECT_TRUE(copy.stack[0].weight.grad().defined());
}

TEST(Clone, KeepsWhatIsSharedInside) {
  struct Tied : nn::Module {
    nn::Embedding in = layer("in", nn::Embedding(4, 3));
    nn::Parameter out = parameter("out", in.weight);
  };
  const Tied copy = nn::clone(Tied());
  EXPECT_TRUE(copy.out.is_same(copy.in.weight));
}

TEST(Clone, DropsGradientsAndKeepsFrozenParametersFrozen) {
  nn::Linear linear(2, 2);
  linear(ones({1, 2})).sum().backward();
  linear.bias.requires_grad_(false);
  const nn::Linear copy = nn::clone(linear);
  EXPECT_FALSE(copy.weight.grad().defined());
  EXPECT_TRUE(copy.weight.requires_grad());
  EXPECT_FALSE(copy.bias.requires_grad());
}

TEST(Clone, WorksInsideContainersAndByReturn) {
  std::vector<nn::Sequential> replicas;
  nn::Sequential net(nn::Linear(2, 2), nn::ReLU());
  const auto make = [&] { return nn::clone(net); };
  for (int i = 0; i < 4; ++i) replicas.push_back(make());
  for (std::size_t i = 1; i < replicas.size(); ++i) {
    EXPECT_FALSE(replicas[i].parameters()[0].shares_storage(replicas[0].parameters()[0]));
  }
  const nn::Sequential shared = net;  // outside clone copies share
  EXPECT_TRUE(shared.parameters()[0].is_same(net.parameters()[0]));
  EXPECT_TRUE(shared[0].as<nn::Linear>().weight.is_same(net[0].as<nn::Linear>().weight));
}

TEST(Clone, SaysWhatItCannotCopy) {
  struct PlainTensor : nn::Module {
    nn::Linear fine = layer("fine", nn::Linear(1, 1));
    Tensor weight = parameter("weight", ones({2}));
  };
  expect_error(ErrorCode::unsupported, "no member of the copy holds `weight` of PlainTensor", "nn::Parameter",
               [] { return nn::clone(PlainTensor()).parameters().size(); });
  struct ByPointer : nn::Module {
    std::shared_ptr<nn::Linear> linear = std::make_shared<nn::Linear>(layer("linear", nn::Linear(1, 1)));
  };
  expect_error(ErrorCode::unsupported, "the layer `linear` (Linear) was not copied", "by value",
               [] { return nn::clone(ByPointer()).parameters().size(); });
  EXPECT_EQ(nn::CloneScope::current(), nullptr);
}

}  // namespace
}  // namespace rustorch::testing
