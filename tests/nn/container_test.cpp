#include "rustorch/nn/container.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/creation.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

TEST(Sequential, NamesLayersByPositionOrAsGiven) {
  const nn::Sequential numbered(nn::Linear(2, 3), nn::ReLU(), nn::Linear(3, 1, false));
  EXPECT_EQ(numbered.state_dict().names(), (std::vector<std::string>{"0.weight", "0.bias", "2.weight"}));
  nn::Sequential named({{"in", nn::Linear(2, 3)}, {"act", nn::ReLU()}});
  named.push_back("out", nn::Linear(3, 1)).push_back(nn::Tanh());
  EXPECT_EQ(named.state_dict().names(),
            (std::vector<std::string>{"in.weight", "in.bias", "out.weight", "out.bias"}));
  EXPECT_EQ(named.size(), 4U);
  EXPECT_EQ(named(ones({5, 2})).shape(), (Shape{5, 1}));
  EXPECT_EQ(named.to_string(),
            "Sequential(\n"
            "  (in): Linear(in_features=2, out_features=3, bias=True)\n"
            "  (act): ReLU()\n"
            "  (out): Linear(in_features=3, out_features=1, bias=True)\n"
            "  (3): Tanh()\n"
            ")");
}

TEST(Sequential, GivesItsLayers) {
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  EXPECT_EQ(net[0].as<nn::Linear>().out_features(), 3);
  EXPECT_TRUE(net[-1].is<nn::ReLU>());
  EXPECT_TRUE(net[0].as<nn::Linear>().weight.is_same(net.get_parameter("0.weight")));
  for (const nn::AnyModule& layer : net) EXPECT_FALSE(layer->type_name().empty());
  expect_error(ErrorCode::index_out_of_range, "Sequential: there is no layer 2 among 2",
               [&] { return net[2]; });
  expect_error(ErrorCode::invalid_argument, "the layer is a ReLU",
               [&] { return net[1].as<nn::Linear>().bias; });
  expect_error(ErrorCode::invalid_argument, "holds no layer", [] { return nn::AnyModule()(ones({1})); });
}

TEST(Sequential, EmptyOnePassesItsInputOn) {
  nn::Sequential net;
  const Tensor x = ones({2});
  EXPECT_TRUE(net(x).is_same(x));
  EXPECT_EQ(net.to_string(), "Sequential()");
}

/// A Linear whose forward is its own.
struct DoubledLinear : nn::Linear {
  using nn::Linear::Linear;
  Tensor forward(const Tensor& x) override { return nn::Linear::forward(x) * 2; }
};

/// The result of a network and all gradients.
std::vector<std::vector<float>> values_and_gradients(const std::function<Tensor(const Tensor&)>& net,
                                                     const nn::Module& parameters, const Tensor& x) {
  nn::Module(parameters).zero_grad();
  const Tensor input = x.clone().requires_grad_();
  const Tensor y = net(input);
  (y * y).sum().backward();
  std::vector<std::vector<float>> all{y.to_vector<float>(), input.grad().to_vector<float>()};
  for (const Tensor& each : parameters.parameters()) all.push_back(each.grad().to_vector<float>());
  return all;
}

// The same bits as the layers one by one, with gradients and without.
TEST(Sequential, RunsALinearWithItsActivation) {
  manual_seed(3);
  const auto check = [](nn::Sequential net, std::int64_t rows, std::int64_t features) {
    const Tensor x = randn({rows, features});
    const auto one_by_one = [&](const Tensor& input) {
      Tensor y = input;
      for (const nn::AnyModule& layer : net) y = layer(y);
      return y;
    };
    EXPECT_EQ(values_and_gradients(net, net, x), values_and_gradients(one_by_one, net, x));
    const NoGrad guard;
    EXPECT_EQ(net(x).to_vector<float>(), one_by_one(x).to_vector<float>());
  };
  check(nn::Sequential(nn::Linear(5, 7), nn::ReLU(), nn::Linear(7, 3), nn::GELU()), 4, 5);
  check(nn::Sequential(nn::Linear(5, 7, false), nn::ReLU(true), nn::Linear(7, 3), nn::GELU("tanh")), 4, 5);
  check(nn::Sequential(nn::Linear(110, 90), nn::ReLU(), nn::ReLU(), nn::Linear(90, 100), nn::Tanh()), 96,
        110);
  check(nn::Sequential(DoubledLinear(5, 7), nn::ReLU()), 4, 5);
}

TEST(Sequential, ErrorsOfALinearWithItsActivationNameIt) {
  nn::Sequential net(nn::Linear(5, 7), nn::ReLU());
  const auto error = error_of([&] { return net(ones({2, 4})); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code(), ErrorCode::shape_mismatch);
  EXPECT_EQ(error->context()[0], "running layer `0`, Linear(in_features=5, out_features=7, bias=True)");
}

TEST(Sequential, NotANumberGoesThroughAFusedReLU) {
  nn::Sequential net(nn::Linear(90, 90), nn::ReLU());
  const NoGrad guard;
  Tensor x = ones({90, 90});
  x[3][4].fill_(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(isnan(net(x)).sum().item<std::int64_t>(), 90);
}

TEST(Sequential, GrowsAfterItWasRegistered) {
  struct Owner : nn::Module {
    nn::Sequential body = layer("body", nn::Sequential());
    Owner() { body.push_back(nn::Linear(1, 1)); }
  };
  EXPECT_EQ(Owner().state_dict().names(), (std::vector<std::string>{"body.0.weight", "body.0.bias"}));
}

TEST(ModuleList, HoldsLayersThatTheOwnerCalls) {
  struct Owner : nn::Module {
    nn::ModuleList layers = layer("layers", nn::ModuleList(nn::Linear(2, 2), nn::Linear(2, 2)));
    Owner() { layers.push_back(nn::ReLU()); }
    Tensor forward(const Tensor& x) override {
      Tensor y = x;
      for (const nn::AnyModule& each : layers) y = each(y);
      return y;
    }
  };
  Owner owner;
  EXPECT_EQ(owner(ones({3, 2})).shape(), (Shape{3, 2}));
  EXPECT_EQ(owner.parameters().size(), 4U);
  EXPECT_EQ(owner.to_string(),
            "Owner(\n"
            "  (layers): ModuleList(\n"
            "    (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)\n"
            "    (2): ReLU()\n"
            "  )\n"
            ")");
  expect_error(ErrorCode::unsupported, "ModuleList has no forward(x)",
               [&] { return owner.layers(ones({1})); });
}

TEST(ModuleDict, FindsLayersByName) {
  nn::ModuleDict dict({{"conv", nn::Conv1d(1, 1, 1)}, {"act", nn::ReLU()}});
  dict.insert("head", nn::Linear(2, 2));
  EXPECT_TRUE(dict.contains("head"));
  EXPECT_FALSE(dict.contains("tail"));
  EXPECT_EQ(dict["head"](ones({1, 2})).shape(), (Shape{1, 2}));
  EXPECT_EQ(dict.state_dict().names(),
            (std::vector<std::string>{"conv.weight", "conv.bias", "head.weight", "head.bias"}));
  expect_error(ErrorCode::not_found, "ModuleDict has no layer `haed`", "head", [&] { return dict["haed"]; });
  expect_error(ErrorCode::invalid_argument, "already taken",
               [&] { return dict.insert("act", nn::ReLU()).size(); });
}

}  // namespace
}  // namespace rustorch::testing
