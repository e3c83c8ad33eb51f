#include "rustorch/cli/bench_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "rustorch/backends/deterministic.h"
#include "rustorch/backends/float32_precision.h"
#include "rustorch/backends/runtime.h"
#include "rustorch/cli/bench_measure.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/memory/format_bytes.h"
#include "rustorch/tensor/lazy.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/linear_algebra.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/tensor/operations/reduction.h"

namespace rustorch::cli {
namespace {

using model_io::Json;

/// The gradient of an embedding: many rows added into a table, by indices that are all likely, and where half
/// of them are one (a padding token); and as many numbers into a few. What is counted as moved is the source
/// and the index, and the rows of the table, once each way. In the one order that repeats, and in any.
void measure_scatters(Measure& measure, std::int64_t elements) {
  constexpr std::int64_t columns = 768;
  const std::int64_t count = std::max<std::int64_t>(1, std::min<std::int64_t>(65536, elements / columns));
  const std::int64_t rows = std::min<std::int64_t>(50000, count);
  const Tensor source = rand({count, columns});
  Tensor table = zeros({rows, columns});
  const Tensor index = randint(0, rows, {count});
  const Tensor half = where(rand({count}) < 0.5, zeros_like(index), index);
  const auto bytes = static_cast<double>((count * columns + 2 * rows * columns) * 4 + count * 8);
  const std::int64_t many = std::min<std::int64_t>(1000000, elements);
  const Tensor numbers = rand({many}), few = randint(0, 1000, {many});
  Tensor sums = zeros({1000});
  const bool before = are_deterministic_algorithms_enabled();
  for (const char* order : {"", ", any order"}) {
    use_deterministic_algorithms(*order == 0);
    const auto measure_add = [&](const std::string& name, double moved, Tensor& into, const Tensor& at,
                                 const Tensor& from) {
      measure(name + order, moved, 0, [&] { index_put_(into, {at}, from, true); });
    };
    measure_add("embedding gradient", bytes, table, index, source);
    measure_add("embedding gradient, half equal", bytes, table, half, source);
    measure_add("index_add into 1000", static_cast<double>(many) * 12, sums, few, numbers);
  }
  use_deterministic_algorithms(before);
}

void measure_ops(Measure& measure, std::int64_t elements) {
  const auto side = static_cast<std::int64_t>(std::sqrt(static_cast<double>(elements)));
  const Tensor x = rand({side, side}), y = rand({side, side});
  Tensor z = empty({side, side});
  const double one = static_cast<double>(side * side) * 4;
  measure("copy", 2 * one, 0, [&] { z.copy_(x); });
  measure("add", 3 * one, 0, [&] { materialize(x + y); });
  measure("exp", 2 * one, 0, [&] { materialize(x.exp()); });
  measure("chain of five", 3 * one, 0, [&] { materialize(((x * y + x).tanh() * 2.0 + y).sigmoid()); });
  measure("transpose", 2 * one, 0, [&] { z.copy_(x.t()); });
  measure("sum", one, 0, [&] { materialize(x.sum()); });
  measure("sum of rows", one, 0, [&] { materialize(x.sum(1)); });
  measure("sum of columns", one, 0, [&] { materialize(x.sum(0)); });
  measure("softmax", 2 * one, 0, [&] { materialize(x.softmax(1)); });
  measure("random", one, 0, [&] { materialize(rand({side, side})); });
  measure_scatters(measure, elements);
  const Tensor a = rand({16}), b = rand({16});
  measure("add of 16 floats", 0, 16, [&] { materialize(a + b); });
}

void measure_gemm(Measure& measure, Device device, std::int64_t elements) {
  const auto n =
      std::min<std::int64_t>(4096, static_cast<std::int64_t>(std::sqrt(static_cast<double>(elements))));
  const double flops = 2 * std::pow(static_cast<double>(n), 3);
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    const Tensor a = randn({n, n}).to(dtype), b = randn({n, n}).to(dtype);
    measure(fmt::format("matmul {} {}", n, dtype), 0, flops, [&] { materialize(matmul(a, b)); });
    // Others compute float32 as ever.
    if (device.type != DeviceType::cuda || dtype != DType::float32) continue;
    const Float32Precision before = float32_matmul_precision();
    set_float32_matmul_precision(Float32Precision::high);
    measure(fmt::format("matmul {} tf32", n), 0, flops, [&] { materialize(matmul(a, b)); });
    set_float32_matmul_precision(before);
  }
}

/// The three directions of a 3 x 3 convolution of one dtype and order.
void measure_directions(Measure& measure, Device device, const std::string& name, DType dtype,
                        bool channels_last, const Shape& shape) {
  const auto in_order = [&](const Tensor& x) { return channels_last ? x.channels_last() : x.contiguous(); };
  const std::int64_t channels = shape[1];
  const Tensor x = in_order(randn(shape).to(dtype)), dy = in_order(randn(shape).to(dtype));
  const Tensor weight = randn({channels, channels, 3, 3}).to(dtype);
  Tensor y = in_order(empty(shape).to(dtype)), dw = empty(weight.shape()).to(dtype);
  const ConvolutionParameters parameters{.spatial_rank = 2, .padding = {1, 1, 0}};
  const double flops = 2.0 * static_cast<double>(x.numel() * channels * 9);
  ComputeBackend& backend = backend_for(device);
  measure(name, 0, flops, [&] {
    backend.convolution_forward(
        {parameters, x.view_for_read(), weight.view_for_read(), {}, y.view_for_write()});
  });
  measure(name + " d_input", 0, flops, [&] {
    backend.convolution_backward_input(
        {parameters, dy.view_for_read(), weight.view_for_read(), y.view_for_write()});
  });
  measure(name + " d_weight", 0, flops, [&] {
    backend.convolution_backward_weight(
        {parameters, x.view_for_read(), dy.view_for_read(), dw.view_for_write(), {}});
  });
}

void measure_convolution(Measure& measure, Device device, std::int64_t elements) {
  const Shape shape = image_activations(elements);
  for (const bool channels_last : {false, true}) {
    const char* order = channels_last ? "nhwc" : "nchw";
    for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16})
      measure_directions(measure, device, fmt::format("conv {} {}", order, dtype), dtype, channels_last,
                         shape);
    if (device.type != DeviceType::cuda) continue;  // others compute float32 as ever
    const Float32Precision before = float32_convolution_precision();
    set_float32_convolution_precision(Float32Precision::high);
    measure_directions(measure, device, fmt::format("conv {} tf32", order), DType::float32, channels_last,
                       shape);
    set_float32_convolution_precision(before);
  }
}

void measure_transfer(Measure& measure, Device device, std::int64_t elements) {
  for (const std::int64_t bytes : {std::int64_t{4096}, std::int64_t{1} << 20, elements * 4}) {
    const auto count = bytes / 4;
    const Tensor host = rand({count}, {.device = Device()});
    Tensor there = empty({count}, {.device = device});
    Tensor back = empty({count}, {.device = Device()});
    const std::string size = format_bytes(static_cast<std::uint64_t>(bytes));
    measure("host to device, " + size, static_cast<double>(bytes), 0, [&] { there.copy_(host); });
    measure("device to host, " + size, static_cast<double>(bytes), 0, [&] { back.copy_(there); });
  }
}

}  // namespace

std::vector<DeviceSpeed> bench_device(Device device, DeviceBench what, std::int64_t elements,
                                      const std::string& filter) {
  const DeviceScope scope(device);
  Measure measure(device, filter);
  const bool large = device.type == DeviceType::cuda;
  if (elements == 0) {
    const bool is_convolution = what == DeviceBench::convolution || what == DeviceBench::layers;
    elements = std::int64_t{1} << (large && what == DeviceBench::ops ? 28
                                   : large || !is_convolution        ? 24
                                                                     : 20);
  }
  switch (what) {
    case DeviceBench::ops:
      measure_ops(measure, elements);
      break;
    case DeviceBench::gemm:
      measure_gemm(measure, device, elements);
      break;
    case DeviceBench::convolution:
      measure_convolution(measure, device, elements);
      break;
    case DeviceBench::layers:
      measure_layers(measure, elements);
      break;
    case DeviceBench::transfer:
      measure_transfer(measure, device, elements);
      break;
  }
  return measure.speeds();
}

Json to_json(const std::vector<DeviceSpeed>& speeds) {
  Json all = Json::array();
  for (const DeviceSpeed& speed : speeds) {
    Json one = Json::object(
        {{"device", speed.device.to_string()}, {"name", speed.name}, {"seconds", speed.seconds}});
    if (speed.bytes > 0) one.set("bytes_per_second", speed.bytes / speed.seconds);
    if (speed.flops > 0) one.set("flops_per_second", speed.flops / speed.seconds);
    all.push_back(one);
  }
  return all;
}

void print(const std::vector<DeviceSpeed>& speeds) {
  for (const DeviceSpeed& speed : speeds) {
    fmt::print("{:<10} {:<28} {:>10.1f} us  {:>10.1f} {}\n", speed.device, speed.name, 1e6 * speed.seconds,
               (speed.bytes > 0 ? speed.bytes : speed.flops) / speed.seconds * 1e-9,
               speed.bytes > 0 ? "GB/s" : "GFLOP/s");
  }
}

}  // namespace rustorch::cli
