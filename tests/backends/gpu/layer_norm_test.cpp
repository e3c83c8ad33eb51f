// Layer norm on each GPU that is here, compared with the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"

namespace rustorch::testing {
namespace {

class GpuLayerNorm : public OnGpu {};

struct Case {
  DType dtype = DType::float32;
  std::int64_t rows = 5, columns = 13;
  Order order = Order::plain;
  bool weighted = true, biased = true, statistics = true;
  bool d_input = true, d_weight = true, d_bias = true;
  double mean = 0;  ///< of the input
};

void check(gpu::GpuBackend& backend, const Case& one) {
  const Shape shape = {one.rows, one.columns};
  HostTensor input(one.dtype, shape, one.order), d_output(one.dtype, shape, one.order);
  HostTensor output(one.dtype, shape, one.order), d_input(one.dtype, shape, one.order);
  HostTensor weight(one.dtype, {one.columns}, one.order), bias(one.dtype, {one.columns}, one.order);
  HostTensor d_weight(one.dtype, {one.columns}, one.order), d_bias(one.dtype, {one.columns}, one.order);
  const DType statistic = compute_dtype(one.dtype);
  HostTensor mean(statistic, {one.rows}, one.order), inverse_std(statistic, {one.rows}, one.order);
  input.randomize(1), d_output.randomize(2), weight.randomize(3), bias.randomize(4);
  mean.randomize(5), inverse_std.randomize(6);
  for (std::int64_t i = 0; i < input.count(); ++i) input.set(i, input.get(i) + Wide(one.mean));
  const std::string what = fmt::format("{} {} order {} weighted {} biased {}", one.dtype, shape,
                                       static_cast<int>(one.order), one.weighted, one.biased);
  std::vector<HostTensor*> results = {&output};
  if (one.statistics) results.insert(results.end(), {&mean, &inverse_std});
  const double tolerance = is_reduced_precision(one.dtype) ? 2 : 64 + 4 * std::fabs(one.mean);
  expect_as_on_cpu(
      backend, {&input, &weight, &bias}, results,
      [&](ComputeBackend& on, const auto& view) {
        LayerNormForward work;
        work.input = view(input), work.output = view(output);
        if (one.weighted) work.weight = view(weight);
        if (one.biased) work.bias = view(bias);
        if (one.statistics) work.mean = view(mean), work.inverse_std = view(inverse_std);
        on.layer_norm_forward(work);
      },
      std::max(tolerance, 32.0), what + " forward");
  results.clear();
  if (one.d_input) results.push_back(&d_input);
  if (one.d_weight) results.push_back(&d_weight);
  if (one.d_bias) results.push_back(&d_bias);
  expect_as_on_cpu(
      backend, {&input, &d_output, &weight, &mean, &inverse_std}, results,
      [&](ComputeBackend& on, const auto& view) {
        LayerNormBackward work;
        work.input = view(input), work.d_output = view(d_output);
        work.mean = view(mean), work.inverse_std = view(inverse_std);
        if (one.weighted) work.weight = view(weight);
        if (one.d_input) work.d_input = view(d_input);
        if (one.d_weight) work.d_weight = view(d_weight);
        if (one.d_bias) work.d_bias = view(d_bias);
        on.layer_norm_backward(work);
      },
      // What is summed is larger than the sum.
      tolerance + 4 * std::sqrt(static_cast<double>(one.rows)), what + " backward");
}

TEST_F(GpuLayerNorm, EveryDtypeAndOption) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
      if (!backend->supports(Kind::layer_norm, dtype)) continue;
      check(*backend, {.dtype = dtype});
      check(*backend, {.dtype = dtype, .rows = 70, .columns = 33});
    }
    check(*backend, {.weighted = false, .biased = false, .d_weight = false});
    check(*backend, {.biased = false, .d_input = false, .d_bias = false});
    check(*backend, {.weighted = false, .d_weight = false, .d_bias = false});
    LayerNormForward work;  // the statistics are not wanted
    HostTensor input(DType::float32, {3, 5}), output(DType::float32, {3, 5});
    input.randomize(1);
    expect_as_on_cpu(
        *backend, {&input}, {&output},
        [&](ComputeBackend& on, const auto& view) {
          work.input = view(input), work.output = view(output);
          on.layer_norm_forward(work);
        },
        64, "without statistics");
  }
}

TEST_F(GpuLayerNorm, EveryShape) {
  for (gpu::GpuBackend* backend : backends) {
    for (const Order order : all_orders) check(*backend, {.rows = 9, .columns = 14, .order = order});
    check(*backend, {.rows = 0});
    check(*backend, {.rows = 1, .columns = 1});
    check(*backend, {.rows = 3, .columns = 0});
    check(*backend, {.rows = 6, .columns = 1024, .mean = 50});
    check(*backend, {.rows = 20011, .columns = 3});
    check(*backend, {.rows = 1200, .columns = 100});
    check(*backend, {.rows = 3, .columns = 5003});
    check(*backend, {.rows = 2, .columns = 100003, .mean = -7});
  }
}

}  // namespace
}  // namespace rustorch::testing
