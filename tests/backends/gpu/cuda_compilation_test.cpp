// NVRTC compiles the kernels of rows, norms and losses, without a GPU.
#include <gtest/gtest.h>

#include <array>

#include "backends/gpu/cuda_compilation.h"

namespace rustorch::testing {
namespace {

constexpr DType real_dtypes[] = {DType::float16, DType::float32, DType::float64};
/// Rows and elements of a row: short ones, long ones, few very long ones, and more than 32 bits count.
constexpr std::array<std::int64_t, 2> row_shapes[] = {
    {1000, 10}, {4096, 1000}, {4096, 50000}, {3, 1000000}, {3, std::int64_t{1} << 31}};

/// All of them for float32 on the first backend, few for the others.
std::span<const std::array<std::int64_t, 2>> row_shapes_of(DType dtype, bool is_first) {
  return std::span(row_shapes).first(dtype == DType::float32 && is_first ? std::size(row_shapes) : 2);
}

TEST_F(CudaCompilation, Softmax) {
  for (const DType dtype : real_dtypes) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const auto& [rows, n] : row_shapes_of(dtype, backend == backends[0].get())) {
        for (const bool logarithm : {false, true}) {
          for (const Shape& shape : {Shape{rows, n}, Shape{rows / 3, n, 3}}) {
            const View x = view(dtype, shape), y = view(dtype, shape);
            backend->softmax_forward({x, 1, logarithm, y});
            backend->softmax_backward({x, x, 1, logarithm, y});
          }
        }
      }
    }
  }
}

TEST_F(CudaCompilation, CrossEntropy) {
  for (const DType dtype : real_dtypes) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const auto& [rows, n] : row_shapes_of(dtype, backend == backends[0].get())) {
        const View x = view(dtype, {rows, n}), losses = view(dtype, {rows}),
                   targets = view(DType::int64, {rows});
        for (const double smoothing : {0.0, 0.1}) {
          CrossEntropyForward forward;
          forward.logits = x, forward.targets = targets, forward.losses = losses;
          CrossEntropyBackward backward;
          backward.logits = x, backward.targets = targets, backward.log_sum_exp = losses;
          backward.d_losses = losses, backward.d_logits = view(dtype, {rows, n});
          forward.label_smoothing = backward.label_smoothing = smoothing;
          if (smoothing != 0)
            forward.weight = backward.weight = view(dtype, {n}), forward.log_sum_exp = losses;
          backend->cross_entropy_forward(forward);
          backend->cross_entropy_backward(backward);
        }
      }
    }
  }
}

TEST_F(CudaCompilation, BatchNorm) {
  for (const DType dtype : real_dtypes) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      const DType coefficient = compute_dtype(dtype);
      for (const std::int64_t pixels : {49, 1 << 28}) {
        for (const bool training : {false, true}) {
          const View x = view(dtype, {64, 3, pixels}), channel = view(coefficient, {3});
          BatchNormForward forward;
          forward.input = x, forward.training = training;
          forward.weight = forward.bias = forward.running_mean = forward.running_variance = channel;
          forward.scale = forward.shift = channel;
          if (training) forward.saved_mean = forward.saved_inverse_std = channel;
          backend->batch_norm_forward(forward);
          BatchNormBackward backward;
          backward.input = backward.d_output = x, backward.training = training;
          backward.mean = backward.inverse_std = backward.by_output_gradient = channel;
          if (training) backward.by_input = backward.shift = channel;
          backward.d_weight = backward.d_bias = channel;
          backend->batch_norm_backward(backward);
        }
      }
      BatchNormForward forward;
      forward.input = view(dtype, Layout::channels_last({64, 256, 14, 14})), forward.training = true;
      forward.scale = forward.shift = view(coefficient, {256});
      backend->batch_norm_forward(forward);
    }
  }
}

TEST_F(CudaCompilation, LayerNorm) {
  for (const DType dtype : real_dtypes) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const auto& [rows, n] : row_shapes_of(dtype, backend == backends[0].get())) {
        const View x = view(dtype, {rows, n}), row = view(compute_dtype(dtype), {rows}),
                   column = view(dtype, {n});
        for (const bool weighted : {false, true}) {
          LayerNormForward forward;
          forward.input = x, forward.output = view(dtype, {rows, n});
          if (weighted) forward.weight = forward.bias = column, forward.mean = forward.inverse_std = row;
          backend->layer_norm_forward(forward);
          LayerNormBackward backward;
          backward.input = backward.d_output = x, backward.mean = backward.inverse_std = row;
          backward.d_input = forward.output;
          if (weighted) backward.weight = backward.d_weight = backward.d_bias = column;
          backend->layer_norm_backward(backward);
        }
      }
    }
  }
}

TEST_F(CudaCompilation, ArgReduceAndScan) {
  for (const DType dtype :
       {DType::bool_, DType::int64, DType::float32, DType::float64, DType::complex64, DType::complex128}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const auto& [rows, n] : row_shapes_of(dtype, backend == backends[0].get())) {
        for (const Shape& shape : {Shape{rows, n}, Shape{rows / 3, n, 3}}) {
          Shape result = shape;
          result[1] = 1;
          const View x = view(dtype, shape), indices = view(DType::int64, shape);
          backend->scan({ScanOp::sum, x, 1, is_differentiable(dtype) ? x : indices, {}});
          if (is_complex(dtype)) {
            if (dtype == DType::complex64) backend->scan({ScanOp::prod, x, 1, x, {}});
            continue;
          }
          backend->arg_reduce({ArgReduceOp::max, x, 1, view(dtype, result), view(DType::int64, result)});
          backend->scan({ScanOp::min, x, 1, view(dtype, shape), indices});
          if (is_floating_point(dtype)) backend->scan({ScanOp::log_sum_exp, x, 1, x, {}});
        }
      }
    }
  }
}

}  // namespace
}  // namespace rustorch::testing
