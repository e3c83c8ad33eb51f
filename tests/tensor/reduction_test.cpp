#include "rustorch/tensor/operations/reduction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/oracle_cases.h"
#include "support/print.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::OracleCases;
using Inputs = const TensorList&;

TensorList list(std::tuple<Tensor, Tensor> pair) { return {std::get<0>(pair), std::get<1>(pair)}; }

constexpr double inf = std::numeric_limits<double>::infinity();

TEST(Reduction, EqualsPyTorch) {
  const OracleCases cases("reduction.txt");
  cases.check("sum/all", [](Inputs x) { return sum(x[0]); });
  cases.check("sum/dim1", [](Inputs x) { return sum(x[0], 1); });
  cases.check("sum/dims02", [](Inputs x) { return x[0].sum({0, 2}); });
  cases.check("sum/keepdim", [](Inputs x) { return sum(x[0], {-1, 0}, true); });
  cases.check("sum/four", [](Inputs x) { return sum(x[0], {0, 2, 3}); });
  cases.check("sum/long", [](Inputs x) { return sum(x[0].detach()); });
  cases.check("sum/integers", [](Inputs x) { return sum(x[0], 1); });
  cases.check("sum/truth", [](Inputs x) { return sum(x[0], 0); });
  cases.check("sum/integers_as_float", [](Inputs x) { return sum(x[0], 0, false, float32); });
  cases.check("sum/float_as_integers", [](Inputs x) { return sum(x[0].detach(), 0, false, int64); });
  cases.check("sum/empty", [](Inputs x) { return sum(x[0], 1); });
  cases.check("sum/scalar", [](Inputs x) { return sum(x[0]); });
  cases.check("mean/all", [](Inputs x) { return mean(x[0]); });
  cases.check("mean/dims", [](Inputs x) { return mean(x[0], {0, 2}); });
  cases.check("mean/keepdim", [](Inputs x) { return x[0].mean(-1, true); });
  cases.check("mean/integers", [](Inputs x) { return mean(x[0], 1, false, float64); });
  cases.check("prod/all", [](Inputs x) { return prod(x[0]); });
  cases.check("prod/dim", [](Inputs x) { return prod(x[0], 1); });
  cases.check("prod/keepdim", [](Inputs x) { return x[0].prod(0, true); });
  cases.check("prod/zeros", [](Inputs x) { return prod(x[0], 1); });
  cases.check("prod/zeros_all", [](Inputs x) { return prod(x[0]); });
  cases.check("prod/integers", [](Inputs x) { return prod(x[0], 0); });
  cases.check("nansum/all", [](Inputs x) { return nansum(x[0]); });
  cases.check("nansum/dim", [](Inputs x) { return nansum(x[0], 1); });
  cases.check("nanmean/dim", [](Inputs x) { return nanmean(x[0], 1); });
  cases.check("count_nonzero/all", [](Inputs x) { return count_nonzero(x[0]); });
  cases.check("count_nonzero/dim", [](Inputs x) { return x[0].count_nonzero(1); });
  cases.check("all/all", [](Inputs x) { return all(x[0]); });
  cases.check("all/dim", [](Inputs x) { return x[0].all(1); });
  cases.check("any/all", [](Inputs x) { return any(x[0]); });
  cases.check("any/dim", [](Inputs x) { return x[0].any(0, true); });
}

TEST(Reduction, StatisticsEqualPyTorch) {
  const OracleCases cases("reduction.txt");
  cases.check("var/all", [](Inputs x) { return var(x[0]); });
  cases.check("var/dim", [](Inputs x) { return x[0].var(1); });
  cases.check("var/dims", [](Inputs x) { return var(x[0], {0, 2}, 0, true); });
  cases.check("std/all", [](Inputs x) { return std(x[0]); });
  cases.check("std/dim", [](Inputs x) { return x[0].std(2, 2); });
  cases.check("std/dims", [](Inputs x) { return std(x[0], {0, 1}, 1, true); });
  cases.check("var_mean/dim", [](Inputs x) { return list(var_mean(x[0], 1)); });
  cases.check("std_mean/dim", [](Inputs x) { return list(std_mean(x[0], {0, 2})); });
  cases.check("logsumexp/dim", [](Inputs x) { return logsumexp(x[0], 1); });
  // In float32 the arguments differ by their own rounding, which the exponential multiplies.
  cases.check("logsumexp/dims",
              [](Inputs x) {
                return (x[0] * 300).logsumexp({0, 2}, true);
              },
              {.float32_tolerance = 1e-3});
  cases.check("logsumexp/integers", [](Inputs x) { return logsumexp(x[0].to(float64), 1); });
  EXPECT_EQ(logsumexp(ones({3}, {.dtype = int64}), 0).dtype(), float32);
}

TEST(Reduction, NormsEqualPyTorch) {
  const OracleCases cases("reduction.txt");
  const std::pair<const char*, double> orders[] = {{"0", 0}, {"0.5", 0.5}, {"1", 1},     {"1.5", 1.5},
                                                   {"2", 2}, {"3", 3},     {"inf", inf}, {"-inf", -inf}};
  for (const auto& [text, p] : orders) {
    const double order = p;
    cases.check(fmt::format("norm/{}", text), [order](Inputs x) { return norm(x[0], order, 1); },
                {.float32_tolerance = 1e-4});
    cases.check(fmt::format("norm/{}/all", text), [order](Inputs x) { return x[0].norm(order); },
                {.float32_tolerance = 1e-4});
  }
  cases.check("norm/zero", [](Inputs x) { return norm(x[0] * 0, 2, 1); });
  cases.check("norm/keepdim", [](Inputs x) { return norm(x[0], 2, {0, 2}, true); });
}

TEST(Reduction, ExtremesEqualPyTorch) {
  const OracleCases cases("reduction.txt");
  cases.check("max/all", [](Inputs x) { return max(x[0]); });
  cases.check("min/all", [](Inputs x) { return x[0].min(); });
  cases.check("max/dim", [](Inputs x) { return list(max(x[0], 1)); });
  cases.check("min/dim", [](Inputs x) { return list(x[0].min(0, true)); });
  cases.check("max/nan", [](Inputs x) { return list(max(x[0], 1)); });
  cases.check("max/integers", [](Inputs x) { return list(max(x[0], 0)); });
  cases.check("amax/dims", [](Inputs x) { return amax(x[0], {0, 2}); });
  cases.check("amin/dims", [](Inputs x) { return x[0].amin({1}, true); });
  cases.check("aminmax/dim", [](Inputs x) { return list(aminmax(x[0], 1)); });
  cases.check("argmax/all", [](Inputs x) { return argmax(x[0]); });
  cases.check("argmax/dim", [](Inputs x) { return x[0].argmax(2); });
  cases.check("argmin/all", [](Inputs x) { return argmin(x[0], {}, true); });
  cases.check("argmin/dim", [](Inputs x) { return x[0].argmin(-2, true); });
}

TEST(Reduction, ScansEqualPyTorch) {
  const OracleCases cases("reduction.txt");
  cases.check("cumsum/0", [](Inputs x) { return cumsum(x[0], 0); });
  cases.check("cumsum/1", [](Inputs x) { return x[0].cumsum(-2); });
  cases.check("cumsum/integers", [](Inputs x) { return cumsum(x[0], 1); });
  cases.check("cumprod/2", [](Inputs x) { return cumprod(x[0], 2); });
  cases.check("cumprod/zeros", [](Inputs x) { return x[0].cumprod(1); });
  cases.check("cummax/1", [](Inputs x) { return list(cummax(x[0], 1)); });
  cases.check("cummin/2", [](Inputs x) { return list(x[0].cummin(2)); });
  cases.check("logcumsumexp/1", [](Inputs x) { return logcumsumexp(x[0], 1); });
  cases.check("logcumsumexp/0", [](Inputs x) { return x[0].logcumsumexp(0); });
}

TEST(Reduction, LongSumsKeepTheirDigits) {
  constexpr std::int64_t n = 1 << 20;
  const Tensor x = full({n}, 0.1, {.dtype = float32});
  const double exact = static_cast<double>(0.1F) * n;  // added one by one it would be off by 1 %
  EXPECT_NEAR(x.sum().item<double>(), exact, 2e-6 * exact);
  EXPECT_NEAR(x.mean().item<double>(), exact / n, 2e-7);
}

TEST(Reduction, NaNWins) {
  const double nan = std::nan("");
  const Tensor x = tensor({{1.0, nan, 3.0}, {4.0, 5.0, 6.0}});
  for (const DType dtype : {float32, float64, float16}) {
    EXPECT_TRUE(std::isnan(x.to(dtype).max().item<double>()));
    EXPECT_TRUE(std::isnan(x.to(dtype).amin(1).select(0, 0).item<double>()));
    EXPECT_EQ(x.to(dtype).amin(1).select(0, 1).item<double>(), 4.0);
    EXPECT_TRUE(std::isnan(x.to(dtype).amax(0).select(0, 1).item<double>()));
    EXPECT_EQ(x.to(dtype).argmax(1).select(0, 0).item<std::int64_t>(), 1);
    EXPECT_EQ(std::get<0>(x.to(dtype).cummax(1)).isnan().sum().item<std::int64_t>(), 2);
  }
}

TEST(Reduction, ReducedPrecisionAddsInFloat32) {
  for (const DType dtype : {float16, bfloat16}) {
    const Tensor x = ones({40000}, {.dtype = dtype});
    EXPECT_EQ(x.mean().item<double>(), 1.0) << to_string(dtype);  // the sum alone leaves float16's range
    EXPECT_EQ(x.sum({}, false, float32).item<double>(), 40000.0);
    EXPECT_EQ(x.var().item<double>(), 0.0);
    EXPECT_EQ(x.norm().dtype(), dtype);
    EXPECT_EQ(x.norm().item<double>(), 200.0);
    EXPECT_EQ(x.logsumexp(0).dtype(), dtype);
  }
}

TEST(Reduction, EmptyTensors) {
  const Tensor x = zeros({0, 3});
  EXPECT_EQ(x.sum().item<float>(), 0.0F);
  EXPECT_EQ(x.sum(0).to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(x.sum(1).shape(), (Shape{0}));
  EXPECT_EQ(x.prod().item<float>(), 1.0F);
  EXPECT_TRUE(std::isnan(x.mean().item<float>()));
  EXPECT_TRUE(std::isnan(x.var().item<float>()));
  EXPECT_TRUE(x.all().item<bool>());
  EXPECT_FALSE(x.any().item<bool>());
  EXPECT_EQ(x.logsumexp(0).to_vector<double>(), (std::vector<double>{-inf, -inf, -inf}));
  EXPECT_EQ(x.norm().item<float>(), 0.0F);
  EXPECT_EQ(x.amax(1).shape(), (Shape{0}));
  EXPECT_EQ(x.argmax(1).shape(), (Shape{0}));
  EXPECT_EQ(x.cumsum(0).shape(), (Shape{0, 3}));
  expect_error(ErrorCode::invalid_argument, "max of no elements", [&] { return x.max(); });
  expect_error(ErrorCode::invalid_argument, "max of no elements", [&] { return x.max(0); });
  expect_error(ErrorCode::invalid_argument, "amin of no elements", [&] { return x.amin(0); });
  expect_error(ErrorCode::invalid_argument, "argmax of no elements is not defined: shape [0, 3]",
               [&] { return x.argmax(); });
  expect_error(ErrorCode::invalid_argument, "norm: the inf-norm of no elements", [&] { return x.norm(inf); });
}

TEST(Reduction, TensorsWithoutDims) {
  Tensor x = scalar_tensor(3.0, {.dtype = float64}).requires_grad_();
  EXPECT_EQ(x.sum(0).item<double>(), 3.0);
  EXPECT_EQ(x.prod(-1).item<double>(), 3.0);
  EXPECT_EQ(x.argmax(0).item<std::int64_t>(), 0);
  const auto [value, index] = x.max(0);
  EXPECT_EQ(value.item<double>(), 3.0);
  EXPECT_EQ(index.item<std::int64_t>(), 0);
  (value + x.cumsum(0) + x.cumprod(0) + x.logcumsumexp(0) + std::get<0>(x.cummax(0)) + x.prod(0)).backward();
  EXPECT_EQ(x.grad().item<double>(), 6.0);
}

TEST(Reduction, InfinitiesInLogsumexp) {
  const Tensor x = tensor({{-inf, -inf}, {inf, 1.0}, {1.0, -inf}}, {.dtype = float64});
  EXPECT_EQ(x.logsumexp(1).to_vector<double>(), (std::vector<double>{-inf, inf, 1.0}));
}

TEST(Reduction, ComplexNumbers) {
  using C = std::complex<double>;
  Tensor x = tensor(std::vector<C>{{3, 4}, {0, 0}, {0, -2}}).requires_grad_();
  EXPECT_EQ(x.sum().item<C>(), C(3, 2));
  EXPECT_EQ(x.mean().item<C>(), C(1, 2.0 / 3));
  EXPECT_NEAR(x.norm().item<double>(), std::sqrt(29.0), 1e-12);
  EXPECT_EQ(x.norm(1).item<double>(), 7.0);
  EXPECT_EQ(x.norm(inf).item<double>(), 5.0);
  EXPECT_EQ(x.norm().dtype(), float64);
  // torch.tensor([3+4j, 0, -2j]).var() is 12.3333…
  EXPECT_NEAR(x.var().item<double>(), 12.333333333333334, 1e-12);
  x.norm(1).backward();  // the directions
  const Tensor directions = tensor(std::vector<C>{{0.6, 0.8}, {0, 0}, {0, -1}});
  EXPECT_LT((x.grad() - directions).norm().item<double>(), 1e-12);
  expect_error(ErrorCode::dtype_mismatch, "max is not defined for complex128", "abs(x)",
               [&] { return x.max(); });
}

TEST(Reduction, TheGradientOfASumIsAView) {
  Tensor x = zeros({64, 64}).requires_grad_();
  Tensor seen;
  Tensor y = x * 1.0;
  y.register_hook([&](const Tensor& g) {
    seen = g;
    return Tensor();
  });
  y.sum().backward();
  EXPECT_EQ(seen.strides(), (Strides{0, 0}));
}

TEST(Reduction, ResultsKeepTheOrderOfStrides) {
  const Tensor x = ones({2, 3, 4, 5}).channels_last();
  EXPECT_TRUE(x.sum(0, true).is_channels_last());
  EXPECT_EQ(x.sum(0).strides(), (Strides{1, 15, 3}));
  EXPECT_EQ(std::get<0>(x.max(0)).strides(), (Strides{1, 15, 3}));
}

TEST(Reduction, SumToShape) {
  Tensor x = arange(24, {.dtype = float64}).reshape({2, 3, 4}).requires_grad_();
  EXPECT_TRUE(sum_to_shape(x, {2, 3, 4}).is_same(x));
  EXPECT_EQ(sum_to_shape(x, {3, 1}).to_vector<double>(), (std::vector<double>{60, 92, 124}));
  EXPECT_EQ(sum_to_shape(x, {}).item<double>(), 276.0);
  EXPECT_EQ(sum_to_shape(x, {1, 1, 4}).shape(), (Shape{1, 1, 4}));
  EXPECT_EQ(sum_to_shape(ones({1, 3}), {3}).shape(), (Shape{3}));
  sum_to_shape(x, {3, 1}).select(0, 1).sum().backward();
  EXPECT_EQ(x.grad().sum({0, 2}).to_vector<double>(), (std::vector<double>{0, 8, 0}));
  expect_error(ErrorCode::shape_mismatch, "sum_to_shape", [&] { return sum_to_shape(x, {2, 4}); });
  expect_error(ErrorCode::shape_mismatch, "sum_to_shape", [&] { return sum_to_shape(ones({3}), {2, 3}); });
}

TEST(Reduction, Dtypes) {
  EXPECT_EQ(ones({3}, {.dtype = int8}).sum().dtype(), int64);
  EXPECT_EQ(ones({3}, {.dtype = bool_}).prod().dtype(), int64);
  EXPECT_EQ(ones({3}, {.dtype = uint8}).all().dtype(), uint8);
  EXPECT_EQ(ones({3}, {.dtype = int32}).all().dtype(), bool_);
  EXPECT_EQ(ones({3}, {.dtype = int32}).amax().dtype(), int32);
  EXPECT_EQ(ones({3}, {.dtype = int16}).cumsum(0).dtype(), int64);
  EXPECT_EQ(full({200}, 100, {.dtype = int8}).sum().item<std::int64_t>(), 20000);
  EXPECT_EQ(full({3}, 100000, {.dtype = int32}).prod().item<std::int64_t>(), 1000000000000000);
  EXPECT_EQ(full({70000}, 60000, {.dtype = int32}).sum().item<std::int64_t>(), 4200000000);
  EXPECT_EQ(tensor({3.7, 2.9}).sum({}, false, int64).item<std::int64_t>(), 5);
  EXPECT_EQ(ones({3}, {.dtype = float32}).sum({}, false, float64).dtype(), float64);
}

TEST(Reduction, WrongArguments) {
  const Tensor x = ones({2, 3});
  const Tensor integers = ones({2, 3}, {.dtype = int64});
  expect_error(ErrorCode::index_out_of_range, "sum: dim 2 is out of range for a tensor of rank 2",
               [&] { return x.sum(2); });
  expect_error(ErrorCode::index_out_of_range, "argmax: dim -3", [&] { return x.argmax(-3); });
  expect_error(ErrorCode::index_out_of_range, "cumsum: dim 5", [&] { return x.cumsum(5); });
  expect_error(ErrorCode::invalid_argument, "mean: dim 1 is listed twice", [&] { return x.mean({1, -1}); });
  expect_error(ErrorCode::dtype_mismatch, "mean needs floating point: int64", "x.to(float32)",
               [&] { return integers.mean(); });
  expect_error(ErrorCode::dtype_mismatch, "var needs floating point: int64", "x.to(float32)",
               [&] { return integers.var(); });
  expect_error(ErrorCode::dtype_mismatch, "norm needs floating point: int64", "x.to(float32)",
               [&] { return integers.norm(); });
}

TEST(Norm, GradientOfACountIsZero) {
  const Tensor x = tensor({{1.0, 0.5}, {-2.0, 3.0}}).to(float64).requires_grad_();
  EXPECT_TRUE(autograd::gradcheck([](const TensorList& in) { return norm(in[0], 0, 1); }, {x}));
  norm(x, 0).backward();
  EXPECT_TRUE(equal(x.grad(), zeros_like(x)));
}

}  // namespace
}  // namespace rustorch
