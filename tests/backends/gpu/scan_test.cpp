// Scans on each GPU that is here, compared with the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

class GpuScan : public OnGpu {};

void check(gpu::GpuBackend& backend, ScanOp op, DType dtype, const Shape& shape, std::size_t dim,
           Order order = Order::plain, bool with_indices = true, bool with_nan = false) {
  const bool extreme = op == ScanOp::max || op == ScanOp::min;
  const bool adds_integers = !is_differentiable(dtype) && !extreme;
  HostTensor input(dtype, shape, order);
  input.randomize(3);
  for (std::int64_t i = 0; i < input.count() && is_differentiable(dtype); ++i) {
    if (extreme) input.set(i, std::round(input.real(i) * 100) / 64);  // many are equal
    if (op == ScanOp::prod) input.set(i, Wide(1) + input.get(i) / Wide(100));
  }
  for (std::int64_t i = 37; with_nan && i < input.count(); i += 41)
    input.set(i, std::numeric_limits<long double>::quiet_NaN());
  HostTensor out(adds_integers ? DType::int64 : dtype, shape, order), indices(DType::int64, shape, order);
  std::vector<HostTensor*> results = {&out};
  if (extreme && with_indices) results.push_back(&indices);
  // Sums on the CPU are of double precision; the rounding errors of the others walk at random.
  const std::int64_t n = shape.empty() ? 1 : shape[dim];
  const double tolerance = extreme                       ? 0
                           : is_reduced_precision(dtype) ? 2
                                                         : 4 * std::sqrt(static_cast<double>(n));
  expect_as_on_cpu(
      backend, {&input}, results,
      [&](ComputeBackend& on, const auto& view) {
        Scan work;
        work.op = op, work.input = view(input), work.dim = dim, work.out = view(out);
        if (extreme && with_indices) work.indices = view(indices);
        on.scan(work);
      },
      tolerance,
      fmt::format("op {} {} {} dim {} order {}", static_cast<int>(op), dtype, shape, dim,
                  static_cast<int>(order)));
}

constexpr ScanOp all_ops[] = {ScanOp::sum, ScanOp::prod, ScanOp::max, ScanOp::min, ScanOp::log_sum_exp};

TEST_F(GpuScan, EveryDtype) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype :
         {DType::bool_, DType::uint8, DType::int8, DType::int16, DType::int32, DType::int64, DType::float16,
          DType::bfloat16, DType::float32, DType::float64, DType::complex64, DType::complex128}) {
      if (!backend->supports(Kind::scan, dtype)) continue;
      for (const ScanOp op : all_ops) {
        if (op == ScanOp::log_sum_exp && !is_floating_point(dtype)) continue;
        if (is_complex(dtype) && (op == ScanOp::max || op == ScanOp::min)) continue;
        check(*backend, op, dtype, {5, 133}, 1);
      }
    }
  }
}

TEST_F(GpuScan, EveryLayoutAndDim) {
  for (gpu::GpuBackend* backend : backends) {
    for (const Order order : all_orders) {
      for (std::size_t dim = 0; dim < 4; ++dim) {
        check(*backend, ScanOp::sum, DType::float32, {3, 4, 5, 6}, dim, order);
        check(*backend, ScanOp::max, DType::float32, {3, 4, 5, 6}, dim, order, dim != 1, dim == 2);
      }
    }
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{0}, Shape{3, 0}})
      check(*backend, ScanOp::sum, DType::float32, shape, 0);
  }
}

TEST_F(GpuScan, LongRows) {
  for (gpu::GpuBackend* backend : backends) {
    for (const ScanOp op : all_ops) {
      check(*backend, op, DType::float32, {2, 100003}, 1, Order::plain, true, op == ScanOp::min);
      check(*backend, op, DType::float32, {5001, 3}, 0, Order::plain, true, op == ScanOp::max);
    }
    check(*backend, ScanOp::sum, DType::int64, {100000}, 0);
    check(*backend, ScanOp::sum, DType::complex64, {2, 100003}, 1);
    check(*backend, ScanOp::sum, DType::float32, {300, 2000}, 1);
    check(*backend, ScanOp::sum, DType::float32, {20000, 5}, 1);
    check(*backend, ScanOp::sum, DType::float32, {20000, 11}, 1);
  }
}

TEST_F(GpuScan, InfiniteElementsOfLogSumExp) {
  constexpr long double infinity = std::numeric_limits<long double>::infinity();
  for (gpu::GpuBackend* backend : backends) {
    HostTensor input(DType::float32, {4, 600}), out(DType::float32, {4, 600});
    input.randomize(1);
    for (std::int64_t i = 0; i < 300; ++i) input.set(i, -infinity);
    input.set(600 + 70, infinity), input.set(600 + 80, -infinity), input.set(600 + 90, infinity);
    input.set(1200 + 70, std::numeric_limits<long double>::quiet_NaN());
    for (std::int64_t i = 1800; i < 2400; ++i) input.set(i, 1000.0L * (input.real(i) + 1));
    expect_as_on_cpu(
        *backend, {&input}, {&out},
        [&](ComputeBackend& on, const auto& view) {
          Scan work;
          work.op = ScanOp::log_sum_exp, work.input = view(input), work.dim = 1, work.out = view(out);
          on.scan(work);
        },
        64, "infinite");
  }
}

TEST_F(GpuScan, LogSumExpOfIntegersIsAnError) {
  for (gpu::GpuBackend* backend : backends) {
    HostTensor input(DType::int32, {3});
    DeviceCopy x(*backend, input);
    Scan work;
    work.op = ScanOp::log_sum_exp, work.input = x.view(), work.out = x.view();
    expect_error(ErrorCode::dtype_mismatch, "op logcumsumexp does not take int32", "",
                 [&] { backend->scan(work); });
  }
}

}  // namespace
}  // namespace rustorch::testing
