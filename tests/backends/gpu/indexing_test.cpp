// Gather, scatter, sort and nonzero on each GPU that is here, beside the CPU.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/indexed_rows.h"
#include "rustorch/error/error.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

class GpuIndexing : public OnGpu {};

TEST_F(GpuIndexing, RowsOfEveryDtype) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : every_dtype) {
      for (const DType index_dtype : {DType::int64, DType::int32, DType::uint8}) {
        if (index_dtype != DType::int64 && dtype != DType::float32) continue;
        Rows rows(dtype, index_dtype, 11, 5, 40);
        HostTensor out(dtype, {40, 5}, Order::gaps);
        expect_as_on_cpu(
            *backend, {&rows.table, &rows.index}, {&out},
            [&](ComputeBackend& on, const auto& view) {
              Gather work{.op = "rows", .base = {}, .indices = {}, .out = view(out)};
              IndexOperand operand;
              rows.operands(view, work.base, operand);
              work.indices = {&operand, 1};
              on.gather(work);
            },
            0, fmt::format("{} by {}", dtype, index_dtype));
      }
    }
  }
}

TEST_F(GpuIndexing, ScattersInEveryMode) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : every_dtype) {
      for (const ScatterMode mode : {ScatterMode::write, ScatterMode::add, ScatterMode::multiply,
                                     ScatterMode::max, ScatterMode::min}) {
        if (!backend->supports(Kind::scatter, dtype)) continue;
        const bool orders = mode == ScatterMode::max || mode == ScatterMode::min;
        Rows rows(dtype, DType::int64, 11, 5, 40);
        HostTensor source(dtype, {40, 5}, Order::reversed);
        source.randomize(2);
        if (orders && is_complex(dtype)) {
          expect_error(ErrorCode::dtype_mismatch, "cannot order complex numbers",
                       [&] { scatter_rows(*backend, dtype, mode, rows, source, 0, "few"); });
          continue;
        }
        scatter_rows(*backend, dtype, mode, rows, source, 0, "few");
      }
    }
  }
}

TEST_F(GpuIndexing, AnIndexOutOfRangeIsAnErrorAtTheNextSynchronization) {
  for (gpu::GpuBackend* backend : backends) {
    Rows rows(DType::float32, DType::int64, 11, 5, 40);
    HostTensor out(DType::float32, {40, 5});
    DeviceCopy result(*backend, out);
    expect_errors_out_of_range(*backend, rows, "take_rows",
                               [&](const View& base, const IndexOperand& operand) {
                                 backend->gather({"take_rows", base, {&operand, 1}, result.view()});
                               });
  }
}

TEST_F(GpuIndexing, SortsEveryDtypeAndLength) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : every_dtype) {
      if (!backend->supports(Kind::sort, dtype)) continue;
      for (const bool descending : {false, true}) {
        for (const std::int64_t n : {1, 100, 300, 1500, 5000}) {
          // Every length in two dtypes: each is a compilation.
          const bool all = dtype == DType::float32 || dtype == DType::int64;
          if (!all && n != 300 && (n != 5000 || item_size(dtype) > 2)) continue;
          const Shape shape{2, n};
          HostTensor input(dtype, shape, Order::gaps);
          input.randomize(static_cast<unsigned>(shape[1]));
          if (is_floating_point(dtype) && shape[1] > 90) {
            input.set(7, std::numeric_limits<long double>::quiet_NaN());
            input.set(50, -0.0L);
            input.set(60, 0.0L);
            input.set(70, -std::numeric_limits<long double>::infinity());
          }
          const std::int64_t count = (shape[1] + 1) / 2;
          HostTensor values(dtype, {shape[0], count}, Order::reversed),
              indices(DType::int64, {shape[0], count});
          expect_as_on_cpu(
              *backend, {&input}, {&values, &indices},
              [&](ComputeBackend& on, const auto& view) {
                on.sort({.input = view(input),
                         .dim = 1,
                         .descending = descending,
                         .stable = true,
                         .values = view(values),
                         .indices = view(indices)});
              },
              0, fmt::format("{} {}", dtype, shape));
        }
      }
    }
  }
}

TEST_F(GpuIndexing, NonzeroOfEveryDtype) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : every_dtype) {
      if (!backend->supports(Kind::nonzero, dtype) || dtype == DType::int8 || dtype == DType::int16) continue;
      HostTensor input(dtype, {3, 7, 251}, Order::gaps);
      std::int64_t count = 0;
      for (std::int64_t i = 0; i < input.count(); ++i) {
        const bool is_set = i % 5 == 0 || i % 7 == 3;
        input.set(i, is_set ? 1.0L : 0.0L);
        count += is_set ? 1 : 0;
      }
      HostTensor out(DType::int64, {count, 3}, Order::reversed);
      expect_as_on_cpu(
          *backend, {&input}, {&out},
          [&](ComputeBackend& on, const auto& view) { on.nonzero(view(input), view(out)); }, 0,
          fmt::format("{}", dtype));
    }
  }
}

}  // namespace
}  // namespace rustorch::testing
