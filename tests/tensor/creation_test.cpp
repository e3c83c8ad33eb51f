#include "rustorch/tensor/operations/creation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rustorch/autograd/autograd.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch::testing {
namespace {

using Complex = std::complex<double>;

TEST(TensorOf, NestedLists) {
  const Tensor x = tensor({{1.f, 2.f}, {3.f, 4.f}});
  EXPECT_EQ(x.shape(), (Shape{2, 2}));
  EXPECT_EQ(x.dtype(), float32);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(tensor({{{1}}, {{2}}}).shape(), (Shape{2, 1, 1}));
  EXPECT_EQ(tensor({5}).shape(), (Shape{1}));
  EXPECT_EQ(tensor(5).shape(), Shape());
  EXPECT_EQ(tensor({}).shape(), (Shape{0}));
  EXPECT_EQ(tensor({{1, 2, 3}}).shape(), (Shape{1, 3}));
}

TEST(TensorOf, InferredDtypes) {
  EXPECT_EQ(tensor({1, 2}).dtype(), int64);
  EXPECT_EQ(tensor({1.5, 2.5}).dtype(), float32);
  EXPECT_EQ(tensor({1, 2.5}).dtype(), float32);
  EXPECT_EQ(tensor({true, false}).dtype(), bool_);
  EXPECT_EQ(tensor({true, 2}).dtype(), int64);
  EXPECT_EQ(tensor({Half(1.5f)}).dtype(), float16);
  EXPECT_EQ(tensor({BFloat16(1.5f)}).dtype(), bfloat16);
  EXPECT_EQ(tensor({std::complex<float>(1, 2)}).dtype(), complex64);
  EXPECT_EQ(tensor({Complex(1, 2), Complex(3)}).dtype(), complex128);
  EXPECT_EQ(tensor({}).dtype(), float32);
  EXPECT_EQ(tensor({1, 2}, {.dtype = float16}).dtype(), float16);
  EXPECT_EQ(tensor({2.7, -2.7}, {.dtype = int32}).to_vector<int>(), (std::vector<int>{2, -2}));
  set_default_dtype(float64);
  EXPECT_EQ(tensor({1.5}).dtype(), float64);
  EXPECT_EQ(zeros({1}).dtype(), float64);
  set_default_dtype(float32);
}

TEST(TensorOf, Ragged) {
  expect_error(ErrorCode::shape_mismatch, "tensor: ragged lists", [] { return tensor({{1, 2}, {3}}); });
  expect_error(ErrorCode::shape_mismatch, "tensor: ragged lists", [] { return tensor({{1, 2}, 3}); });
  expect_error(ErrorCode::shape_mismatch, "tensor: ragged lists", [] { return tensor({1, {2, 3}}); });
  expect_error(ErrorCode::shape_mismatch, "tensor: ragged lists", [] { return tensor({{}, {1}}); });
}

template <class T>
class TensorOfVector : public ::testing::Test {};
using Elements = ::testing::Types<bool, std::uint8_t, std::int8_t, std::int16_t, int, long, long long, Half,
                                  BFloat16, float, double, std::complex<float>, Complex>;
TYPED_TEST_SUITE(TensorOfVector, Elements);

TYPED_TEST(TensorOfVector, KeepsTheDtype) {
  const std::vector<TypeParam> values{TypeParam(1), TypeParam(0), TypeParam(1)};
  const Tensor x = tensor(values);
  EXPECT_EQ(x.dtype(), dtype_of<TypeParam>);
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(tensor(values, {.dtype = float64}).dtype(), float64);
  EXPECT_EQ(from_vector(values, {3, 1}).shape(), (Shape{3, 1}));
}

TEST(Creation, RequiresGradients) {
  for (const Tensor& x : {tensor({1.f}, {.requires_grad = true}), zeros({2}, {.requires_grad = true}),
                          ones({2}, {.requires_grad = true}), full({2}, 3.0, {.requires_grad = true}),
                          empty({2}, {.requires_grad = true}), eye(2, {}, {.requires_grad = true}),
                          arange(3.0, {.requires_grad = true}), linspace(0, 1, 3, {.requires_grad = true}),
                          zeros_like(zeros({2}), {.requires_grad = true}),
                          tensor(std::vector<float>{1}, {.dtype = float64, .requires_grad = true}),
                          empty_strided({2}, {2}, {.requires_grad = true})}) {
    EXPECT_TRUE(x.requires_grad() && x.is_leaf()) << x.shape().to_string();
  }
  expect_error(ErrorCode::autograd, "floating-point",
               [] { return zeros({1}, {.dtype = int64, .requires_grad = true}); });
}

TEST(Creation, OneValue) {
  EXPECT_EQ(zeros({2, 0}).numel(), 0);
  EXPECT_EQ(ones({2}, {.dtype = bool_}).to_vector<bool>(), (std::vector<bool>{true, true}));
  EXPECT_EQ(full({2}, true).dtype(), bool_);
  EXPECT_EQ(full({2}, 3).dtype(), int64);
  EXPECT_EQ(full({2}, 1.5).dtype(), float32);
  EXPECT_EQ(full({2}, Complex(0, 1)).dtype(), complex64);
  EXPECT_EQ(full({2}, 1.5, {.dtype = int64}).to_vector<int>(), (std::vector<int>{1, 1}));
  EXPECT_EQ(scalar_tensor(3).dtype(), float32);
  EXPECT_EQ(scalar_tensor(3, {.dtype = int32}).item<int>(), 3);
  expect_error(ErrorCode::invalid_argument, "zeros: shape [-1] holds a negative size",
               [] { return zeros({-1}); });
  expect_error(ErrorCode::invalid_argument, "empty", [] { return empty({2, -3}); });
}

TEST(Creation, Like) {
  const Tensor x = zeros({2, 3, 4, 5}, {.dtype = float16}).channels_last();
  for (const Tensor& y : {zeros_like(x), ones_like(x), full_like(x, 2), empty_like(x)}) {
    EXPECT_EQ(y.shape(), x.shape());
    EXPECT_EQ(y.dtype(), float16);
    EXPECT_TRUE(y.is_channels_last());
  }
  EXPECT_EQ(zeros_like(x, {.dtype = int64}).dtype(), int64);
  EXPECT_EQ(full_like(tensor({1, 2}), 7).to_vector<int>(), (std::vector<int>{7, 7}));
  EXPECT_TRUE(ones_like(zeros({2}).expand({3, 2})).is_contiguous());
}

/// A number as each dtype holds it, in memory that it fills (several threads' worth too) and in gaps of
/// memory.
TEST(Creation, FillOfEveryDType) {
  const Scalar numbers[] = {false, true, 0, 7, 0.5, 2.7, 1e-3, std::complex<double>(1.25, -3)};
  for (const DType dtype : {uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64,
                            complex128, bool_}) {
    for (const Scalar& number : numbers) {
      const auto where_ = fmt::format("{} as {}", number.to_string(), dtype);
      const Tensor expected =
          scalar_tensor(number, {.dtype = number.is_complex() ? complex128 : float64}).to(dtype);
      EXPECT_EQ(full({}, number, {.dtype = dtype}).to(complex128).item<std::complex<double>>(),
                expected.to(complex128).item<std::complex<double>>())
          << where_;
      EXPECT_TRUE(equal(full({300, 401}, number, {.dtype = dtype}), expected.expand({300, 401}))) << where_;
      Tensor gaps = zeros({6, 4}, {.dtype = dtype});
      gaps.slice(0, 0, std::nullopt, 2).slice(1, 1, 3).fill_(number);
      EXPECT_TRUE(equal(gaps[2].slice(0, 1, 3), expected.expand({2}))) << where_;
      EXPECT_TRUE(equal(gaps.slice(0, 1, std::nullopt, 2), zeros({3, 4}, {.dtype = dtype}))) << where_;
      EXPECT_TRUE(equal(gaps.slice(1, 3), zeros({6, 1}, {.dtype = dtype}))) << where_;
    }
  }
}

TEST(Creation, Blob) {
  std::vector<float> memory{1, 2, 3, 4, 5, 6};
  bool released = false;
  {
    Tensor x = from_blob(memory.data(), {2, 3}, float32, [&] { released = true; });
    x.fill_(7);
    const Tensor y = x[0];
    x = Tensor();
    EXPECT_FALSE(released);
  }
  EXPECT_TRUE(released);
  EXPECT_EQ(memory[5], 7);
  memory = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(from_blob(memory.data(), {3, 2}, Strides{1, 3}).to_vector<float>(),
            (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(from_blob(nullptr, {0}).numel(), 0);
  expect_error(ErrorCode::invalid_argument, "from_blob: no memory", [] { return from_blob(nullptr, {1}); });
  expect_error(ErrorCode::invalid_argument, "negative",
               [&] { return from_blob(memory.data(), {2}, Strides{-1}); });
}

TEST(Creation, Strided) {
  Tensor x = empty_strided({2, 2}, {8, 3});
  x.copy_(tensor({{1.f, 2.f}, {3.f, 4.f}}));
  EXPECT_EQ(x.strides(), (Shape{8, 3}));
  EXPECT_EQ(x.storage()->bytes(), 12 * sizeof(float));
  EXPECT_EQ(x.sum().item<float>(), 10);
}

TEST(Creation, Devices) {
  EXPECT_TRUE(zeros({1}, {.device = "cpu"}).device().is_cpu());
  EXPECT_EQ(zeros({1}).device(), default_device());
  const DeviceScope scope("metal:3");
  const std::optional<Error> error = error_of([] { return zeros({1}); });
  EXPECT_NE(std::string(error->what()).find("metal:3"), std::string::npos);
}

TEST(Sequences, Eye) {
  EXPECT_EQ(eye(2, 3).to_vector<float>(), (std::vector<float>{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(eye(3, 1).to_vector<float>(), (std::vector<float>{1, 0, 0}));
  EXPECT_EQ(eye(0).shape(), (Shape{0, 0}));
  EXPECT_EQ(eye(2, {}, {.dtype = bool_}).dtype(), bool_);
  expect_error(ErrorCode::invalid_argument, "eye: a matrix of -1", [] { return eye(-1); });
}

TEST(Sequences, Arange) {
  EXPECT_EQ(arange(3).dtype(), int64);
  EXPECT_EQ(arange(3).to_vector<int>(), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(arange(3.0).dtype(), float32);
  EXPECT_EQ(arange(5, 0, -2).to_vector<int>(), (std::vector<int>{5, 3, 1}));
  EXPECT_EQ(arange(1, 2.5, 0.5).to_vector<float>(), (std::vector<float>{1, 1.5, 2}));
  EXPECT_EQ(arange(0, 0.3, 0.1, {.dtype = float64}).numel(), 3);
  EXPECT_EQ(arange(0, 1, 0.1).to_vector<float>()[3], 0.3f);
  EXPECT_EQ(arange(1.5, 4.5, 1, {.dtype = int64}).to_vector<int>(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(arange(0, 5, 2, {.dtype = float16}).to_vector<int>(), (std::vector<int>{0, 2, 4}));
  EXPECT_EQ(arange(0).numel(), 0);
  const std::int64_t large = std::int64_t{1} << 60;
  EXPECT_EQ(arange(large, large + 3).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{large, large + 1, large + 2}));
  EXPECT_EQ(arange(-large, large, large).numel(), 2);
  expect_error(ErrorCode::invalid_argument, "arange: steps of 1 do not lead from 0 to -1",
               [] { return arange(-1); });
  expect_error(ErrorCode::invalid_argument, "arange: the step is 0", [] { return arange(0, 1, 0); });
  expect_error(ErrorCode::invalid_argument, "arange: from 0 to inf", [] { return arange(INFINITY); });
  expect_error(ErrorCode::dtype_mismatch, "not bool", [] { return arange(0, 3, 1, {.dtype = bool_}); });
  expect_error(ErrorCode::dtype_mismatch, "complex", [] { return arange(Complex(1, 2)); });
}

TEST(Sequences, Spaced) {
  EXPECT_EQ(linspace(0, 1, 5).to_vector<float>(), (std::vector<float>{0, .25f, .5f, .75f, 1}));
  EXPECT_EQ(linspace(0.1, 0.7, 11, {.dtype = float64}).to_vector<double>()[10], 0.7);
  EXPECT_EQ(linspace(0.1, 0.7, 11, {.dtype = float64}).to_vector<double>()[0], 0.1);
  EXPECT_EQ(linspace(0, 10, 4, {.dtype = int64}).to_vector<int>(), (std::vector<int>{0, 3, 6, 10}));
  EXPECT_EQ(linspace(0, -10, 7, {.dtype = int32}).to_vector<int>(),
            (std::vector<int>{0, -1, -3, -5, -6, -8, -10}));
  EXPECT_EQ(linspace(3, 1, 1).to_vector<float>(), (std::vector<float>{3}));
  EXPECT_EQ(linspace(3, 1, 0).numel(), 0);
  EXPECT_EQ(linspace(0, Complex(1, 1), 3).to_vector<Complex>()[1], Complex(0.5, 0.5));
  EXPECT_EQ(logspace(-1, 2, 4).to_vector<float>(), (std::vector<float>{0.1f, 1, 10, 100}));
  EXPECT_EQ(logspace(0, 3, 4, 2).to_vector<float>(), (std::vector<float>{1, 2, 4, 8}));
  EXPECT_EQ(logspace(0, 2, 3, 10, {.dtype = int64}).to_vector<int>(), (std::vector<int>{1, 10, 100}));
  expect_error(ErrorCode::invalid_argument, "linspace: -1 steps", [] { return linspace(0, 1, -1); });
}

TEST(Sequences, Meshgrid) {
  const auto grids = meshgrid({tensor({1, 2}), tensor({3, 4, 5})});
  EXPECT_EQ(grids[0].to_vector<int>(), (std::vector<int>{1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(grids[1].to_vector<int>(), (std::vector<int>{3, 4, 5, 3, 4, 5}));
  const auto turned = meshgrid({tensor({1, 2}), tensor({3, 4, 5}), tensor(6)}, "xy");
  EXPECT_EQ(turned[0].shape(), (Shape{3, 2, 1}));
  EXPECT_EQ(turned[0].to_vector<int>(), (std::vector<int>{1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(turned[1].to_vector<int>(), (std::vector<int>{3, 3, 4, 4, 5, 5}));
  EXPECT_EQ(turned[2].to_vector<int>(), (std::vector<int>{6, 6, 6, 6, 6, 6}));
  expect_error(ErrorCode::invalid_argument, "\"ji\"", [] { return meshgrid({tensor({1})}, "ji"); });
  expect_error(ErrorCode::shape_mismatch, "meshgrid: tensor 0", [] { return meshgrid({zeros({1, 1})}); });
}

TEST(Sequences, Triangles) {
  const Tensor x = ones({3, 3}, {.dtype = bool_});
  EXPECT_EQ(x.tril().to_vector<int>(), (std::vector<int>{1, 0, 0, 1, 1, 0, 1, 1, 1}));
  EXPECT_EQ(x.triu(1).dtype(), bool_);
  EXPECT_EQ(zeros({2, 0, 3}).tril().shape(), (Shape{2, 0, 3}));
  expect_error(ErrorCode::invalid_argument, "tril: needs a matrix", [] { return zeros({3}).tril(); });
  expect_error(ErrorCode::invalid_argument, "diag: takes a vector or a matrix", [] {
    return zeros({1, 1, 1}).diag();
  });
  EXPECT_EQ(zeros({0}).diag(2).shape(), (Shape{2, 2}));
}

}  // namespace
}  // namespace rustorch::testing
