#include "rustorch/nn/state_dict.h"

#include <gtest/gtest.h>

#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

nn::Sequential make_net() {
  return nn::Sequential({{"fc1", nn::Linear(3, 4)}, {"norm", nn::BatchNorm1d(4)}, {"fc2", nn::Linear(4, 2)}});
}

StateDict copied(const nn::Module& net) {
  StateDict copy;
  for (const auto& [name, tensor] : net.state_dict()) copy[name] = tensor.clone();
  return copy;
}

bool all_equal(const StateDict& a, const StateDict& b) {
  if (a.names() != b.names()) return false;
  for (const auto& [name, tensor] : a) {
    if (!tensor.equal(b.at(name))) return false;
  }
  return true;
}

TEST(StateDict, LoadsIntoTheTensorsInPlace) {
  nn::Sequential source = make_net();
  source(ones({5, 3}));  // changes the running statistics
  nn::Sequential target = make_net();
  const Tensor handle = target[0].as<nn::Linear>().weight;
  EXPECT_TRUE(target.load_state_dict(source.state_dict()).empty());
  EXPECT_TRUE(all_equal(source.state_dict(), target.state_dict()));
  EXPECT_TRUE(handle.equal(source[0].as<nn::Linear>().weight));
  EXPECT_FALSE(handle.shares_storage(source[0].as<nn::Linear>().weight));
  EXPECT_TRUE(handle.requires_grad());
  EXPECT_EQ(target.get_buffer("norm.num_batches_tracked").item<std::int64_t>(), 1);
}

TEST(StateDict, ConvertsDtypes) {
  nn::Linear layer(2, 1, false);
  layer.load_state_dict({{"weight", tensor({{0.5, -2.0}}, {.dtype = float64})}});
  EXPECT_EQ(layer.weight.dtype(), float32);
  EXPECT_EQ(layer.weight.to_vector<float>(), (std::vector<float>{0.5F, -2.F}));
  expect_error(ErrorCode::shape_mismatch, "`weight` is complex64 in the state dict and float32 here", [&] {
    return layer.load_state_dict({{"weight", zeros({1, 2}, {.dtype = complex64})}}).empty();
  });
}

TEST(StateDict, KeysThatDifferAreNamedWithTheirNeighbours) {
  nn::Sequential net = make_net();
  StateDict dict = copied(net);
  dict.erase("fc1.weight");
  dict["fc1.wieght"] = zeros({4, 3});
  const StateDict before = copied(net);
  expect_error(ErrorCode::not_found,
               "does not fit Sequential: 1 missing key: `fc1.weight`; 1 unexpected key: `fc1.wieght`",
               "`fc1.weight` may be what the state dict calls `fc1.wieght`",
               [&] { return net.load_state_dict(dict).empty(); });
  EXPECT_TRUE(all_equal(before, copied(net)));
  const IncompatibleKeys keys = net.load_state_dict(dict, false);
  EXPECT_EQ(keys.missing_keys, std::vector<std::string>{"fc1.weight"});
  EXPECT_EQ(keys.unexpected_keys, std::vector<std::string>{"fc1.wieght"});
}

TEST(StateDict, PrefixesAreRecognized) {
  nn::Sequential net = make_net();
  expect_error(ErrorCode::not_found, "8 missing keys: `fc1.weight`, `fc1.bias`, `norm.weight`, …",
               "remove the prefix `module.` from the names",
               [&] { return net.load_state_dict(net.state_dict("module")).empty(); });
  StateDict bare;
  for (const auto& [name, tensor] : nn::Linear(3, 4).state_dict()) bare[name] = tensor;
  nn::Sequential wrapped({{"model", nn::Linear(3, 4)}});
  expect_error(ErrorCode::not_found, "2 missing keys", "add the prefix `model.` to the names",
               [&] { return wrapped.load_state_dict(bare).empty(); });
}

TEST(StateDict, NothingChangesWhenAShapeDiffers) {
  nn::Sequential net = make_net();
  StateDict dict = copied(make_net());
  dict["fc2.bias"] = zeros({3});
  dict["fc2.weight"] = zeros({3, 4});
  const StateDict before = copied(net);
  for (const bool strict : {true, false}) {
    expect_error(ErrorCode::shape_mismatch,
                 "`fc2.weight` is [3, 4] in the state dict and [2, 4] here; `fc2.bias` is [3] in the state "
                 "dict and [2] here",
                 [&] { return net.load_state_dict(dict, strict).empty(); });
  }
  EXPECT_TRUE(all_equal(before, copied(net)));
}

TEST(StateDict, OldFilesMayLackTheBatchCounterAndHaveScalarsOfOneElement) {
  nn::BatchNorm1d norm(2);
  StateDict dict = copied(norm);
  dict["num_batches_tracked"] = full({1}, 5, {.dtype = int64});
  EXPECT_TRUE(norm.load_state_dict(dict).empty());
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 5);
  dict.erase("num_batches_tracked");
  EXPECT_TRUE(norm.load_state_dict(dict).empty());
}

TEST(StateDict, UndefinedTensorsAreRefused) {
  nn::Linear layer(2, 1, false);
  expect_error(ErrorCode::invalid_argument, "the tensor `weight` is undefined", [&] {
    return layer.load_state_dict({{"weight", Tensor()}}).empty();
  });
}

TEST(OrderedMap, KeepsTheOrderOfInsertion) {
  OrderedMap<int> map{{"c", 1}, {"a", 2}, {"b", 3}};
  map["d"] = 4;
  map["a"] = 5;
  EXPECT_EQ(map.names(), (std::vector<std::string>{"c", "a", "b", "d"}));
  EXPECT_EQ(map.at("a"), 5);
  EXPECT_TRUE(map.erase("c"));
  EXPECT_FALSE(map.erase("c"));
  EXPECT_EQ(map.names(), (std::vector<std::string>{"a", "b", "d"}));
  EXPECT_EQ(map.at("d"), 4);
  EXPECT_EQ(map.find("x"), nullptr);
  int sum = 0;
  for (const auto& [name, value] : map) sum += value;
  EXPECT_EQ(sum, 12);
}

TEST(OrderedMap, MissingAndTakenNamesAreErrors) {
  OrderedMap<int> map{{"weight", 1}};
  expect_error(ErrorCode::not_found, "there is no entry `wieght` among 1", "`weight`",
               [&] { return map.at("wieght"); });
  expect_error(ErrorCode::invalid_argument, "already an entry `weight`", [&] {
    map.insert("weight", 2);
    return 0;
  });
}

}  // namespace
}  // namespace rustorch::testing
