#pragma once

#include "backends/gpu/device_copy.h"
#include "rustorch/error/error.h"
#include "support/expect_error.h"

namespace rustorch::testing {

inline constexpr DType every_dtype[] = {DType::bool_,   DType::uint8,   DType::int8,      DType::int16,
                                        DType::int32,   DType::int64,   DType::float16,   DType::bfloat16,
                                        DType::float32, DType::float64, DType::complex64, DType::complex128};

/// Rows of a table [rows, columns] chosen by an index [count]: the base has the result's shape and does not
/// move along the rows.
struct Rows {
  Rows(DType dtype, DType index_dtype, std::int64_t rows, std::int64_t columns, std::int64_t count)
      : table(dtype, {rows, columns}),
        index(index_dtype, {count}),
        base({count, columns}, {0, 1}),
        indices({count, columns}, {1, 0}) {
    table.randomize(1);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t row = i * 7 % rows;
      index.set(i, static_cast<long double>(i % 3 == 0 && index_dtype != DType::uint8 ? row - rows : row));
    }
  }
  /// The operands on a device, by `view`.
  template <class ViewOf>
  void operands(const ViewOf& view, View& base_view, IndexOperand& operand) {
    base_view = view(table);
    base_view.layout = &base;
    operand = {view(index), table.shape()[0], table.shape()[1]};
    operand.index.layout = &indices;
  }

  HostTensor table, index;
  Layout base, indices;
};

/// A scatter of [count, columns] into a table [rows, columns] by the rows' `index`, and how its sums may
/// differ.
inline void scatter_rows(gpu::GpuBackend& backend, DType dtype, ScatterMode mode, Rows& rows,
                         HostTensor& source, double tolerance, const std::string& what) {
  expect_as_on_cpu(
      backend, {&source, &rows.index}, {&rows.table},
      [&](ComputeBackend& on, const auto& view) {
        Scatter work{.op = "rows", .mode = mode, .base = {}, .indices = {}, .source = view(source)};
        IndexOperand operand;
        rows.operands(view, work.base, operand);
        work.indices = {&operand, 1};
        on.scatter(work);
      },
      tolerance, fmt::format("{} mode {} {}", dtype, static_cast<int>(mode), what));
}

/// The sum of `source` into a target that is seen as `base`, in the source's shape: no index, but addresses
/// that meet.
inline void add_where_base_meets(gpu::GpuBackend& backend, HostTensor& target, const Layout& base,
                                 HostTensor& source, const std::string& what) {
  expect_as_on_cpu(
      backend, {&source}, {&target},
      [&](ComputeBackend& on, const auto& view) {
        Scatter work{.op = "meet",
                     .mode = ScatterMode::add,
                     .base = view(target),
                     .indices = {},
                     .source = view(source)};
        work.base.layout = &base;
        on.scatter(work);
      },
      0, what);
}

/// Small whole numbers, of which a sum is exact in every dtype and order.
inline void fill_with_whole_numbers(HostTensor& tensor) {
  for (std::int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, static_cast<long double>(i * i % 5 - (tensor.dtype() == DType::uint8 ? 0 : 2)));
}

/// Puts wrong indices among the rows': `work(base, operand)`, which queues an op of this name on the device,
/// is an Error at the next synchronization, and goes on with right ones.
template <class Work>
void expect_errors_out_of_range(gpu::GpuBackend& backend, Rows& rows, const char* op, const Work& work) {
  const auto run = [&] {
    DeviceCopy table(backend, rows.table), index(backend, rows.index);
    View base;
    IndexOperand operand;
    rows.operands([&](HostTensor& tensor) { return &tensor == &rows.table ? table.view() : index.view(); },
                  base, operand);
    work(base, operand);
    backend.synchronize();
    return 0;
  };
  const std::int64_t size = rows.table.shape()[0];
  for (const std::int64_t wrong : {size, -size - 1, std::int64_t{1} << 40}) {
    const Wide right = rows.index.get(17);
    rows.index.set(17, static_cast<long double>(wrong));
    expect_error(ErrorCode::index_out_of_range,
                 fmt::format("index {} is out of bounds for dimension size {} in op {}", wrong, size, op),
                 run);
    rows.index.set(17, right);
    EXPECT_NO_THROW(static_cast<void>(run())) << "the device goes on";
  }
}

}  // namespace rustorch::testing
