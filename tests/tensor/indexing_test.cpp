#include "rustorch/tensor/operations/indexing.h"

#include <gtest/gtest.h>

#include "rustorch/tensor/operations/reduction.h"
#include "support/expect_error.h"
#include "tensor/tensor_case.h"

namespace rustorch::testing {
namespace {

// x = 1, 2, 3 …; expected values and gradients are PyTorch's.
const std::vector<TensorCase> cases = {
    {"integer", {2, 3}, [](const Tensor& x) { return x.index({1}); }, {3}, {4, 5, 6}, {0, 0, 0, 1, 2, 3}},
    {"integer and slice",
     {3, 4},
     [](const Tensor& x) {
       return x.index({-1, Slice(1, None, 2)});
     },
     {2},
     {10, 12},
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2}},
    {"ellipsis",
     {2, 3, 2},
     [](const Tensor& x) {
       return x.index({Ellipsis, 0});
     },
     {2, 3},
     {1, 3, 5, 7, 9, 11},
     {1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0}},
    {"ellipsis for no dim",
     {2, 2},
     [](const Tensor& x) {
       return x.index({0, Ellipsis, 1});
     },
     {},
     {2},
     {0, 1, 0, 0}},
    {"new axis",
     {2, 3},
     [](const Tensor& x) {
       return x.index({None, Slice(), None, 1});
     },
     {1, 2, 1},
     {2, 5},
     {0, 1, 0, 0, 2, 0}},
    {"slices",
     {4, 5},
     [](const Tensor& x) {
       return x.index({Slice(None, -1), Slice(-3, None, 2)});
     },
     {3, 2},
     {3, 5, 8, 10, 13, 15},
     {0, 0, 1, 0, 2, 0, 0, 3, 0, 4, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0}},
    {"nothing", {2, 2}, [](const Tensor& x) { return x.index({}); }, {2, 2}, {1, 2, 3, 4}, {1, 2, 3, 4}},
    {"tensor",
     {3, 2},
     [](const Tensor& x) {
       return x.index({tensor({2, 0, 2})});
     },
     {3, 2},
     {5, 6, 1, 2, 5, 6},
     {3, 4, 0, 0, 6, 8}},
    {"negative tensor",
     {3, 2},
     [](const Tensor& x) {
       return x.index({Slice(), tensor({-1})});
     },
     {3, 1},
     {2, 4, 6},
     {0, 1, 0, 2, 0, 3}},
    {"tensor of rank 2",
     {3, 2},
     [](const Tensor& x) {
       return x.index({tensor({{0, 1}, {2, 1}})});
     },
     {2, 2, 2},
     {1, 2, 3, 4, 5, 6, 3, 4},
     {1, 2, 10, 12, 5, 6}},
    {"int32 tensor",
     {3, 2},
     [](const Tensor& x) {
       return x.index({tensor(std::vector<int>{1, 1})});
     },
     {2, 2},
     {3, 4, 3, 4},
     {0, 0, 4, 6, 0, 0}},
    {"int8 tensor",
     {3, 2},
     [](const Tensor& x) {
       return x.index({tensor(std::vector<std::int8_t>{1, -1})});
     },
     {2, 2},
     {3, 4, 5, 6},
     {0, 0, 1, 2, 3, 4}},
    {"tensors side by side",
     {2, 3, 4},
     [](const Tensor& x) {
       return x.index({Slice(), tensor({0, 2}), tensor({1, 3})});
     },
     {2, 2},
     {2, 12, 14, 24},
     {0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4}},
    {"tensors that broadcast",
     {3, 4},
     [](const Tensor& x) {
       return x.index({tensor({{0}, {2}}), tensor({1, 3, 0})});
     },
     {2, 3},
     {2, 4, 1, 10, 12, 9},
     {3, 1, 0, 2, 0, 0, 0, 0, 6, 4, 0, 5}},
    {"tensors apart",
     {2, 3, 4},
     [](const Tensor& x) {
       return x.index({tensor({0, 1}), Slice(), tensor({1, 3})});
     },
     {2, 3},
     {2, 6, 10, 16, 20, 24},
     {0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6}},
    {"tensors around a new axis",
     {2, 3},
     [](const Tensor& x) {
       return x.index({tensor({0, 1}), None, tensor({1, 2})});
     },
     {2, 1},
     {2, 6},
     {0, 1, 0, 0, 0, 2}},
    {"tensors around an integer",
     {2, 2, 3},
     [](const Tensor& x) {
       return x.index({tensor({0, 1}), 1, tensor({1, 2})});
     },
     {2},
     {5, 12},
     {0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2}},
    {"integer before a tensor",
     {2, 3, 4},
     [](const Tensor& x) {
       return x.index({0, Slice(), tensor({0, 1})});
     },
     {3, 2},
     {1, 2, 5, 6, 9, 10},
     {1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {"tensor behind ellipsis",
     {2, 3, 2},
     [](const Tensor& x) {
       return x.index({Ellipsis, tensor({1, 0, 1})});
     },
     {2, 3, 3},
     {2, 1, 2, 4, 3, 4, 6, 5, 6, 8, 7, 8, 10, 9, 10, 12, 11, 12},
     {2, 4, 5, 10, 8, 16, 11, 22, 14, 28, 17, 34}},
    {"tensor of rank 0",
     {3, 2},
     [](const Tensor& x) { return x.index({tensor(1)}); },
     {2},
     {3, 4},
     {0, 0, 1, 2, 0, 0}},
    {"empty tensor",
     {3, 2},
     [](const Tensor& x) { return x.index({empty({0}, {.dtype = int64})}); },
     {0, 2},
     {},
     {0, 0, 0, 0, 0, 0}},
    {"mask",
     {3},
     [](const Tensor& x) {
       return x.index({tensor({true, false, true})});
     },
     {2},
     {1, 3},
     {1, 0, 2}},
    {"mask of rows",
     {3, 2},
     [](const Tensor& x) {
       return x.index({tensor({false, true, true})});
     },
     {2, 2},
     {3, 4, 5, 6},
     {0, 0, 1, 2, 3, 4}},
    {"mask of all",
     {2, 2},
     [](const Tensor& x) {
       return x.index({tensor({{false, true}, {true, true}})});
     },
     {3},
     {2, 3, 4},
     {0, 1, 2, 3}},
    {"mask of the last dims",
     {2, 2, 2},
     [](const Tensor& x) {
       return x.index({Slice(), tensor({{false, true}, {true, false}})});
     },
     {2, 2},
     {2, 3, 6, 7},
     {0, 1, 2, 0, 0, 3, 4, 0}},
    {"mask and tensor",
     {2, 3, 2},
     [](const Tensor& x) {
       return x.index({tensor({true, true}), tensor({0, 2})});
     },
     {2, 2},
     {1, 2, 11, 12},
     {1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4}},
    {"mask that holds nowhere",
     {3, 2},
     [](const Tensor& x) {
       return x.index({tensor({false, false, false})});
     },
     {0, 2},
     {},
     {0, 0, 0, 0, 0, 0}},
    {"mask of rank 0", {2}, [](const Tensor& x) { return x.index({tensor(true)}); }, {1, 2}, {1, 2}, {1, 2}},
    {"mask of rank 0, false",
     {2},
     [](const Tensor& x) { return x.index({tensor(false)}); },
     {0, 2},
     {},
     {0, 0}},
    {"uint8 mask",
     {3},
     [](const Tensor& x) {
       return x.index({tensor(std::vector<std::uint8_t>{1, 0, 2})});
     },
     {2},
     {1, 3},
     {1, 0, 2}},
    {"gather",
     {2, 3},
     [](const Tensor& x) {
       return x.gather(1, tensor({{0, 2, 2}, {1, 1, 0}}));
     },
     {2, 3},
     {1, 3, 3, 5, 5, 4},
     {1, 0, 5, 6, 9, 0}},
    {"gather less",
     {3, 3},
     [](const Tensor& x) {
       return x.gather(0, tensor({{2, 0}}));
     },
     {1, 2},
     {7, 2},
     {0, 2, 0, 0, 0, 0, 1, 0, 0}},
    {"gather more",
     {2, 1},
     [](const Tensor& x) {
       return x.gather(0, tensor({{0}, {1}, {1}}));
     },
     {3, 1},
     {1, 2, 2},
     {1, 5}},
    {"gather rank 0", {}, [](const Tensor& x) { return x.gather(0, tensor(0)); }, {}, {1}, {1}},
    {"scatter",
     {2, 3},
     [](const Tensor& x) {
       return x.scatter(1, tensor({{0, 2}, {1, 0}}), tensor({{7., 8.}, {9., 10.}}, {.dtype = float64}));
     },
     {2, 3},
     {7, 2, 8, 10, 9, 6},
     {0, 2, 0, 0, 0, 6}},
    {"scatter a number",
     {2, 3},
     [](const Tensor& x) {
       return x.scatter(0, tensor({{1, 0, 1}}), 5);
     },
     {2, 3},
     {1, 5, 3, 5, 5, 5},
     {1, 0, 3, 0, 5, 0}},
    {"scatter itself",
     {2, 2},
     [](const Tensor& x) {
       return zeros({2, 3}, {.dtype = float64}).scatter(1, tensor({{2}, {0}}), x);
     },
     {2, 3},
     {0, 0, 1, 3, 0, 0},
     {3, 0, 4, 0}},
    {"scatter_add",
     {2, 2},
     [](const Tensor& x) {
       return x.scatter_add(0, tensor({{0, 0}, {0, 1}}), x);
     },
     {2, 2},
     {5, 4, 3, 8},
     {2, 4, 4, 8}},
    {"scatter_ with history",
     {2, 2},
     [](const Tensor& x) {
       return (x * 1).scatter_(0, tensor({{1, 0}}), x);
     },
     {2, 2},
     {1, 2, 1, 4},
     {4, 2, 0, 4}},
    {"scatter_add_ with history",
     {2, 2},
     [](const Tensor& x) {
       return (x * 2).scatter_add_(1, tensor({{1}, {1}}), x);
     },
     {2, 2},
     {2, 5, 6, 11},
     {4, 4, 10, 8}},
    {"index_select",
     {2, 3},
     [](const Tensor& x) {
       return x.index_select(1, tensor({2, 2, 0}));
     },
     {2, 3},
     {3, 3, 1, 6, 6, 4},
     {3, 0, 3, 6, 0, 9}},
    {"index_select rank 0", {}, [](const Tensor& x) { return x.index_select(0, tensor({0})); }, {}, {1}, {1}},
    {"index_add",
     {3, 2},
     [](const Tensor& x) { return x.index_add(0, tensor({2, 2}), x.slice(0, 0, 2), 3); },
     {3, 2},
     {1, 2, 3, 4, 17, 24},
     {16, 20, 18, 22, 5, 6}},
    {"index_add_ with history",
     {2, 3},
     [](const Tensor& x) { return (x * 2).index_add_(1, tensor({0}), x.slice(1, 1, 2)); },
     {2, 3},
     {4, 4, 6, 13, 10, 12},
     {2, 5, 6, 8, 14, 12}},
    {"masked_select",
     {2, 2},
     [](const Tensor& x) { return x.masked_select(tensor({{true, false}, {true, true}})); },
     {3},
     {1, 3, 4},
     {1, 0, 2, 3}},
    {"masked_select broadcast",
     {2, 1},
     [](const Tensor& x) { return x.masked_select(tensor({true, false, true})); },
     {4},
     {1, 1, 2, 2},
     {3, 7}},
    {"masked_select rank 0",
     {},
     [](const Tensor& x) { return x.masked_select(tensor(true)); },
     {1},
     {1},
     {1}},
    {"masked_fill",
     {2, 2},
     [](const Tensor& x) { return x.masked_fill(tensor({true, false}), -1); },
     {2, 2},
     {-1, 2, -1, 4},
     {0, 2, 0, 4}},
    {"masked_fill with a tensor",
     {2},
     [](const Tensor&
            x) { return ones({2, 2}, {.dtype = float64}).masked_fill(tensor({true, false}), x[1]); },
     {2, 2},
     {2, 1, 2, 1},
     {0, 4}},
    {"masked_fill_ with history",
     {2, 2},
     [](const Tensor& x) { return (x * 3).masked_fill_(tensor({{true}, {false}}), x[0][1]); },
     {2, 2},
     {2, 2, 9, 12},
     {0, 3, 9, 12}},
    {"take",
     {2, 3},
     [](const Tensor& x) { return x.take(tensor({{5, 0}, {-1, 2}})); },
     {2, 2},
     {6, 1, 6, 3},
     {2, 0, 4, 0, 0, 4}},
    {"take_along_dim",
     {2, 3},
     [](const Tensor& x) { return x.take_along_dim(tensor({{1}, {0}}), 1); },
     {2, 1},
     {2, 4},
     {0, 1, 0, 2, 0, 0}},
    {"take_along_dim broadcast",
     {1, 3},
     [](const Tensor& x) { return x.take_along_dim(tensor({{1, 0}, {2, 2}}), 1); },
     {2, 2},
     {2, 1, 3, 3},
     {2, 1, 7}},
    {"embedding",
     {3, 2},
     [](const Tensor& x) { return embedding(tensor({{0, 2}, {2, 1}}), x); },
     {2, 2, 2},
     {1, 2, 5, 6, 5, 6, 3, 4},
     {1, 2, 7, 8, 8, 10}},
    {"index_put",
     {3, 2},
     [](const Tensor& x) { return index_put(x, {tensor({0, 2})}, 9); },
     {3, 2},
     {9, 9, 3, 4, 9, 9},
     {0, 0, 3, 4, 0, 0}},
    {"index_put values",
     {3, 2},
     [](const Tensor& x) { return index_put(zeros({4, 2}, {.dtype = float64}), {tensor({3, 0, 1})}, x); },
     {4, 2},
     {3, 4, 5, 6, 0, 0, 1, 2},
     {7, 8, 1, 2, 3, 4}},
    {"index_put accumulates",
     {3, 2},
     [](const Tensor& x) { return index_put(x, {tensor({1, 1, 0})}, x, true); },
     {3, 2},
     {6, 8, 7, 10, 5, 6},
     {4, 6, 6, 8, 6, 8}},
    {"index_put broadcasts",
     {2, 2},
     [](const Tensor& x) { return index_put(x, {Slice(), tensor({1})}, x.select(1, 0).unsqueeze(1) * 4); },
     {2, 2},
     {1, 4, 3, 12},
     {9, 0, 19, 0}},
};

class Indexing : public ::testing::TestWithParam<TensorCase> {};

TEST_P(Indexing, ValuesAndGradient) { check_values(GetParam()); }
TEST_P(Indexing, SecondDerivative) { check_second_derivative(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Cases, Indexing, ::testing::ValuesIn(cases), test_name);

TEST(Index, BasicIndicesAreViews) {
  const Tensor x = counted({2, 3, 4});
  EXPECT_TRUE(x.index({0, Slice(1, None, 2)}).shares_storage(x));
  EXPECT_TRUE(x.index({Ellipsis, None}).shares_storage(x));
  EXPECT_TRUE(x.index({tensor(1)}).shares_storage(x));
  EXPECT_FALSE(x.index({tensor({1})}).shares_storage(x));
  EXPECT_FALSE(x.index({tensor({true, true})}).shares_storage(x));
}

TEST(Index, Errors) {
  const Tensor x = zeros({2, 3});
  const auto error = [&](ErrorCode code, std::string_view message, const std::vector<TensorIndex>& indices) {
    expect_error(code, message, [&] { return x.index(indices); });
  };
  error(ErrorCode::index_out_of_range, "index: index 2 is out of range for dim 0 of size 2 (shape [2, 3])",
        {2});
  error(ErrorCode::index_out_of_range, "index: index -4 is out of range for dim 1", {Slice(), -4});
  error(ErrorCode::index_out_of_range, "index: 3 indices for a tensor of rank 2", {0, 0, 0});
  error(ErrorCode::index_out_of_range, "index 3 is out of bounds for dimension size 3",
        {Slice(), tensor({0, 3})});
  error(ErrorCode::index_out_of_range, "index -3 is out of bounds for dimension size 2", {tensor({-3})});
  error(ErrorCode::index_out_of_range,
        "a mask of shape [3] for dims 0 to 0 of shape [2, 3]: dim 0 has size 2, not 3",
        {tensor({true, true, true})});
  error(ErrorCode::index_out_of_range, "do not broadcast together", {tensor({0, 1}), tensor({0, 1, 2})});
  error(ErrorCode::dtype_mismatch, "not of float32", {tensor({0.f})});
  expect_error(ErrorCode::index_out_of_range, "indices into a dim of size 0 (shape [0, 0])", [] {
    return zeros({0, 0}).index({tensor({0})});
  });
  error(ErrorCode::invalid_argument, "2 Ellipsis", {Ellipsis, Ellipsis});
  error(ErrorCode::invalid_argument, "the step 0", {Slice(None, None, 0)});
  expect_error(ErrorCode::invalid_argument, "the step -1", "flip",
               [&] { return x.index({Slice(None, None, -1)}); });
  error(ErrorCode::index_out_of_range, "out of bounds", {tensor({0}), tensor({7})});
}

TEST(Index, ManyDimsAndEmptyTensors) {
  const Tensor x = counted(Shape::filled(9, 2));
  EXPECT_EQ(x.index({Ellipsis, tensor({1})}).shape(), (Shape{2, 2, 2, 2, 2, 2, 2, 2, 1}));
  EXPECT_EQ(x.index({tensor({1}), Ellipsis, tensor({1})}).to_vector<double>()[0], 258);
  const Tensor none = zeros({0, 3});
  EXPECT_EQ(none.index({Slice(), tensor({0, 2})}).shape(), (Shape{0, 2}));
  EXPECT_EQ(none.index({none > 0}).shape(), (Shape{0}));
  EXPECT_EQ(none.gather(0, zeros({0, 2}, {.dtype = int64})).shape(), (Shape{0, 2}));
  EXPECT_EQ(none.index_select(1, tensor({1})).shape(), (Shape{0, 1}));
  EXPECT_EQ(none.nonzero().shape(), (Shape{0, 2}));
  EXPECT_EQ(none.masked_fill(none > 0, 1).shape(), (Shape{0, 3}));
}

TEST(IndexPut, Basic) {
  Tensor x = zeros({2, 3});
  x.index_put_({0}, 1).index_put_({Slice(), 2}, tensor({5.f, 6.f})).index_put_({1, 0}, 2, true);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 1, 5, 2, 0, 6}));
  x.index_put_({Ellipsis}, tensor({{{7.f}}}));  // leading dims of size 1 are dropped
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{7, 7, 7, 7, 7, 7}));
}

TEST(IndexPut, Tensors) {
  Tensor x = zeros({3, 3});
  x.index_put_({tensor({0, 0, 2}), tensor({1, 1, 2})}, tensor({1.f, 2.f, 3.f}), true);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 3, 0, 0, 0, 0, 0, 0, 3}));
  x.index_put_({Slice(1, None), tensor({0})}, tensor({{4.f}, {5.f}}));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 3, 0, 4, 0, 0, 5, 0, 3}));
  x.index_put_({1, tensor({2, 1})}, 8);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 3, 0, 4, 8, 8, 5, 0, 3}));
  // Into a view that is not row-major.
  x.t().index_put_({tensor({0, 1})}, tensor({1.f, 2.f, 3.f}));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 1, 0, 2, 2, 8, 3, 3, 3}));
}

TEST(IndexPut, Masks) {
  Tensor x = counted({2, 3});
  x.index_put_({x > 4}, 0);
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{1, 2, 3, 4, 0, 0}));
  x.index_put_({Slice(), tensor({true, false, true})}, tensor({{-1.}, {-2.}}, {.dtype = float64}));
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{-1, 2, -1, -2, 0, -2}));
  x.index_put_({tensor({false, true})}, 9);
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{-1, 2, -1, 9, 9, 9}));
  x.index_put_({x == 9}, tensor({1., 2., 3.}, {.dtype = float64}));
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{-1, 2, -1, 1, 2, 3}));
  x.index_put_({tensor(true)}, 4);
  EXPECT_EQ(x.sum().item<double>(), 24);
}

TEST(IndexPut, HistoryReachesBaseAndValues) {
  Tensor x = counted({2, 3}).requires_grad_();
  Tensor v = counted({2}).requires_grad_();
  Tensor y = x * 1;
  y.index_put_({1, tensor({0, 2})}, v * 10);
  (y * counted({2, 3})).sum().backward();
  EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{1, 2, 3, 10, 5, 20}));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{1, 2, 3, 0, 5, 0}));
  EXPECT_EQ(v.grad().to_vector<double>(), (std::vector<double>{40, 60}));

  Tensor z = zeros({3}, {.dtype = float64});
  z.index_put_({0}, v[1]);
  z.index_put_({tensor({0, 2})}, v, true);
  EXPECT_EQ(z.to_vector<double>(), (std::vector<double>{3, 0, 2}));
  v.zero_grad();
  z.backward(counted({3}));
  EXPECT_EQ(v.grad().to_vector<double>(), (std::vector<double>{1, 4}));
}

TEST(IndexPut, FromItself) {
  Tensor x = counted({4});
  x.index_put_({tensor({0, 1, 2, 3})}, x.slice(0, 0, 1));
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{1, 1, 1, 1}));
  Tensor places = tensor({1, 2, 0});
  places.index_put_({places}, tensor({5, 6, 7}));
  EXPECT_EQ(places.to_vector<int>(), (std::vector<int>{7, 5, 6}));
}

TEST(IndexPut, Errors) {
  Tensor x = zeros({2, 3});
  expect_error(ErrorCode::dtype_mismatch, "index_put_: values of dtype float64", "values.to(float32)",
               [&] { return x.index_put_({tensor({0})}, ones({3}, {.dtype = float64})); });
  expect_error(ErrorCode::shape_mismatch,
               "index_put_: values of shape [2] do not broadcast to the indexed shape [1, 3]",
               [&] { return x.index_put_({tensor({0})}, ones({2})); });
  expect_error(ErrorCode::index_out_of_range, "index_put_", [&] { return x.index_put_({tensor({2})}, 1); });
  expect_error(ErrorCode::autograd, "leaf", [] {
    Tensor leaf = zeros({2}, {.requires_grad = true});
    return leaf.index_put_({tensor({0})}, 1);
  });
  expect_error(ErrorCode::autograd, "changed", [] {
    Tensor leaf = ones({2}, {.requires_grad = true});
    Tensor places = tensor({0, 1});
    const Tensor y = leaf.index({places});
    places.zero_();
    y.sum().backward();
    return y;
  });
}

TEST(Scatter, InPlace) {
  Tensor x = zeros({2, 3});
  x.scatter_(1, tensor({{0}, {2}}), ones({2, 2}));
  x.scatter_add_(1, tensor({{0, 0}, {1, 2}}), ones({2, 2}));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{3, 0, 0, 0, 1, 2}));
  x.t().scatter_(0, tensor({{1, 1}}), 7);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{3, 7, 0, 0, 7, 2}));
  x.index_add_(1, tensor({0, 0}), ones({2, 2}), 0.5);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{4, 7, 0, 1, 7, 2}));
  Tensor number = zeros({});
  number.scatter_(0, tensor(0), 3).index_add_(0, tensor({0, 0}), ones({2}));
  EXPECT_EQ(number.item<float>(), 5);
  Tensor counts = zeros({3}, {.dtype = int64});
  counts.scatter_add_(0, tensor({2, 2, 0}), ones({3}, {.dtype = int64}));
  EXPECT_EQ(counts.to_vector<int>(), (std::vector<int>{1, 0, 2}));
}

TEST(Scatter, Errors) {
  const Tensor x = zeros({2, 3});
  expect_error(ErrorCode::index_out_of_range, "in op gather", [&] { return x.gather(1, tensor({{0, 3}})); });
  expect_error(ErrorCode::shape_mismatch,
               "gather: index of shape [3, 1] is larger than the tensor of shape [2, 3] at dim 0", [&] {
                 return x.gather(1, tensor({{0}, {0}, {0}}));
               });
  expect_error(ErrorCode::shape_mismatch, "differ in rank", [&] { return x.gather(1, tensor({0})); });
  expect_error(ErrorCode::dtype_mismatch, "gather: an index is of integers", "index.to(int64)", [&] {
    return x.gather(1, zeros({2, 1}));
  });
  expect_error(ErrorCode::dtype_mismatch, "scatter: a source of dtype float64", [&] {
    return x.scatter(1, tensor({{0}}), ones({1, 1}, {.dtype = float64}));
  });
  expect_error(ErrorCode::shape_mismatch, "larger than the source", [&] {
    return x.scatter(1, tensor({{0, 1}}), ones({1, 1}));
  });
  expect_error(ErrorCode::index_out_of_range, "in op scatter",
               [&] { return x.scatter(1, tensor({{5}}), 1); });
  expect_error(ErrorCode::shape_mismatch, "index_select: the index is a vector",
               [&] { return x.index_select(0, tensor({{0}})); });
  expect_error(ErrorCode::index_out_of_range, "in op index_select",
               [&] { return x.index_select(0, tensor({2})); });
  expect_error(ErrorCode::shape_mismatch, "index_add: source of shape [2, 2]", [&] {
    return x.index_add(1, tensor({0}), ones({2, 2}));
  });
  expect_error(ErrorCode::index_out_of_range, "in op take", [&] { return x.take(tensor({6})); });
  expect_error(ErrorCode::index_out_of_range, "in op embedding", [&] { return embedding(tensor({2}), x); });
}

TEST(Masks, Nonzero) {
  const Tensor x = tensor({{0.f, 1.f, 0.f}, {2.f, 0.f, 3.f}});
  EXPECT_EQ(x.nonzero().shape(), (Shape{3, 2}));
  EXPECT_EQ(x.nonzero().to_vector<int>(), (std::vector<int>{0, 1, 1, 0, 1, 2}));
  EXPECT_EQ(x.t().nonzero().to_vector<int>(), (std::vector<int>{0, 1, 1, 0, 2, 1}));
  EXPECT_EQ(tensor(5).nonzero().shape(), (Shape{1, 0}));
  EXPECT_EQ(tensor(0).nonzero().shape(), (Shape{0, 0}));
  EXPECT_EQ((x == 9).nonzero().shape(), (Shape{0, 2}));
}

TEST(Masks, FillKeepsTheDtype) {
  const Tensor mask = tensor({true, false});
  EXPECT_EQ(zeros({2}, {.dtype = int64}).masked_fill(mask, 1.5).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_EQ(zeros({2}, {.dtype = int64}).masked_fill(mask, tensor(1.5)).dtype(), int64);
  EXPECT_EQ(zeros({2}, {.dtype = bool_}).masked_fill(mask, 7).dtype(), bool_);
  EXPECT_EQ(zeros({2}, {.dtype = float16}).masked_fill(mask, 2.0).dtype(), float16);
  Tensor x = zeros({2, 2});
  x.masked_fill_(mask, tensor(3.0, {.dtype = float64})).t().masked_fill_(mask, -1);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{-1, -1, 3, 0}));
  Tensor flags = tensor({{true, false}, {true, true}});
  flags.masked_fill_(flags, false);
  EXPECT_EQ(flags.any().item<bool>(), false);
  Tensor complex_numbers = zeros({2}, {.dtype = complex64});
  EXPECT_EQ(complex_numbers.masked_fill_(mask, std::complex<float>(1, 2))[0].item<std::complex<float>>(),
            std::complex<float>(1, 2));
}

TEST(Masks, Errors) {
  Tensor x = zeros({2, 3});
  expect_error(ErrorCode::dtype_mismatch, "masked_fill: the mask is of dtype int64", "mask.to(bool_)", [&] {
    return x.masked_fill(tensor({1, 0, 1}), 1);
  });
  expect_error(ErrorCode::invalid_argument, "not of shape [1]", [&] {
    return x.masked_fill(tensor({true, true, false}), ones({1}));
  });
  expect_error(ErrorCode::shape_mismatch, "masked_select", [&] {
    return x.masked_select(tensor({true, false}));
  });
  expect_error(ErrorCode::shape_mismatch, "masked_fill_: a mask of shape [2, 2, 3]", [&] {
    return x.masked_fill_(ones({2, 2, 3}, {.dtype = bool_}), 1);
  });
  expect_error(ErrorCode::dtype_mismatch, "complex",
               [&] { return x.masked_fill(x == 0, std::complex<float>(0, 1)); });
}

TEST(OneHot, Values) {
  EXPECT_EQ(one_hot(tensor({0, 2})).to_vector<int>(), (std::vector<int>{1, 0, 0, 0, 0, 1}));
  EXPECT_EQ(one_hot(tensor({{1}, {0}}), 2).shape(), (Shape{2, 1, 2}));
  EXPECT_EQ(one_hot(tensor(1), 3).to_vector<int>(), (std::vector<int>{0, 1, 0}));
  EXPECT_EQ(one_hot(zeros({0}, {.dtype = int64}), 3).shape(), (Shape{0, 3}));
  EXPECT_EQ(one_hot(tensor({1}), 2).dtype(), int64);
  expect_error(ErrorCode::index_out_of_range, "one_hot: class 3 is not one of 0 to 2",
               [] { return one_hot(tensor({3}), 3); });
  expect_error(ErrorCode::index_out_of_range, "one_hot: class -1", [] { return one_hot(tensor({-1, 1})); });
  expect_error(ErrorCode::dtype_mismatch, "one_hot", [] { return one_hot(tensor({1.f})); });
  expect_error(ErrorCode::invalid_argument, "one_hot", [] { return one_hot(zeros({0}, {.dtype = int64})); });
}

TEST(Index, Dtypes) {
  for (const DType dtype : {uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64,
                            complex128, bool_}) {
    SCOPED_TRACE(to_string(dtype));
    const Tensor x = tensor({{1, 0, 1}, {0, 1, 1}}, {.dtype = dtype});
    EXPECT_EQ(x.index({Slice(), tensor({2, 1})}).to_vector<int>(), (std::vector<int>{1, 0, 1, 1}));
    EXPECT_EQ(x.gather(0, tensor({{1, 0, 1}})).to_vector<int>(), (std::vector<int>{0, 0, 1}));
    EXPECT_EQ(x.index_add(1, tensor({1}), x.slice(1, 0, 1)).to_vector<int>(),
              (std::vector<int>{1, 1, 1, 0, 1, 1}));
    EXPECT_EQ(x.masked_select(x == 1).dtype(), dtype);
    EXPECT_EQ(x.nonzero().shape(), (Shape{4, 2}));
    Tensor y = x.clone();
    y.index_put_({tensor({1})}, 1).masked_fill_(tensor({true, false, false}), 0);
    EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{0, 0, 1, 0, 1, 1}));
  }
}

}  // namespace
}  // namespace rustorch::testing
