#include "rustorch/tensor/operations/shape.h"

#include <gtest/gtest.h>

#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction.h"
#include "support/expect_error.h"
#include "tensor/tensor_case.h"

namespace rustorch::testing {
namespace {

// x = 1, 2, 3 …; expected values and gradients are PyTorch's.
const std::vector<TensorCase> cases = {
    {"reshape",
     {2, 3},
     [](const Tensor& x) {
       return x.reshape({3, -1});
     },
     {3, 2},
     {1, 2, 3, 4, 5, 6},
     {1, 2, 3, 4, 5, 6}},
    {"reshape to rank 0", {1, 1}, [](const Tensor& x) { return x.reshape({}); }, {}, {1}, {1}},
    {"reshape from rank 0",
     {},
     [](const Tensor& x) {
       return x.reshape({1, 1});
     },
     {1, 1},
     {1},
     {1}},
    {"reshape of nothing",
     {0, 3},
     [](const Tensor& x) {
       return x.reshape({3, 0, 5});
     },
     {3, 0, 5},
     {},
     {}},
    {"reshape to 9 dims",
     {2, 3},
     [](const Tensor& x) {
       return x.reshape({1, 2, 1, 1, 1, 3, 1, 1, 1});
     },
     {1, 2, 1, 1, 1, 3, 1, 1, 1},
     {1, 2, 3, 4, 5, 6},
     {1, 2, 3, 4, 5, 6}},
    {"reshape of a transposition",
     {2, 3},
     [](const Tensor& x) {
       return x.transpose(0, 1).reshape({2, 3});
     },
     {2, 3},
     {1, 4, 2, 5, 3, 6},
     {1, 3, 5, 2, 4, 6}},
    {"flatten",
     {2, 2, 3},
     [](const Tensor& x) { return x.flatten(1); },
     {2, 6},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
    {"flatten middle",
     {2, 2, 3},
     [](const Tensor& x) { return x.flatten(0, -2); },
     {4, 3},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
    {"flatten rank 0", {}, [](const Tensor& x) { return x.flatten(); }, {1}, {1}, {1}},
    {"flatten channels-last",
     {1, 2, 2, 2},
     [](const Tensor& x) { return flatten(x.channels_last(), 1); },
     {1, 8},
     {1, 2, 3, 4, 5, 6, 7, 8},
     {1, 2, 3, 4, 5, 6, 7, 8}},
    {"unflatten",
     {4, 3},
     [](const Tensor& x) {
       return x.unflatten(0, {2, -1});
     },
     {2, 2, 3},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
    {"transpose",
     {2, 3},
     [](const Tensor& x) { return x.transpose(0, -1); },
     {3, 2},
     {1, 4, 2, 5, 3, 6},
     {1, 3, 5, 2, 4, 6}},
    {"t", {2, 3}, [](const Tensor& x) { return x.t(); }, {3, 2}, {1, 4, 2, 5, 3, 6}, {1, 3, 5, 2, 4, 6}},
    {"permute",
     {2, 3, 2},
     [](const Tensor& x) {
       return x.permute({2, 0, -2});
     },
     {2, 2, 3},
     {1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12},
     {1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12}},
    {"movedim",
     {2, 3, 2},
     [](const Tensor& x) {
       return x.movedim({0, 1}, {-1, 0});
     },
     {3, 2, 2},
     {1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12},
     {1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12}},
    {"squeeze", {1, 3, 1}, [](const Tensor& x) { return x.squeeze(); }, {3}, {1, 2, 3}, {1, 2, 3}},
    {"squeeze one", {1, 3, 1}, [](const Tensor& x) { return x.squeeze(-1); }, {1, 3}, {1, 2, 3}, {1, 2, 3}},
    {"squeeze several",
     {1, 3, 1, 2},
     [](const Tensor& x) {
       return x.squeeze({0, 1, 2});
     },
     {3, 2},
     {1, 2, 3, 4, 5, 6},
     {1, 2, 3, 4, 5, 6}},
    {"unsqueeze",
     {2, 3},
     [](const Tensor& x) { return x.unsqueeze(-2); },
     {2, 1, 3},
     {1, 2, 3, 4, 5, 6},
     {1, 2, 3, 4, 5, 6}},
    {"unsqueeze last", {2}, [](const Tensor& x) { return x.unsqueeze(-1); }, {2, 1}, {1, 2}, {1, 2}},
    {"expand",
     {2, 1},
     [](const Tensor& x) {
       return x.expand({2, -1, 3});
     },
     {2, 2, 3},
     {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2},
     {30, 48}},
    {"expand of rank 0",
     {},
     [](const Tensor& x) {
       return x.expand({2, 2});
     },
     {2, 2},
     {1, 1, 1, 1},
     {10}},
    {"expand to nothing",
     {1, 2},
     [](const Tensor& x) {
       return x.expand({0, 2});
     },
     {0, 2},
     {},
     {0, 0}},
    {"repeat",
     {2, 2},
     [](const Tensor& x) {
       return x.repeat({2, 1, 3});
     },
     {2, 2, 6},
     {1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4},
     {54, 60, 90, 96}},
    {"repeat zero times",
     {2, 2},
     [](const Tensor& x) {
       return x.repeat({0, 1});
     },
     {0, 2},
     {},
     {0, 0, 0, 0}},
    {"tile",
     {2, 2},
     [](const Tensor& x) { return x.tile({2}); },
     {2, 4},
     {1, 2, 1, 2, 3, 4, 3, 4},
     {4, 6, 12, 14}},
    {"tile more dims",
     {2},
     [](const Tensor& x) {
       return x.tile({2, 2});
     },
     {2, 4},
     {1, 2, 1, 2, 1, 2, 1, 2},
     {16, 20}},
    {"repeat_interleave",
     {2, 2},
     [](const Tensor& x) { return x.repeat_interleave(2, 1); },
     {2, 4},
     {1, 1, 2, 2, 3, 3, 4, 4},
     {3, 7, 11, 15}},
    {"repeat_interleave flat",
     {2, 2},
     [](const Tensor& x) { return x.repeat_interleave(2); },
     {8},
     {1, 1, 2, 2, 3, 3, 4, 4},
     {3, 7, 11, 15}},
    {"repeat_interleave counts",
     {3, 2},
     [](const Tensor& x) {
       return x.repeat_interleave(tensor({2, 0, 1}), 0);
     },
     {3, 2},
     {1, 2, 1, 2, 5, 6},
     {4, 6, 0, 0, 5, 6}},
    {"roll",
     {2, 3},
     [](const Tensor& x) { return x.roll({1}, {1}); },
     {2, 3},
     {3, 1, 2, 6, 4, 5},
     {2, 3, 1, 5, 6, 4}},
    {"roll flat",
     {2, 3},
     [](const Tensor& x) { return x.roll({-2}); },
     {2, 3},
     {3, 4, 5, 6, 1, 2},
     {5, 6, 1, 2, 3, 4}},
    {"roll two dims",
     {2, 3},
     [](const Tensor& x) { return x.roll({3, 2}, {0, 1}); },
     {2, 3},
     {5, 6, 4, 2, 3, 1},
     {6, 4, 5, 3, 1, 2}},
    {"rot90",
     {2, 3},
     [](const Tensor& x) { return x.rot90(); },
     {3, 2},
     {3, 6, 2, 5, 1, 4},
     {5, 3, 1, 6, 4, 2}},
    {"rot90 twice",
     {2, 3},
     [](const Tensor& x) { return x.rot90(-2); },
     {2, 3},
     {6, 5, 4, 3, 2, 1},
     {6, 5, 4, 3, 2, 1}},
    {"rot90 back",
     {2, 3},
     [](const Tensor& x) { return x.rot90(3, {1, 0}); },
     {3, 2},
     {3, 6, 2, 5, 1, 4},
     {5, 3, 1, 6, 4, 2}},
    {"flip",
     {2, 3},
     [](const Tensor& x) { return x.flip({1}); },
     {2, 3},
     {3, 2, 1, 6, 5, 4},
     {3, 2, 1, 6, 5, 4}},
    {"flip two",
     {2, 3, 2},
     [](const Tensor& x) { return x.flip({0, -1}); },
     {2, 3, 2},
     {8, 7, 10, 9, 12, 11, 2, 1, 4, 3, 6, 5},
     {8, 7, 10, 9, 12, 11, 2, 1, 4, 3, 6, 5}},
    {"fliplr",
     {2, 3},
     [](const Tensor& x) { return x.fliplr(); },
     {2, 3},
     {3, 2, 1, 6, 5, 4},
     {3, 2, 1, 6, 5, 4}},
    {"flipud",
     {2, 3},
     [](const Tensor& x) { return x.flipud(); },
     {2, 3},
     {4, 5, 6, 1, 2, 3},
     {4, 5, 6, 1, 2, 3}},
    {"cat",
     {2, 2},
     [](const Tensor& x) { return cat({x, x * 2, x.slice(0, 0, 1)}); },
     {5, 2},
     {1, 2, 3, 4, 2, 4, 6, 8, 1, 2},
     {20, 24, 17, 20}},
    {"cat last dim",
     {2, 2},
     [](const Tensor& x) { return cat({x, x.select(1, 0).unsqueeze(1)}, -1); },
     {2, 3},
     {1, 2, 1, 3, 4, 3},
     {4, 2, 10, 5}},
    {"cat with an empty vector",
     {1, 2},
     [](const Tensor& x) { return cat({zeros({0}), x, x}, 1); },
     {1, 4},
     {1, 2, 1, 2},
     {4, 6}},
    {"stack",
     {2, 2},
     [](const Tensor& x) { return stack({x, x * 3}, 1); },
     {2, 2, 2},
     {1, 2, 3, 6, 3, 4, 9, 12},
     {10, 14, 26, 30}},
    {"stack last", {2}, [](const Tensor& x) { return stack({x, x * 3}, -1); }, {2, 2}, {1, 3, 2, 6}, {7, 15}},
    {"hstack",
     {2, 2},
     [](const Tensor& x) { return hstack({x, x}); },
     {2, 4},
     {1, 2, 1, 2, 3, 4, 3, 4},
     {4, 6, 12, 14}},
    {"hstack vectors", {2}, [](const Tensor& x) { return hstack({x, x.sum()}); }, {3}, {1, 2, 3}, {4, 5}},
    {"vstack", {2}, [](const Tensor& x) { return vstack({x, x}); }, {2, 2}, {1, 2, 1, 2}, {4, 6}},
    {"split",
     {5, 2},
     [](const Tensor& x) { return x.split(2)[2]; },
     {1, 2},
     {9, 10},
     {0, 0, 0, 0, 0, 0, 0, 0, 1, 2}},
    {"split sizes",
     {2, 5},
     [](const Tensor& x) { return cat({x.split({1, 0, 4}, 1)[2], x.split({1, 0, 4}, 1)[0]}, 1); },
     {2, 5},
     {2, 3, 4, 5, 1, 7, 8, 9, 10, 6},
     {5, 1, 2, 3, 4, 10, 6, 7, 8, 9}},
    {"chunk",
     {2, 5},
     [](const Tensor& x) { return x.chunk(3, 1)[1]; },
     {2, 2},
     {3, 4, 8, 9},
     {0, 0, 1, 2, 0, 0, 0, 3, 4, 0}},
    {"unbind", {2, 3}, [](const Tensor& x) { return x.unbind(1)[2]; }, {2}, {3, 6}, {0, 0, 1, 0, 0, 2}},
    {"narrow",
     {2, 4},
     [](const Tensor& x) { return x.narrow(1, -3, 2); },
     {2, 2},
     {2, 3, 6, 7},
     {0, 1, 2, 0, 0, 3, 4, 0}},
    {"select", {2, 3}, [](const Tensor& x) { return x.select(1, -1); }, {2}, {3, 6}, {0, 0, 1, 0, 0, 2}},
    {"operator[]", {2, 3}, [](const Tensor& x) { return x[1]; }, {3}, {4, 5, 6}, {0, 0, 0, 1, 2, 3}},
    {"slice",
     {3, 5},
     [](const Tensor& x) { return x.slice(1, 1, {}, 2); },
     {3, 2},
     {2, 4, 7, 9, 12, 14},
     {0, 1, 0, 2, 0, 0, 3, 0, 4, 0, 0, 5, 0, 6, 0}},
    {"slice clipped",
     {5},
     [](const Tensor& x) { return x.slice(0, -100, 100); },
     {5},
     {1, 2, 3, 4, 5},
     {1, 2, 3, 4, 5}},
    {"slice of nothing", {5}, [](const Tensor& x) { return x.slice(0, 3, 1); }, {0}, {}, {0, 0, 0, 0, 0}},
    {"unfold",
     {6},
     [](const Tensor& x) { return x.unfold(0, 3, 2); },
     {2, 3},
     {1, 2, 3, 3, 4, 5},
     {1, 2, 7, 5, 6, 0}},
    {"unfold overlapping",
     {2, 4},
     [](const Tensor& x) { return x.unfold(1, 2, 1); },
     {2, 3, 2},
     {1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7, 8},
     {1, 5, 9, 6, 7, 17, 21, 12}},
    {"unfold rank 0", {}, [](const Tensor& x) { return x.unfold(0, 1, 1); }, {1}, {1}, {1}},
    {"diagonal",
     {3, 4},
     [](const Tensor& x) { return x.diagonal(1); },
     {3},
     {2, 7, 12},
     {0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3}},
    {"diagonal below",
     {2, 3, 2},
     [](const Tensor& x) { return x.diagonal(-1, 1, 2); },
     {2, 2},
     {3, 6, 9, 12},
     {0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4}},
    {"diagonal beyond", {2, 2}, [](const Tensor& x) { return x.diagonal(5); }, {0}, {}, {0, 0, 0, 0}},
    {"diag of a vector",
     {2},
     [](const Tensor& x) { return x.diag(1); },
     {3, 3},
     {0, 1, 0, 0, 0, 2, 0, 0, 0},
     {2, 6}},
    {"diag of a vector below",
     {2},
     [](const Tensor& x) { return x.diag(-1); },
     {3, 3},
     {0, 0, 0, 1, 0, 0, 0, 2, 0},
     {4, 8}},
    {"diag of a matrix", {2, 3}, [](const Tensor& x) { return x.diag(); }, {2}, {1, 5}, {1, 0, 0, 0, 2, 0}},
    {"tril",
     {3, 3},
     [](const Tensor& x) { return x.tril(-1); },
     {3, 3},
     {0, 0, 0, 4, 0, 0, 7, 8, 0},
     {0, 0, 0, 4, 0, 0, 7, 8, 0}},
    {"triu",
     {2, 2, 3},
     [](const Tensor& x) { return x.triu(1); },
     {2, 2, 3},
     {0, 2, 3, 0, 0, 6, 0, 8, 9, 0, 0, 12},
     {0, 2, 3, 0, 0, 6, 0, 8, 9, 0, 0, 12}},
    {"pad",
     {2, 2},
     [](const Tensor& x) { return pad(x, {1, 0, 0, 1}, PadMode::constant, 9); },
     {3, 3},
     {9, 1, 2, 9, 3, 4, 9, 9, 9},
     {2, 3, 5, 6}},
    {"pad crops",
     {2, 4},
     [](const Tensor& x) { return pad(x, {-1, 1, 1, -1}); },
     {2, 4},
     {0, 0, 0, 0, 2, 3, 4, 0},
     {0, 5, 6, 7, 0, 0, 0, 0}},
    {"pad reflect",
     {1, 2, 3},
     [](const Tensor& x) { return pad(x, {2, 1}, PadMode::reflect); },
     {1, 2, 6},
     {3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5},
     {3, 12, 6, 9, 30, 18}},
    {"pad reflect 2d",
     {1, 2, 3},
     [](const Tensor& x) { return pad(x, {1, 0, 1, 1}, PadMode::reflect); },
     {1, 4, 4},
     {5, 4, 5, 6, 2, 1, 2, 3, 5, 4, 5, 6, 2, 1, 2, 3},
     {20, 40, 24, 12, 24, 16}},
    {"pad replicate",
     {1, 2, 2},
     [](const Tensor& x) { return pad(x, {2, 1, 0, 1}, PadMode::replicate); },
     {1, 3, 5},
     {1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 3, 3, 3, 4, 4},
     {6, 9, 57, 48}},
    {"pad circular",
     {1, 1, 3},
     [](const Tensor& x) { return pad(x, {2, 1}, PadMode::circular); },
     {1, 1, 6},
     {2, 3, 1, 2, 3, 1},
     {9, 5, 7}},
    {"pad circular crops the start",
     {1, 1, 4},
     [](const Tensor& x) { return pad(x, {-1, 2}, PadMode::circular); },
     {1, 1, 5},
     {2, 3, 4, 2, 3},
     {0, 5, 7, 3}},
    {"pad reflect crops",
     {1, 1, 4},
     [](const Tensor& x) { return pad(x, {2, -1}, PadMode::reflect); },
     {1, 1, 5},
     {3, 2, 1, 2, 3},
     {3, 6, 6, 0}},
    {"pad circular crops",
     {1, 1, 4},
     [](const Tensor& x) { return pad(x, {2, -1}, PadMode::circular); },
     {1, 1, 5},
     {2, 3, 1, 2, 3},
     {3, 5, 7, 0}},
};

class ShapeOperation : public ::testing::TestWithParam<TensorCase> {};

TEST_P(ShapeOperation, ValuesAndGradient) { check_values(GetParam()); }
TEST_P(ShapeOperation, SecondDerivative) { check_second_derivative(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Cases, ShapeOperation, ::testing::ValuesIn(cases), test_name);

TEST(ShapeViews, ShareStorage) {
  const Tensor x = counted({2, 3, 4});
  for (const Tensor& view : {x.reshape({6, 4}),
                             x.view({24}),
                             x.transpose(0, 1),
                             x.permute({2, 1, 0}),
                             x.movedim({0}, {2}),
                             x.squeeze(),
                             x.unsqueeze(1),
                             x.flatten(1),
                             x.expand({5, 2, 3, 4}),
                             x.split(2, 2)[1],
                             x.chunk(2, 2)[0],
                             x.unbind(1)[1],
                             x.narrow(2, 1, 2),
                             x.select(0, 1),
                             x[1],
                             x.slice(2, 0, 4, 2),
                             x.unfold(2, 2, 1),
                             x.diagonal(),
                             x.as_strided({2}, {5}, 3),
                             x.detach()}) {
    EXPECT_TRUE(view.shares_storage(x)) << view.shape().to_string();
  }
  for (const Tensor& copy :
       {x.transpose(0, 1).reshape({24}), x.repeat({1, 1, 1}), x.roll({0}), x.roll({0}, {1}), x.flip({}),
        x.rot90(0), x.tile({1}), cat({x}), stack({x}), pad(x, {}), x.repeat_interleave(1, 0)}) {
    EXPECT_FALSE(copy.shares_storage(x)) << copy.shape().to_string();
  }
}

TEST(ShapeViews, WritesReachTheBase) {
  Tensor x = zeros({2, 3});
  x.select(1, 1).fill_(1);
  x.transpose(0, 1)[2].copy_(tensor({5.f, 6.f}));
  x.diagonal().add_(10);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{10, 1, 5, 0, 11, 6}));
}

TEST(ShapeViews, InPlaceOnAViewHasHistory) {
  Tensor x = counted({2, 3}).requires_grad_();
  Tensor y = x * 1;
  y.slice(1, 1).add_(10);
  y.select(0, 0).zero_();
  (y * counted({2, 3})).sum().backward();
  EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{0, 0, 0, 4, 15, 16}));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 0, 0, 4, 5, 6}));
}

TEST(ShapeViews, ReshapeFollowsStrides) {
  const Tensor x = counted({2, 3, 4});
  EXPECT_TRUE(x.transpose(0, 1).reshape({3, 2, 2, 2}).shares_storage(x));
  EXPECT_TRUE(x.slice(0, 0, 1).reshape({12}).shares_storage(x));
  EXPECT_TRUE(x.unsqueeze(1).expand({2, 5, 3, 4}).reshape({2, 5, 12}).shares_storage(x));
  EXPECT_FALSE(x.slice(1, 0, 2).reshape({16}).shares_storage(x));
  EXPECT_FALSE(x.reshape({2, 3, 2, 2}).channels_last().flatten(1).shares_storage(x));
  EXPECT_EQ(x.transpose(0, 2).reshape({4, 6}).strides(), (Shape{6, 1}));
  EXPECT_FALSE(x.transpose(0, 2).reshape({24}).is_view());
}

TEST(ShapeViews, AsStridedCountsFromTheStorage) {
  const Tensor x = counted({6});
  const Tensor part = x.slice(0, 2);
  EXPECT_EQ(part.as_strided({2}, {2}).to_vector<double>(), (std::vector<double>{3, 5}));
  EXPECT_EQ(part.as_strided({2, 2}, {1, 1}, 0).to_vector<double>(), (std::vector<double>{1, 2, 2, 3}));
}

TEST(ShapeViews, AsStridedGradient) {
  // Overlapping windows add up, wherever the tensor itself lies in its storage.
  Tensor x = counted({5}).requires_grad_();
  x.as_strided({2, 3}, {2, 1}, 0).backward(counted({2, 3}));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{1, 2, 7, 5, 6}));

  Tensor y = counted({6}).requires_grad_();
  const Tensor gaps = y.slice(0, 0, 6, 2);  // elements 0, 2, 4 of the storage
  gaps.as_strided({2}, {2}, 2).backward(counted({2}));
  EXPECT_EQ(y.grad().to_vector<double>(), (std::vector<double>{0, 0, 1, 0, 2, 0}));

  // One element of storage that stands for three shares its gradient among them.
  Tensor z = counted({1}).requires_grad_();
  z.expand({3}).as_strided({1}, {1}).backward(tensor({6.0}, {.dtype = DType::float64}));
  EXPECT_EQ(z.grad().to_vector<double>(), (std::vector<double>{6}));
}

TEST(ShapeViews, SplitGradientOfSomeParts) {
  Tensor x = counted({5, 2}).requires_grad_();
  const auto parts = x.split(2);
  EXPECT_EQ(parts.size(), 3u);
  (parts[0] * 2 + parts[1]).sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{2, 2, 2, 2, 1, 1, 1, 1, 0, 0}));
}

TEST(ShapeOperations, ManyDims) {
  const Shape shape = Shape::filled(10, 2);
  const Tensor x = counted(shape);
  std::vector<std::int64_t> order(10);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(9 - i);
  const Tensor turned = x.permute(order);
  EXPECT_EQ(turned.reshape({1024}).to_vector<double>()[1], 513);
  EXPECT_EQ(turned.permute(order).to_vector<double>(), x.to_vector<double>());
  EXPECT_EQ(turned.flip({0}).select(9, 1).shape().size(), 9u);
  EXPECT_EQ(x.flip({0, 9}).to_vector<double>()[0], 514);
}

TEST(ShapeOperations, EmptyTensors) {
  const Tensor x = zeros({0, 3});
  EXPECT_EQ(x.reshape({-1, 3}).shape(), (Shape{0, 3}));
  EXPECT_EQ(x.transpose(0, 1).reshape({0}).shape(), (Shape{0}));
  EXPECT_EQ(cat({x, zeros({2, 3})}).shape(), (Shape{2, 3}));
  EXPECT_EQ(stack({x, x}).shape(), (Shape{2, 0, 3}));
  EXPECT_EQ(x.flip({0, 1}).shape(), (Shape{0, 3}));
  EXPECT_EQ(x.roll({1}, {0}).shape(), (Shape{0, 3}));
  EXPECT_EQ(x.roll({1}).shape(), (Shape{0, 3}));
  EXPECT_EQ(x.unbind(0).size(), 0u);
  EXPECT_EQ(x.split(2).size(), 1u);
  EXPECT_EQ(x.chunk(3).size(), 3u);
  EXPECT_EQ(x.sum().item<float>(), 0.f);
  EXPECT_EQ(pad(x, {1, 1, 2, 0}, PadMode::constant, 4).sum().item<float>(), 40.f);
  EXPECT_EQ(zeros({2, 0}).repeat({3, 2}).shape(), (Shape{6, 0}));
  EXPECT_EQ(zeros({0}).unfold(0, 0, 1).shape(), (Shape{1, 0}));
  EXPECT_EQ(zeros({0, 4}).diagonal().shape(), (Shape{0}));
}

TEST(ShapeOperations, Dtypes) {
  for (const DType dtype : {uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64,
                            complex128, bool_}) {
    const Tensor x = tensor({{1, 0, 1}, {0, 1, 1}}, {.dtype = dtype});
    SCOPED_TRACE(to_string(dtype));
    for (const Tensor& y : {x.t().reshape({6}), cat({x, x}), x.flip({0, 1}), x.repeat({2, 1}), pad(x, {1, 1}),
                            x.roll({1}), x.tril(), stack({x, x})}) {
      EXPECT_EQ(y.dtype(), dtype);
    }
    EXPECT_EQ(x.flip({0, 1}).to_vector<int>(), (std::vector<int>{1, 1, 0, 1, 0, 1}));
    EXPECT_EQ(x.t().reshape({6}).to_vector<int>(), (std::vector<int>{1, 0, 0, 1, 1, 1}));
    EXPECT_EQ(x.tril().to_vector<int>(), (std::vector<int>{1, 0, 0, 0, 1, 0}));
    EXPECT_EQ(pad(x, {1, 0}, PadMode::constant, 1).to_vector<int>(),
              (std::vector<int>{1, 1, 0, 1, 1, 0, 1, 1}));
  }
}

TEST(ShapeOperations, CatPromotes) {
  EXPECT_EQ(cat({tensor({1}), tensor({1.5f})}).dtype(), float32);
  EXPECT_EQ(stack({tensor(true), tensor(2)}).dtype(), int64);
  Tensor half = ones({2}, {.dtype = float16, .requires_grad = true});
  Tensor whole = ones({1}, {.dtype = float64, .requires_grad = true});
  cat({half, whole}).backward(tensor({1., 2., 3.}, {.dtype = float64}));
  EXPECT_EQ(half.grad().dtype(), float16);
  EXPECT_EQ(half.grad().to_vector<double>(), (std::vector<double>{1, 2}));
  EXPECT_EQ(whole.grad().to_vector<double>(), (std::vector<double>{3}));
}

TEST(ShapeOperations, KeepTheOrderOfStrides) {
  const Tensor x = counted({2, 3, 4, 5}).channels_last();
  EXPECT_TRUE(cat({x, x}, 1).is_channels_last());
  EXPECT_TRUE(pad(x, {1, 1, 1, 1}).is_channels_last());
  EXPECT_TRUE(pad(x, {1, 1, 1, 1}, PadMode::reflect).is_channels_last());
  EXPECT_TRUE(x.flip({2, 3}).is_channels_last());
  EXPECT_EQ(pad(x, {1, 1, 1, 1}, PadMode::replicate).to_vector<double>(),
            pad(x.contiguous(), {1, 1, 1, 1}, PadMode::replicate).to_vector<double>());
}

TEST(ShapeErrors, Reshape) {
  const Tensor x = zeros({2, 6});
  expect_error(ErrorCode::shape_mismatch, "reshape: shape [2, 6] has 12 elements, shape [5, 3] has 15",
               "[4, 3] has the same 12 elements", [&] {
                 return x.reshape({5, 3});
               });
  expect_error(ErrorCode::shape_mismatch, "reshape: the 12 elements of shape [2, 6]", [&] {
    return x.reshape({5, -1});
  });
  expect_error(ErrorCode::invalid_argument, "more than one dim", [&] { return x.reshape({-1, -1}); });
  expect_error(ErrorCode::invalid_argument, "size -2", [&] { return x.reshape({-2, 6}); });
  expect_error(ErrorCode::shape_mismatch, "could be any size", [&] { return zeros({0}).reshape({0, -1}); });
  expect_error(ErrorCode::layout, "view: a tensor of shape [6, 2] with strides [1, 6]", "use reshape([12])",
               [&] { return x.t().view({12}); });
  expect_error(ErrorCode::shape_mismatch, "unflatten", [&] { return x.unflatten(1, {4, 2}); });
  expect_error(ErrorCode::invalid_argument, "flatten: start_dim 1", [&] { return x.flatten(1, 0); });
}

TEST(ShapeErrors, Dims) {
  const Tensor x = zeros({2, 3});
  expect_error(ErrorCode::index_out_of_range, "transpose: dim 2", [&] { return x.transpose(0, 2); });
  expect_error(ErrorCode::index_out_of_range, "unsqueeze: dim 4", [&] { return x.unsqueeze(4); });
  expect_error(ErrorCode::invalid_argument, "permute: [0, 0] names dim 0 twice", [&] {
    return x.permute({0, 0});
  });
  expect_error(ErrorCode::invalid_argument, "permute: 1 dims", [&] { return x.permute({0}); });
  expect_error(ErrorCode::invalid_argument, "movedim", [&] { return x.movedim({0, 0}, {0, 1}); });
  expect_error(ErrorCode::invalid_argument, "squeeze: dim -2 is named twice", [&] {
    return x.squeeze({0, -2});
  });
  expect_error(ErrorCode::invalid_argument, "flip: dim 1", [&] { return x.flip({1, -1}); });
  expect_error(ErrorCode::invalid_argument, "t: takes tensors of up to 2 dims", "transpose(-2, -1)", [] {
    return zeros({1, 2, 3}).t();
  });
  expect_error(ErrorCode::invalid_argument, "diagonal: dim1 and dim2", [&] { return x.diagonal(0, 1, -1); });
}

TEST(ShapeErrors, Expand) {
  const Tensor x = zeros({3, 4});
  expect_error(ErrorCode::shape_mismatch, "expand: shape [3, 4] cannot become [6, 4]: its dim 0 has size 3",
               "repeat", [&] {
                 return x.expand({6, 4});
               });
  expect_error(ErrorCode::shape_mismatch, "fewer dims", [&] { return x.expand({4}); });
  expect_error(ErrorCode::invalid_argument, "kept with -1", [&] { return x.expand({-1, 3, 4}); });
  expect_error(ErrorCode::shape_mismatch, "broadcast_tensors", [&] {
    return broadcast_tensors({x, zeros({3})});
  });
}

TEST(ShapeErrors, Join) {
  const Tensor x = zeros({3, 4});
  expect_error(ErrorCode::shape_mismatch,
               "cat: tensor 2 of shape [3, 5] and tensor 0 of shape [3, 4] differ at dim 1", "dim 1", [&] {
                 return cat({x, x, zeros({3, 5})});
               });
  expect_error(ErrorCode::shape_mismatch, "cat: tensor 1 has 1 dims (shape [4])", "unsqueeze(0)", [&] {
    return cat({x, zeros({4})});
  });
  expect_error(ErrorCode::shape_mismatch, "cat: tensor 0 has no dims", "stack",
               [] { return cat({zeros({})}); });
  expect_error(ErrorCode::invalid_argument, "cat: there are no tensors", [] { return cat({}); });
  expect_error(ErrorCode::shape_mismatch, "stack: tensor 1 has shape [4, 4]", [&] {
    return stack({x, zeros({4, 4})});
  });
}

TEST(ShapeErrors, Parts) {
  const Tensor x = zeros({3, 4});
  expect_error(ErrorCode::index_out_of_range,
               "select: index 3 is out of range for dim 0 of size 3 (shape [3, 4])", [&] { return x[3]; });
  expect_error(ErrorCode::index_out_of_range, "rank 0", "item()", [] { return zeros({})[0]; });
  expect_error(ErrorCode::index_out_of_range, "narrow: start 2 and length 3",
               [&] { return x.narrow(1, 2, 3); });
  expect_error(ErrorCode::invalid_argument, "slice: the step -1", "flip",
               [&] { return x.slice(0, {}, {}, -1); });
  expect_error(ErrorCode::shape_mismatch, "split: sizes [1, 1] add up to 2", [&] { return x.split({1, 1}); });
  expect_error(ErrorCode::invalid_argument, "split: parts of size 0", [&] { return x.split(0); });
  expect_error(ErrorCode::invalid_argument, "chunk: into 0", [&] { return x.chunk(0); });
  expect_error(ErrorCode::invalid_argument, "unfold: windows of 5", [&] { return x.unfold(1, 5, 1); });
  expect_error(ErrorCode::index_out_of_range,
               "as_strided: shape [4, 4] with strides [4, 1] and offset 0 reaches element 15", [&] {
                 return x.as_strided({4, 4}, {4, 1});
               });
  expect_error(ErrorCode::invalid_argument, "as_strided", [&] { return x.as_strided({2}, {-1}, 5); });
}

TEST(ShapeErrors, Copies) {
  const Tensor x = zeros({1, 3, 4});
  expect_error(ErrorCode::invalid_argument, "repeat: [2] gives 1 counts", [&] { return x.repeat({2}); });
  expect_error(ErrorCode::invalid_argument, "repeat: [1, 1, -1] holds a negative", [&] {
    return x.repeat({1, 1, -1});
  });
  expect_error(ErrorCode::shape_mismatch, "repeat_interleave", [&] {
    return x.repeat_interleave(tensor({1, 2}), 2);
  });
  expect_error(ErrorCode::dtype_mismatch, "repeat_interleave",
               [&] { return x.repeat_interleave(tensor({1.f}), 2); });
  expect_error(ErrorCode::invalid_argument, "roll: 2 shifts for 1 dims", [&] { return x.roll({1, 2}, {0}); });
  expect_error(ErrorCode::invalid_argument, "pad: padding [1] has an odd length",
               [&] { return pad(x, {1}); });
  expect_error(ErrorCode::invalid_argument, "pad: padding", [&] { return pad(x, {1, 1, 1, 1, 1, 1, 1, 1}); });
  expect_error(ErrorCode::invalid_argument, "reflect needs margins smaller", [&] {
    return pad(x, {4, 0}, PadMode::reflect);
  });
  expect_error(ErrorCode::invalid_argument, "circular", [&] { return pad(x, {5, 0}, PadMode::circular); });
  expect_error(ErrorCode::shape_mismatch, "leave nothing", [&] { return pad(x, {-3, -2}); });
}

TEST(ShapeErrors, InPlaceOnBroadcast) {
  expect_error(ErrorCode::layout, "", [] { return zeros({1}).expand({3}).fill_(1); });
  expect_error(ErrorCode::autograd, "leaf",
               [] { return zeros({3}, {.requires_grad = true}).slice(0, 1).zero_(); });
}

}  // namespace
}  // namespace rustorch::testing
