// Pooling and its gradients on each GPU that is here, against the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"

namespace rustorch::testing {
namespace {

struct Case {
  Shape large, small;
  PoolingParameters parameters;

  std::string name() const {
    return fmt::format("{} to {} kernel {} stride {} padding {} dilation {}", large, small,
                       Shape(parameters.kernel), Shape(parameters.stride), Shape(parameters.padding),
                       Shape(parameters.dilation));
  }
};

Case windows(const Shape& input, std::array<std::int64_t, 3> kernel, std::array<std::int64_t, 3> stride,
             std::array<std::int64_t, 3> padding = {0, 0, 0},
             std::array<std::int64_t, 3> dilation = {1, 1, 1}, std::int64_t further = 0) {
  Case c{input, input, {}};
  c.parameters.spatial_rank = input.size() - 2;
  c.parameters.kernel = kernel, c.parameters.stride = stride;
  c.parameters.padding = padding, c.parameters.dilation = dilation;
  for (std::size_t i = 0; i + 2 < input.size(); ++i) {
    const std::int64_t room = input[i + 2] + 2 * padding[i] - (kernel[i] - 1) * dilation[i] - 1;
    c.small[i + 2] = room / stride[i] + 1 + further;  // a last window that reaches out, as ceil_mode has it
  }
  return c;
}

Case adaptive(const Shape& input, const Shape& output) {
  Case c{input, output, {}};
  c.parameters.spatial_rank = input.size() - 2;
  c.parameters.adaptive = true;
  return c;
}

std::vector<Case> cases() {
  return {
      windows({3, 16, 8, 8}, {2, 2, 1}, {2, 2, 1}),
      windows({2, 3, 9, 40}, {3, 3, 1}, {2, 2, 1}, {1, 1, 0}),
      windows({1, 40, 7, 7}, {3, 2, 1}, {2, 2, 1}, {1, 1, 0}, {1, 1, 1}, 1),
      windows({2, 5, 11, 12}, {2, 3, 1}, {3, 2, 1}, {0, 1, 0}, {2, 2, 1}),
      windows({2, 17, 20}, {5, 1, 1}, {2, 1, 1}, {2, 0, 0}),
      windows({2, 18, 4, 5, 6}, {2, 3, 2}, {2, 2, 1}, {1, 1, 1}),
      windows({1, 4, 17, 17}, {17, 17, 1}, {17, 17, 1}),  // more than 256 cells
      windows({1, 16, 7, 7}, {2, 2, 1}, {4, 3, 1}),       // cells that are in no window
      adaptive({2, 19, 10, 7}, {2, 19, 3, 4}),
      adaptive({2, 6, 5, 5}, {2, 6, 1, 1}),
      adaptive({1, 3, 3, 2}, {1, 3, 5, 4}),
      adaptive({2, 3, 9}, {2, 3, 4}),
  };
}

class GpuPooling : public OnGpu {
 protected:
  /// Forward with and without positions, and backward, on the device and on the CPU.
  void check(gpu::GpuBackend& backend, const Case& c, DType dtype, Order order, Order small_order) {
    const bool is_max = c.parameters.kind == PoolingKind::max;
    const std::string what =
        fmt::format("{} {} {} {} orders {} {}", backend.name(), is_max ? "max" : "average", dtype, c.name(),
                    static_cast<int>(order), static_cast<int>(small_order));
    HostTensor input(dtype, c.large, order), output(dtype, c.small, small_order);
    std::int64_t cells = 1;
    for (std::size_t i = 0; i < c.parameters.spatial_rank; ++i) cells *= c.parameters.kernel[i];
    HostTensor positions(cells <= 256 ? DType::uint8 : DType::int32, c.small, small_order);
    input.randomize(7);
    for (std::int64_t i = 0; is_max && is_floating_point(dtype) && i < input.count(); i += 13)
      input.set(i, std::numeric_limits<long double>::quiet_NaN());
    HostTensor expected = output, expected_positions = positions, alone = output;
    const double tolerance = is_max ? 0 : (is_reduced_precision(dtype) ? 1 : 50) * epsilon_of(dtype);
    DeviceCopy on_input(backend, input), on_output(backend, output), on_positions(backend, positions),
        on_alone(backend, alone);
    const auto wanted = [&](View view) { return is_max ? view : View{}; };
    cpu_backend().pooling_forward(
        {c.parameters, input.view(), expected.view(), wanted(expected_positions.view())});
    backend.pooling_forward({c.parameters, on_input.view(), on_output.view(), wanted(on_positions.view())});
    backend.pooling_forward({c.parameters, on_input.view(), on_alone.view(), {}});
    on_output.fetch(), on_positions.fetch(), on_alone.fetch();
    expect_near(output, values_of(expected), tolerance, what);
    expect_near(alone, values_of(expected), tolerance, what + " without positions");
    if (is_max) expect_near(positions, values_of(expected_positions), 0, what + " positions");
    if (HasFailure() || !is_floating_point(dtype)) return;

    HostTensor d_output(dtype, c.small, small_order), d_input(dtype, c.large, order);
    d_output.randomize(8);
    HostTensor expected_gradient = d_input;
    DeviceCopy on_d_output(backend, d_output), on_d_input(backend, d_input);
    cpu_backend().pooling_backward(
        {c.parameters, d_output.view(), wanted(positions.view()), expected_gradient.view()});
    backend.pooling_backward(
        {c.parameters, on_d_output.view(), wanted(on_positions.view()), on_d_input.view()});
    on_d_input.fetch();
    expect_near(d_input, values_of(expected_gradient),
                (is_reduced_precision(dtype) ? 1 : 50) * epsilon_of(dtype), what + " backward");
  }
};

TEST_F(GpuPooling, MaxOfEverySizeAndOrder) {
  for (gpu::GpuBackend* backend : backends) {
    for (const Case& c : cases()) {
      for (const Order order : all_orders) {
        check(*backend, c, DType::float32, order, order);
        if (HasFailure()) return;
      }
      check(*backend, c, DType::float32, Order::channels_last, Order::plain);
      check(*backend, c, DType::float32, Order::plain, Order::channels_last);
      if (HasFailure()) return;
    }
  }
}

TEST_F(GpuPooling, AverageOfEverySizeAndOrder) {
  for (gpu::GpuBackend* backend : backends) {
    for (Case c : cases()) {
      c.parameters.kind = PoolingKind::average;
      for (const int rule : {0, 1, 2}) {
        c.parameters.count_include_pad = rule == 0;
        c.parameters.divisor = rule == 2 ? std::optional<std::int64_t>(3) : std::nullopt;
        for (const Order order : {Order::plain, Order::channels_last}) {
          check(*backend, c, DType::float32, order, order);
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST_F(GpuPooling, EveryDtype) {
  for (gpu::GpuBackend* backend : backends) {
    Case c = windows({2, 5, 11, 12}, {2, 3, 1}, {2, 2, 1}, {1, 1, 0});
    for (const DType dtype : {DType::float64, DType::float16, DType::bfloat16, DType::uint8, DType::int8,
                              DType::int16, DType::int32, DType::int64}) {
      if (!backend->supports(Kind::pooling, dtype)) continue;
      c.parameters.kind = PoolingKind::max;
      check(*backend, c, dtype, Order::plain, Order::plain);
      c.parameters.kind = PoolingKind::average;
      if (is_floating_point(dtype)) check(*backend, c, dtype, Order::plain, Order::plain);
      if (HasFailure()) return;
    }
    EXPECT_FALSE(backend->supports(Kind::pooling, DType::bool_));
  }
}

TEST_F(GpuPooling, WindowsOfPaddingAloneAndEmptyBatches) {
  for (gpu::GpuBackend* backend : backends) {
    Case c{{1, 2, 3, 1}, {1, 2, 1, 1}, {}};
    c.parameters.kernel = {2, 1, 1}, c.parameters.dilation = {4, 1, 1}, c.parameters.padding = {1, 0, 0};
    for (const DType dtype : {DType::float32, DType::int8, DType::uint8, DType::int64}) {
      check(*backend, c, dtype, Order::plain, Order::plain);
    }
    c.parameters.kind = PoolingKind::average;
    c.parameters.count_include_pad = false;
    check(*backend, c, DType::float32, Order::plain, Order::plain);
    check(*backend, windows({0, 4, 6, 6}, {2, 2, 1}, {2, 2, 1}), DType::float32, Order::plain, Order::plain);
  }
}

}  // namespace
}  // namespace rustorch::testing
