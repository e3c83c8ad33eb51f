// The places of extremes on each GPU that is here, compared with the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

class GpuArgReduce : public OnGpu {};

/// The extremes of a tensor that has equal ones, and NaN if it may.
void check(gpu::GpuBackend& backend, DType dtype, const Shape& shape, std::size_t dim,
           Order order = Order::plain, bool with_nan = false) {
  HostTensor input(dtype, shape, order);
  input.randomize(3);
  // Few different values: many are equal.
  for (std::int64_t i = 0; i < input.count() && is_floating_point(dtype); ++i)
    input.set(i, std::round(input.real(i) * 100) / 64);
  for (std::int64_t i = 0; with_nan && i < input.count(); i += 41)
    input.set(i, std::numeric_limits<long double>::quiet_NaN());
  Shape result = shape;
  if (!result.empty()) result[dim] = 1;
  for (const ArgReduceOp op : {ArgReduceOp::max, ArgReduceOp::min}) {
    HostTensor values(dtype, result, order), indices(DType::int64, result, order);
    // Each combination of results is a compilation: all of them for one dtype.
    for (const int wanted : {3, 1, 2}) {
      if (wanted != 3 && dtype != DType::float32) continue;
      std::vector<HostTensor*> results;
      if ((wanted & 1) != 0) results.push_back(&values);
      if ((wanted & 2) != 0) results.push_back(&indices);
      expect_as_on_cpu(
          backend, {&input}, results,
          [&](ComputeBackend& on, const auto& view) {
            ArgReduction work;
            work.op = op, work.input = view(input), work.dim = dim;
            if ((wanted & 1) != 0) work.values = view(values);
            if ((wanted & 2) != 0) work.indices = view(indices);
            on.arg_reduce(work);
          },
          0,
          fmt::format("{} {} dim {} order {} op {} wanted {}", dtype, shape, dim, static_cast<int>(order),
                      static_cast<int>(op), wanted));
    }
  }
}

TEST_F(GpuArgReduce, EveryDtype) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype :
         {DType::bool_, DType::uint8, DType::int8, DType::int16, DType::int32, DType::int64, DType::float16,
          DType::bfloat16, DType::float32, DType::float64}) {
      if (!backend->supports(Kind::arg_reduce, dtype)) continue;
      check(*backend, dtype, {5, 133}, 1);
    }
    if (backend->supports(Kind::arg_reduce, DType::float64))
      check(*backend, DType::float64, {3, 50000}, 1, Order::plain, true);
    check(*backend, DType::int64, {2, 50000}, 1);
  }
}

TEST_F(GpuArgReduce, EveryLayoutAndDim) {
  for (gpu::GpuBackend* backend : backends) {
    for (const Order order : all_orders) {
      for (std::size_t dim = 0; dim < 4; ++dim)
        check(*backend, DType::float32, {3, 4, 5, 6}, dim, order, dim == 2);
    }
    check(*backend, DType::float32, {}, 0);
    check(*backend, DType::float32, {4, 1}, 1);
    check(*backend, DType::float32, {0, 4}, 1);
    check(*backend, DType::float32, {4, 0, 3}, 0);
  }
}

TEST_F(GpuArgReduce, LongRows) {
  for (gpu::GpuBackend* backend : backends) {
    check(*backend, DType::float32, {100003}, 0);
    check(*backend, DType::float32, {2, 100003}, 1, Order::plain, true);
    check(*backend, DType::float32, {20001, 3}, 0, Order::plain, true);
    check(*backend, DType::float32, {20000, 3}, 1);
    check(*backend, DType::float32, {3, 5000, 40}, 1);
  }
}

TEST_F(GpuArgReduce, NothingToFindIsAnError) {
  for (gpu::GpuBackend* backend : backends) {
    HostTensor input(DType::float32, {3, 0}), indices(DType::int64, {3, 1});
    DeviceCopy x(*backend, input), out(*backend, indices);
    ArgReduction work;
    work.input = x.view(), work.dim = 1, work.indices = out.view();
    expect_error(ErrorCode::invalid_argument, "op argmax needs at least one element along dim 1", "",
                 [&] { backend->arg_reduce(work); });
  }
}

}  // namespace
}  // namespace rustorch::testing
