#include "rustorch/tensor/operations/convolution.h"

#include <gtest/gtest.h>

#include "rustorch/backends/runtime.h"
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

TEST(Convolution, EqualsPyTorch) {
  const OracleCases cases("convolution.txt");
  cases.check("conv1d/plain", [](Inputs x) { return conv1d(x[0], x[1], x[2]); });
  cases.check("conv1d/unbatched", [](Inputs x) { return conv1d(x[0], x[1], x[2]); });
  cases.check("conv1d/strided", [](Inputs x) { return conv1d(x[0], x[1], {}, 2, 1, 2); });
  cases.check("conv2d/plain", [](Inputs x) { return conv2d(x[0], x[1], x[2]); });
  cases.check("conv2d/padded", [](Inputs x) { return conv2d(x[0], x[1], x[2], {.padding = 1}); });
  cases.check("conv2d/one_channel", [](Inputs x) { return conv2d(x[0], x[1], x[2], 1, 1); });
  cases.check("conv2d/unbatched", [](Inputs x) { return conv2d(x[0], x[1], x[2]); });
  cases.check("conv2d/no_bias", [](Inputs x) { return conv2d(x[0], x[1], {}, 2); });
  cases.check("conv2d/all", [](Inputs x) { return conv2d(x[0], x[1], x[2], {2, 1}, {1, 2}, {1, 2}, 2); });
  cases.check("conv2d/depthwise",
              [](Inputs x) { return conv2d(x[0], x[1], x[2], {.padding = 1, .groups = 3}); });
  cases.check("conv2d/pointwise", [](Inputs x) { return conv2d(x[0], x[1], x[2]); });
  cases.check("conv2d/empty_batch", [](Inputs x) { return conv2d(x[0], x[1], x[2]); });
  cases.check("conv3d/plain", [](Inputs x) { return conv3d(x[0], x[1], x[2]); });
  cases.check("conv3d/all", [](Inputs x) { return conv3d(x[0], x[1], x[2], {1, 2, 1}, {1, 0, 1}, 1, 2); });
}

TEST(Convolution, TransposedEqualsPyTorch) {
  const OracleCases cases("convolution.txt");
  cases.check("conv_transpose1d/plain", [](Inputs x) { return conv_transpose1d(x[0], x[1], x[2]); });
  cases.check("conv_transpose1d/all", [](Inputs x) {
    return conv_transpose1d(x[0], x[1], x[2],
                            {.stride = 3, .padding = 1, .output_padding = 1, .groups = 1, .dilation = 2});
  });
  cases.check("conv_transpose2d/plain", [](Inputs x) { return conv_transpose2d(x[0], x[1], x[2]); });
  cases.check("conv_transpose2d/unbatched", [](Inputs x) { return conv_transpose2d(x[0], x[1], x[2]); });
  cases.check("conv_transpose2d/all", [](Inputs x) {
    return conv_transpose2d(
        x[0], x[1], x[2],
        {.stride = {2, 3}, .padding = 1, .output_padding = {1, 0}, .groups = 2, .dilation = {1, 2}});
  });
  cases.check("conv_transpose2d/no_bias",
              [](Inputs x) { return conv_transpose2d(x[0], x[1], {}, {.stride = 2}); });
  cases.check("conv_transpose3d/plain",
              [](Inputs x) { return conv_transpose3d(x[0], x[1], x[2], {.stride = 2, .padding = 1}); });
}

/// The definition, in float64.
Tensor naive_conv2d(const Tensor& x, const Tensor& weight, std::int64_t stride, std::int64_t padding) {
  const std::int64_t batch = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  const std::int64_t outputs = weight.size(0), kernel = weight.size(2);
  const std::int64_t rows = (height + 2 * padding - kernel) / stride + 1;
  const std::int64_t columns = (width + 2 * padding - kernel) / stride + 1;
  const std::vector<double> input = x.to_vector<double>(), weights = weight.to_vector<double>();
  std::vector<double> y;
  for (std::int64_t n = 0; n < batch; ++n) {
    for (std::int64_t o = 0; o < outputs; ++o) {
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
          double sum = 0;
          for (std::int64_t c = 0; c < channels; ++c) {
            for (std::int64_t k = 0; k < kernel * kernel; ++k) {
              const std::int64_t row = i * stride - padding + k / kernel,
                                 column = j * stride - padding + k % kernel;
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              sum += input[static_cast<std::size_t>(((n * channels + c) * height + row) * width + column)] *
                     weights[static_cast<std::size_t>((o * channels + c) * kernel * kernel + k)];
            }
          }
          y.push_back(sum);
        }
      }
    }
  }
  return from_vector(y, {batch, outputs, rows, columns});
}

Tensor wave(const Shape& shape, double step, DType dtype) {
  return (arange(shape.element_count(), {.dtype = float64}) * step).sin().reshape(shape).to(dtype);
}

TEST(Convolution, LayersOfANetwork) {
  // Sizes at which the libraries' blocked kernels are picked.
  for (const std::int64_t channels : {1, 16, 32}) {
    for (const DType dtype : {float32, float64, bfloat16, float16}) {
      const Tensor x = wave({2, channels, 14, 14}, 0.37, dtype),
                   weight = wave({32, channels, 3, 3}, 0.73, dtype) * 0.1;
      const Tensor expected = naive_conv2d(x, weight, 1, 1);
      const Tensor y = conv2d(x, weight, {}, {.padding = 1});
      EXPECT_EQ(y.dtype(), dtype);
      const double tolerance = is_reduced_precision(dtype) ? 0.04 : 1e-5;
      EXPECT_LT((y.to(float64) - expected).abs().amax().item<double>(), tolerance)
          << to_string(dtype) << channels;
    }
  }
}

TEST(Convolution, ResultsLieAsTheBackendPrefers) {
  const Tensor x = ones({2, 3, 8, 8}), weight = ones({4, 3, 3, 3}).requires_grad_();
  Tensor input = x.clone().requires_grad_();
  const Tensor y = conv2d(input, weight);
  EXPECT_EQ(y.is_channels_last(), cpu_backend().prefers_channels_last(float32));
  EXPECT_EQ(y.shape(), (Shape{2, 4, 6, 6}));
  y.sum().backward();
  EXPECT_EQ(input.grad().shape(), x.shape());
  EXPECT_TRUE(weight.grad().is_contiguous());
  EXPECT_EQ(weight.grad().to_vector<float>(), std::vector<float>(108, 72.0F));
}

TEST(Convolution, OnlyTheBiasWantsAGradient) {
  Tensor bias = zeros({4}).requires_grad_();
  conv2d(ones({2, 3, 8, 8}), ones({4, 3, 3, 3}), bias).sum().backward();
  EXPECT_EQ(bias.grad().to_vector<float>(), std::vector<float>(4, 72.0F));
}

TEST(Convolution, WrongArguments) {
  const Tensor x = zeros({2, 3, 8, 8}), weight = zeros({4, 3, 3, 3});
  expect_error(ErrorCode::shape_mismatch,
               "conv2d: the weight of shape [4, 3, 3, 3] with 1 group takes 3 channels, the input of shape "
               "[2, 5, 8, 8] has 5",
               "5 input channels", [&] {
                 return conv2d(zeros({2, 5, 8, 8}), weight);
               });
  expect_error(ErrorCode::shape_mismatch, "takes 3 channels", "permute({0, 3, 1, 2})", [&] {
    return conv2d(zeros({2, 8, 8, 3}), weight);
  });
  expect_error(ErrorCode::shape_mismatch, "takes 3 channels", "groups = 2", [&] {
    return conv2d(zeros({2, 6, 8, 8}), weight);
  });
  expect_error(ErrorCode::shape_mismatch,
               "conv2d: the kernel spans 3 along spatial dim 1, the padded input only 2", "a padding of 1",
               [&] {
                 return conv2d(zeros({2, 3, 8, 2}), weight);
               });
  expect_error(ErrorCode::shape_mismatch, "the kernel spans 9",
               [&] { return conv2d(x, weight, {}, {.dilation = 4}); });
  expect_error(ErrorCode::shape_mismatch, "conv2d: the bias of shape [3] does not fit 4 output channels",
               [&] { return conv2d(x, weight, zeros({3})); });
  expect_error(ErrorCode::shape_mismatch, "conv2d: the input must have 4 dims, or 3 without a batch", [&] {
    return conv2d(zeros({8, 8}), weight);
  });
  expect_error(ErrorCode::shape_mismatch, "conv1d: the weight must have 3 dims",
               [&] { return conv1d(x, weight); });
  expect_error(ErrorCode::dtype_mismatch, "conv2d: the input is float32, the weight float64", "x.to(float64)",
               [&] { return conv2d(x, weight.to(float64)); });
  expect_error(ErrorCode::dtype_mismatch, "conv2d needs floating point: int64", "x.to(float32)",
               [&] { return conv2d(x.to(int64), weight.to(int64)); });
  expect_error(ErrorCode::invalid_argument, "conv2d: stride must be positive",
               [&] { return conv2d(x, weight, {}, 0); });
  expect_error(ErrorCode::invalid_argument, "conv2d: padding must not be negative",
               [&] { return conv2d(x, weight, {}, {.padding = -1}); });
  expect_error(ErrorCode::invalid_argument, "conv2d: stride must be one number or 2, got [1, 2, 3]", [&] {
    return conv2d(x, weight, {}, {.stride = {1, 2, 3}});
  });
  expect_error(ErrorCode::shape_mismatch, "3 groups do not divide",
               [&] { return conv2d(x, weight, {}, {.groups = 3}); });
  expect_error(ErrorCode::shape_mismatch,
               "conv_transpose2d: the weight of shape [4, 3, 3, 3] takes 4 channels", "3 input channels",
               [&] { return conv_transpose2d(x, weight); });
  expect_error(ErrorCode::invalid_argument, "output_padding", [&] {
    return conv_transpose2d(zeros({2, 4, 3, 3}), weight, {}, {.output_padding = 1});
  });
}

}  // namespace
}  // namespace rustorch
