// Softmax on each GPU that is here, compared with the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"

namespace rustorch::testing {
namespace {

class GpuSoftmax : public OnGpu {};

void check(gpu::GpuBackend& backend, DType dtype, const Shape& shape, std::size_t dim,
           Order order = Order::plain, Order other_order = Order::plain) {
  for (const bool logarithm : {false, true}) {
    HostTensor input(dtype, shape, order), d_output(dtype, shape, other_order);
    HostTensor output(dtype, shape, other_order), d_input(dtype, shape, order);
    input.randomize(1), d_output.randomize(2);
    for (std::int64_t i = 0; i < input.count(); ++i) input.set(i, input.get(i) * 6.0L);
    const std::string what =
        fmt::format("{} {} dim {} orders {} {}{}", dtype, shape, dim, static_cast<int>(order),
                    static_cast<int>(other_order), logarithm ? " log" : "");
    const double tolerance = dtype == DType::float32 || dtype == DType::float64 ? 64 : 2;
    expect_as_on_cpu(
        backend, {&input}, {&output},
        [&](ComputeBackend& on, const auto& view) {
          on.softmax_forward({view(input), dim, logarithm, view(output)});
        },
        tolerance, what + " forward");
    // The logarithm's gradients are summed over the row.
    const std::int64_t n = shape.empty() ? 1 : shape[dim];
    expect_as_on_cpu(
        backend, {&output, &d_output}, {&d_input},
        [&](ComputeBackend& on, const auto& view) {
          on.softmax_backward({view(output), view(d_output), dim, logarithm, view(d_input)});
        },
        tolerance + std::sqrt(static_cast<double>(n)), what + " backward");
  }
}

TEST_F(GpuSoftmax, EveryDtype) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
      if (!backend->supports(Kind::softmax, dtype)) continue;
      check(*backend, dtype, {7, 33}, 1);
      check(*backend, dtype, {7, 33, 3}, 1);
    }
  }
}

TEST_F(GpuSoftmax, EveryLayoutAndDim) {
  for (gpu::GpuBackend* backend : backends) {
    for (const Order order : all_orders) {
      for (const Order other_order : {Order::plain, Order::gaps}) {
        for (std::size_t dim = 0; dim < 4; ++dim)
          check(*backend, DType::float32, {3, 4, 5, 6}, dim, order, other_order);
      }
    }
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{0}, Shape{3, 0}, Shape{0, 3}})
      check(*backend, DType::float32, shape, 0);
    check(*backend, DType::float32, {3, 1}, 1);
  }
}

TEST_F(GpuSoftmax, EveryLengthOfRows) {
  for (gpu::GpuBackend* backend : backends) {
    for (const std::int64_t n : {2, 512, 1000, 4097}) check(*backend, DType::float32, {3, n}, 1);
    check(*backend, DType::float32, {140, 4096}, 1);  // the longest that threads keep
    check(*backend, DType::float32, {140, 4100}, 1);  // and whole rows that they do not
    check(*backend, DType::float32, {2, 100003}, 1);
    check(*backend, DType::float32, {50001, 3}, 1);
    check(*backend, DType::float32, {100, 700}, 0);
    check(*backend, DType::float32, {2, 20000, 3}, 1);
    check(*backend, DType::float32, {60, 20, 50}, 1);
  }
}

TEST_F(GpuSoftmax, InfiniteElements) {
  constexpr long double infinity = std::numeric_limits<long double>::infinity();
  for (gpu::GpuBackend* backend : backends) {
    for (const std::int64_t n : {40, 20000}) {
      for (const bool logarithm : {false, true}) {
        HostTensor input(DType::float32, {5, n}), output(DType::float32, {5, n});
        input.randomize(1);
        for (std::int64_t i = 0; i < n - 3; ++i) input.set(i, -infinity);
        input.set(n + 7, infinity);
        input.set(2 * n + 9, std::numeric_limits<long double>::quiet_NaN());
        for (std::int64_t i = 3 * n; i < 4 * n; ++i) input.set(i, -infinity);
        for (std::int64_t i = 4 * n; i < 5 * n; ++i)
          input.set(i, 1e38L * static_cast<long double>(i % 3 - 1));
        expect_as_on_cpu(
            *backend, {&input}, {&output},
            [&](ComputeBackend& on, const auto& view) {
              on.softmax_forward({view(input), 1, logarithm, view(output)});
            },
            16, fmt::format("{}{}", n, logarithm ? " log" : ""));
      }
    }
  }
}

}  // namespace
}  // namespace rustorch::testing
