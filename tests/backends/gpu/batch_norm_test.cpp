// Batch norm on each GPU that is here, compared with the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"

namespace rustorch::testing {
namespace {

class GpuBatchNorm : public OnGpu {};

struct Case {
  DType dtype = DType::float32;
  Shape shape = {3, 5, 4, 6};
  Order order = Order::plain, gradient_order = Order::plain;
  bool training = true, weighted = true, running = true, parameter_gradients = true;
  double mean = 0;  ///< of the input
};

DType coefficients_of(DType dtype) { return dtype == DType::float64 ? dtype : DType::float32; }

void check(gpu::GpuBackend& backend, const Case& one) {
  const std::int64_t channels = one.shape[1];
  const DType coefficients = coefficients_of(one.dtype);
  HostTensor input(one.dtype, one.shape, one.order), d_output(one.dtype, one.shape, one.gradient_order);
  input.randomize(1), d_output.randomize(2);
  for (std::int64_t i = 0; i < input.count(); ++i) input.set(i, input.get(i) + Wide(one.mean));
  const auto vector = [&](DType dtype, unsigned seed) {
    return HostTensor(dtype, {channels}, one.order == Order::gaps ? Order::gaps : Order::plain)
        .randomize(seed);
  };
  HostTensor weight = vector(one.dtype, 3), bias = vector(one.dtype, 4);
  HostTensor running_mean = vector(coefficients, 5), running_variance = vector(coefficients, 6);
  for (std::int64_t c = 0; c < channels; ++c) running_variance.set(c, 1.5L + running_variance.get(c));
  HostTensor scale = vector(coefficients, 0), shift = vector(coefficients, 0);
  HostTensor saved_mean = vector(coefficients, 7), saved_inverse_std = vector(coefficients, 8);
  const std::string what =
      fmt::format("{} {} orders {} {} training {} weighted {} running {}", one.dtype, one.shape,
                  static_cast<int>(one.order), static_cast<int>(one.gradient_order), one.training,
                  one.weighted, one.running);
  std::vector<HostTensor*> results = {&scale, &shift};
  if (one.training) results.insert(results.end(), {&saved_mean, &saved_inverse_std});
  if (one.running) results.insert(results.end(), {&running_mean, &running_variance});
  expect_as_on_cpu(
      backend, {&input, &weight, &bias}, results,
      [&](ComputeBackend& on, const auto& view) {
        BatchNormForward work;
        work.input = view(input), work.training = one.training;
        if (one.weighted) work.weight = view(weight), work.bias = view(bias);
        if (one.running)
          work.running_mean = view(running_mean), work.running_variance = view(running_variance);
        work.scale = view(scale), work.shift = view(shift);
        if (one.training)
          work.saved_mean = view(saved_mean), work.saved_inverse_std = view(saved_inverse_std);
        on.batch_norm_forward(work);
      },
      128, what + " forward");

  HostTensor by_output_gradient = vector(coefficients, 0), by_input = vector(coefficients, 0);
  HostTensor d_weight = vector(one.dtype, 0), d_bias = vector(one.dtype, 0);
  results = {&by_output_gradient};
  if (one.training) results.insert(results.end(), {&by_input, &shift});
  if (one.parameter_gradients) results.insert(results.end(), {&d_weight, &d_bias});
  expect_as_on_cpu(
      backend, {&input, &d_output, &weight, &saved_mean, &saved_inverse_std}, results,
      [&](ComputeBackend& on, const auto& view) {
        BatchNormBackward work;
        work.input = view(input), work.d_output = view(d_output), work.training = one.training;
        if (one.weighted) work.weight = view(weight);
        work.mean = view(saved_mean), work.inverse_std = view(saved_inverse_std);
        work.by_output_gradient = view(by_output_gradient);
        if (one.training) work.by_input = view(by_input), work.shift = view(shift);
        if (one.parameter_gradients) work.d_weight = view(d_weight), work.d_bias = view(d_bias);
        on.batch_norm_backward(work);
      },
      // What is summed is larger than the sum.
      16 * std::sqrt(static_cast<double>(input.count() / std::max<std::int64_t>(1, channels))) + 32,
      what + " backward");
}

TEST_F(GpuBatchNorm, EveryDtypeAndOption) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
      if (!backend->supports(Kind::batch_norm, dtype)) continue;
      check(*backend, {.dtype = dtype});
      check(*backend, {.dtype = dtype, .training = false});
      if (HasFatalFailure()) return;
    }
    check(*backend, {.weighted = false, .running = false});
    check(*backend, {.training = false, .weighted = false, .parameter_gradients = false});
  }
}

TEST_F(GpuBatchNorm, EveryLayout) {
  for (gpu::GpuBackend* backend : backends) {
    for (const Order order : all_orders) {
      for (const Order gradient_order : all_orders)
        check(*backend, {.order = order, .gradient_order = gradient_order});
    }
    if (HasFatalFailure()) return;
    check(*backend, {.shape = {7, 3}});
    check(*backend, {.shape = {1, 4}});
    check(*backend, {.shape = {1, 1, 1, 1}});
    check(*backend, {.shape = {3, 0, 2}});
    check(*backend, {.shape = {2, 3, 2, 3, 4}, .order = Order::gaps, .gradient_order = Order::channels_last});
  }
}

TEST_F(GpuBatchNorm, ManyRowsAndManyChannels) {
  for (gpu::GpuBackend* backend : backends) {
    check(*backend, {.shape = {2, 3, 200, 167}, .mean = 100});
    check(*backend,
          {.shape = {2, 3, 200, 167}, .order = Order::channels_last, .gradient_order = Order::channels_last});
    check(*backend, {.shape = {100003, 1}, .mean = -3});
    check(*backend,
          {.shape = {40, 300, 7, 7}, .order = Order::channels_last, .gradient_order = Order::channels_last});
    check(*backend, {.shape = {40, 70, 7, 7}});
    check(*backend, {.shape = {3, 5000}});
  }
}

TEST_F(GpuBatchNorm, WithoutRows) {
  for (gpu::GpuBackend* backend : backends) check(*backend, {.shape = {0, 3, 2}});
}

}  // namespace
}  // namespace rustorch::testing
