#include "rustorch/tensor/operations/sorting.h"

#include <gtest/gtest.h>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "support/expect_error.h"
#include "support/oracle_cases.h"
#include "support/print.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::OracleCases;
using Inputs = const TensorList&;

TensorList list(std::tuple<Tensor, Tensor> pair) { return {std::get<0>(pair), std::get<1>(pair)}; }

TEST(Sorting, EqualsPyTorch) {
  const OracleCases cases("sorting.txt");
  cases.check("sort/last", [](Inputs x) { return list(sort(x[0])); });
  cases.check("sort/1_descending", [](Inputs x) { return list(x[0].sort(1, true)); });
  cases.check("sort/stable", [](Inputs x) { return list(sort(x[0], 0, false, true)); });
  cases.check("sort/nan", [](Inputs x) { return list(sort(x[0], 1, false, true)); });
  cases.check("sort/nan_descending", [](Inputs x) { return list(sort(x[0], 1, true, true)); });
  cases.check("sort/integers", [](Inputs x) { return list(sort(x[0], 0, false, true)); });
  cases.check("argsort/1", [](Inputs x) { return argsort(x[0], 1); });
  cases.check("argsort/descending", [](Inputs x) { return x[0].argsort(-1, true); });
  cases.check("msort", [](Inputs x) { return msort(x[0]); });
  cases.check("topk/largest", [](Inputs x) { return list(topk(x[0], 2, 1)); });
  cases.check("topk/smallest", [](Inputs x) { return list(x[0].topk(3, 0, false)); });
  cases.check("topk/all", [](Inputs x) { return list(topk(x[0], 4, 1)); });
  cases.check("sort/empty", [](Inputs x) { return list(sort(x[0], 1)); });
  cases.expect_all_used();
}

TEST(Sorting, LongRows) {
  const std::int64_t n = 5000;
  const Tensor x = (arange(n) * 7919).remainder(n);  // a permutation: 7919 is prime to 5000
  const auto [values, indices] = sort(x);
  EXPECT_EQ(values.to_vector<std::int64_t>(), arange(n).to_vector<std::int64_t>());
  EXPECT_EQ(x.index_select(0, indices).to_vector<std::int64_t>(), values.to_vector<std::int64_t>());
  EXPECT_EQ(std::get<0>(topk(x, 3)).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{n - 1, n - 2, n - 3}));
}

TEST(Sorting, TensorsWithoutDims) {
  Tensor x = scalar_tensor(2.5, {.dtype = float64}).requires_grad_();
  const auto [value, index] = sort(x);
  EXPECT_EQ(value.item<double>(), 2.5);
  EXPECT_EQ(index.item<std::int64_t>(), 0);
  value.backward();
  EXPECT_EQ(x.grad().item<double>(), 1.0);
  EXPECT_EQ(argsort(x, 0).item<std::int64_t>(), 0);
  EXPECT_EQ(std::get<0>(topk(x, 1, 0)).item<double>(), 2.5);
}

TEST(Sorting, KeepsTheOrderOfStrides) {
  EXPECT_TRUE(std::get<0>(sort(ones({2, 3, 4, 5}).channels_last(), 1)).is_channels_last());
}

TEST(Sorting, WrongArguments) {
  const Tensor x = ones({2, 3});
  expect_error(ErrorCode::index_out_of_range,
               "topk: k = 4 is out of range for dim 1 of size 3 (shape [2, 3])", [&] { return topk(x, 4); });
  expect_error(ErrorCode::index_out_of_range, "topk: k = -1", [&] { return topk(x, -1); });
  expect_error(ErrorCode::index_out_of_range, "sort: dim 2", [&] { return sort(x, 2); });
  expect_error(ErrorCode::dtype_mismatch, "sort is not defined for complex64",
               [&] { return sort(x.to(complex64)); });
}

}  // namespace
}  // namespace rustorch
