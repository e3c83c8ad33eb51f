// Scatters of many elements into few columns on each GPU that is here, beside the CPU: sorted by destination.
#include "rustorch/backends/gpu/sorted_scatter.h"

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/indexed_rows.h"
#include "rustorch/error/error.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

class GpuSortedScatter : public OnGpu {};

TEST(SortedScatter, PaysForManyIndicesOfFewColumns) {
  const auto pays = [](std::int64_t rows, std::int64_t columns, std::int64_t count, bool by_column = false) {
    const Layout base({count, columns}, {0, 1}),
        moves({count, columns}, {by_column ? columns : 1, by_column});
    const Layout dense = Layout::contiguous({count, columns}), table({rows, columns}, {columns, 1});
    std::byte nothing{};
    const IndexOperand index{{&nothing, &moves, DType::int64}, rows, columns};
    const gpu::IndexedPlan plan(Scatter{.mode = ScatterMode::add,
                                        .base = {&nothing, &base, DType::float32},
                                        .indices = {&index, 1},
                                        .source = {&nothing, &dense, DType::float32}});
    return gpu::SortedScatter(plan).pays();
  };
  EXPECT_TRUE(pays(50000, 768, 65536)) << "the gradient of an embedding";
  EXPECT_TRUE(pays(1000, 1, 1000000));
  EXPECT_TRUE(pays(50000, 768, 65536, true)) << "scatter_add of a few columns";
  EXPECT_FALSE(pays(50000, 768, 64)) << "a few steps are quicker than the launches of a sort";
  EXPECT_FALSE(pays(100, 1000000, 1000)) << "columns keep the device busy";
  EXPECT_FALSE(pays(1000, 100000, 300, true)) << "each column would be a sort of its own";
  EXPECT_FALSE(pays(0, 3, 1000)) << "no destination is left";
}

TEST_F(GpuSortedScatter, ManyIndicesInEveryMode) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : every_dtype) {
      for (const ScatterMode mode : {ScatterMode::write, ScatterMode::add, ScatterMode::multiply,
                                     ScatterMode::max, ScatterMode::min}) {
        if (!backend->supports(Kind::scatter, dtype)) continue;
        const bool is_sum = mode == ScatterMode::add || mode == ScatterMode::multiply;
        if (mode != ScatterMode::add && dtype != DType::float32) continue;  // each is a compilation
        Rows rows(dtype, DType::int64, 11, 3, 1000);
        HostTensor source(dtype, {1000, 3}, Order::reversed);
        source.randomize(2);
        if (is_differentiable(dtype) && is_sum) {
          fill_with_whole_numbers(source);
          fill_with_whole_numbers(rows.table);
        }
        scatter_rows(*backend, dtype, mode, rows, source, 0, "many");
      }
    }
  }
}

TEST_F(GpuSortedScatter, ManyEqualAndDifferentIndices) {
  for (gpu::GpuBackend* backend : backends) {
    const auto check = [&](std::int64_t table, std::int64_t columns, std::int64_t count, const auto& row,
                           const std::string& what) {
      for (const ScatterMode mode : {ScatterMode::add, ScatterMode::write}) {
        Rows rows(DType::float32, DType::int64, table, columns, count);
        for (std::int64_t i = 0; i < count; ++i) rows.index.set(i, static_cast<long double>(row(i)));
        HostTensor source(DType::float32, {count, columns});
        source.randomize(3);
        // Sums of up to `count` numbers below 1, in different orders.
        const double tolerance = mode == ScatterMode::add ? std::sqrt(static_cast<double>(count)) : 0;
        scatter_rows(*backend, DType::float32, mode, rows, source, tolerance, what);
      }
    };
    check(
        5, 3, 3000, [](std::int64_t) { return 4; }, "all equal");
    check(
        3001, 2, 3000, [](std::int64_t i) { return 3000 - i; }, "all different");
    check(
        700, 3, 3000, [](std::int64_t i) { return i % 2 == 0 ? -1 : i * 37 % 700; }, "half of them equal");
    check(
        5, 3, 1025, [](std::int64_t i) { return i / 256; }, "runs that end with chunks");
    check(
        1, 1, 2048, [](std::int64_t) { return -1; }, "one row");
    check(
        200000, 1, 70000, [](std::int64_t i) { return i * 7919 % 200000; }, "a large table");
  }
}

TEST_F(GpuSortedScatter, AMillionIndicesIntoThreeColumns) {
  for (gpu::GpuBackend* backend : backends) {
    constexpr std::int64_t count = 1000000;
    Rows rows(DType::float32, DType::int64, 1000, 3, count);
    for (std::int64_t i = 0; i < count; ++i)
      rows.index.set(i, static_cast<long double>(i % 3 == 0 ? 7 : i * i % 1000));
    HostTensor source(DType::float32, {count, 3});
    fill_with_whole_numbers(source), fill_with_whole_numbers(rows.table);
    scatter_rows(*backend, DType::float32, ScatterMode::add, rows, source, 0, "a million");
  }
}

TEST_F(GpuSortedScatter, ManyIndicesOfSeveralDims) {
  for (gpu::GpuBackend* backend : backends) {
    // table[i, :, k] of [13, 4, 5]: two indices, and a column between them.
    constexpr std::int64_t count = 600;
    HostTensor table(DType::float32, {13, 4, 5}, Order::gaps),
        source(DType::float32, {count, 4}, Order::reversed);
    HostTensor first(DType::int64, {count}), second(DType::int32, {count});
    fill_with_whole_numbers(table), fill_with_whole_numbers(source);
    for (std::int64_t i = 0; i < count; ++i) {
      first.set(i, static_cast<long double>(i * 5 % 26 - 13));
      second.set(i, static_cast<long double>(i * 3 % 5));
    }
    const Strides& strides = table.layout().strides;
    Layout base({count, 4}, {0, strides[1]});
    base.offset = table.layout().offset;
    const Layout index({count, 4}, {1, 0});
    for (const ScatterMode mode : {ScatterMode::add, ScatterMode::write}) {
      expect_as_on_cpu(
          *backend, {&source, &first, &second}, {&table},
          [&](ComputeBackend& on, const auto& view) {
            Scatter work{
                .op = "pairs", .mode = mode, .base = view(table), .indices = {}, .source = view(source)};
            work.base.layout = &base;
            IndexOperand operands[] = {{view(first), 13, strides[0]}, {view(second), 5, strides[2]}};
            for (IndexOperand& operand : operands) operand.index.layout = &index;
            work.indices = operands;
            on.scatter(work);
          },
          0, fmt::format("two indices, mode {}", static_cast<int>(mode)));
    }
  }
}

TEST_F(GpuSortedScatter, DestinationsThatNeed64Bits) {
  for (gpu::GpuBackend* backend : backends) {
    // Of [100000, 100000] elements only those of the first rows are there.
    constexpr std::int64_t count = 600, side = 100000;
    HostTensor table(DType::float32, {3, side}), source(DType::float32, {count});
    HostTensor row(DType::int64, {count}), column(DType::int64, {count});
    fill_with_whole_numbers(table), fill_with_whole_numbers(source);
    for (std::int64_t i = 0; i < count; ++i) {
      row.set(i, static_cast<long double>(i % 3));
      column.set(i, static_cast<long double>(side - 1 - i % 50));
    }
    const Layout base({count}, {0});
    expect_as_on_cpu(
        *backend, {&source, &row, &column}, {&table},
        [&](ComputeBackend& on, const auto& view) {
          Scatter work{.op = "put",
                       .mode = ScatterMode::add,
                       .base = view(table),
                       .indices = {},
                       .source = view(source)};
          work.base.layout = &base;
          const IndexOperand operands[] = {{view(row), side, side}, {view(column), side, 1}};
          work.indices = operands;
          on.scatter(work);
        },
        0, "wide keys");
  }
}

TEST_F(GpuSortedScatter, ManyIndicesThatDifferByColumn) {
  for (gpu::GpuBackend* backend : backends) {
    // Along dim 1 of [2, 40, 3], as scatter_add has it: every row and column has an order of its own.
    const Shape shape{2, 700, 3};
    HostTensor table(DType::float32, {2, 40, 3}), source(DType::float32, shape), index(DType::int64, shape);
    fill_with_whole_numbers(table), fill_with_whole_numbers(source);
    for (std::int64_t i = 0; i < index.count(); ++i) index.set(i, static_cast<long double>(i * i % 40));
    const Strides& strides = table.layout().strides;
    const Layout base(shape, {strides[0], 0, strides[2]});
    for (const ScatterMode mode : {ScatterMode::add, ScatterMode::write}) {
      expect_as_on_cpu(
          *backend, {&source, &index}, {&table},
          [&](ComputeBackend& on, const auto& view) {
            Scatter work{
                .op = "lanes", .mode = mode, .base = view(table), .indices = {}, .source = view(source)};
            work.base.layout = &base;
            const IndexOperand operand{view(index), 40, strides[1]};
            work.indices = {&operand, 1};
            on.scatter(work);
          },
          0, fmt::format("an index for each element, mode {}", static_cast<int>(mode)));
    }
  }
}

TEST_F(GpuSortedScatter, AddsWhereTheBaseOverlapsItself) {
  for (gpu::GpuBackend* backend : backends) {
    // Windows of 5 of 104 elements, 100 of them: the gradient of unfold. No index; and one beside it.
    HostTensor flat(DType::float32, {208}), source(DType::float32, {2, 100, 5}), index(DType::int64, {2});
    fill_with_whole_numbers(flat), fill_with_whole_numbers(source);
    add_where_base_meets(*backend, flat, Layout({2, 100, 5}, {104, 1, 1}), source, "windows");
    index.set(0, 1.0L), index.set(1, 0.0L);
    const Layout base({2, 100, 5}, {0, 1, 1}), moves({2, 100, 5}, {1, 0, 0});
    expect_as_on_cpu(
        *backend, {&source, &index}, {&flat},
        [&](ComputeBackend& on, const auto& view) {
          Scatter work{.op = "windows",
                       .mode = ScatterMode::add,
                       .base = view(flat),
                       .indices = {},
                       .source = view(source)};
          work.base.layout = &base;
          IndexOperand operand{view(index), 2, 104};
          operand.index.layout = &moves;
          work.indices = {&operand, 1};
          on.scatter(work);
        },
        0, "windows by index");
    // A sum: the base moves along no dim.
    HostTensor sum(DType::float32, {1});
    fill_with_whole_numbers(sum);
    add_where_base_meets(*backend, sum, Layout({2, 100, 5}, {0, 0, 0}), source, "into one element");
  }
}

TEST_F(GpuSortedScatter, OfManyIndicesThoseOutOfRangeAreAnError) {
  for (gpu::GpuBackend* backend : backends) {
    Rows rows(DType::float32, DType::int64, 11, 2, 1000);
    HostTensor source(DType::float32, {1000, 2});
    source.randomize(5);
    DeviceCopy values(*backend, source);
    expect_errors_out_of_range(
        *backend, rows, "put_rows", [&](const View& base, const IndexOperand& operand) {
          backend->scatter({"put_rows", ScatterMode::add, base, {&operand, 1}, values.view()});
        });
  }
}

}  // namespace
}  // namespace rustorch::testing
