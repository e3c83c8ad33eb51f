#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "backends/host_array.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using namespace rustorch::test;
using rustorch::testing::expect_error;

HostArray indices_of(DType dtype, const Layout& layout, std::int64_t size, unsigned seed) {
  HostArray indices(dtype, layout);
  indices.randomize(seed, dtype == uint8 ? 0.0 : static_cast<double>(-size), static_cast<double>(size));
  return indices;
}

std::int64_t wrapped(const HostArray& indices, const Index& at, std::int64_t size) {
  const auto index = static_cast<std::int64_t>(indices.real(at));
  return index < 0 ? index + size : index;
}

/// `layout` with stride 0 in one dim and the given sizes: the base of an access along that dim.
Layout along(const Layout& layout, std::size_t dim, std::int64_t size) {
  Layout base = layout;
  base.strides[dim] = 0;
  base.shape[dim] = size;
  return base;
}

/// An index of its own for every element along `dim` (torch.gather).
void check_gather_along(DType dtype, DType index_dtype, const Layout& table_layout, std::size_t dim,
                        const Layout& out_layout) {
  HostArray table(dtype, table_layout);
  table.randomize(1, -100, 100);
  const std::int64_t size = table.shape()[dim];
  HostArray indices = indices_of(index_dtype, Layout::contiguous(out_layout.shape), size, 2);
  HostArray out(dtype, out_layout);
  const Layout base = along(table_layout, dim, out.shape()[dim]);
  const IndexOperand operand{indices.view(), size, table_layout.strides[dim]};
  CpuBackend().gather(
      {.base = {table.view().data, &base, dtype}, .indices = {&operand, 1}, .out = out.view()});
  for_each_index(out.shape(), [&](const Index& i) {
    Index from = i;
    from[dim] = wrapped(indices, i, size);
    ASSERT_EQ(out.at(i), table.at(from));
  });
}

TEST(Gather, AlongADim) {
  for (const DType dtype : all_dtypes()) {
    for (const Layout& table : layouts_of({6, 7, 5}, false)) {
      for (const std::size_t dim : {0u, 1u, 2u}) {
        Shape shape = table.shape;
        shape[dim] = 9;
        for (const Layout& out : layouts_of(shape, false)) check_gather_along(dtype, int64, table, dim, out);
      }
    }
  }
  for (const DType index : {int32, uint8}) {
    check_gather_along(float32, index, Layout::contiguous({60, 70}), 1, Layout::contiguous({60, 2000}));
  }
}

/// Whole rows: one index for each (index_select, embedding).
void check_rows(DType dtype, const Shape& table_shape, std::int64_t picked,
                const std::vector<Layout>& layouts) {
  for (const Layout& table_layout : layouts) {
    HostArray table(dtype, table_layout);
    table.randomize(1, -100, 100);
    Shape out_shape = table_shape;
    out_shape[0] = picked;
    HostArray out(dtype, out_shape);
    HostArray indices = indices_of(int64, Layout::contiguous({picked}), table_shape[0], 3);
    Layout index_layout(out_shape, Strides::filled(out_shape.size(), 0));
    index_layout.strides[0] = 1;
    const Layout base = along(table_layout, 0, picked);
    const IndexOperand operand{
        {indices.view().data, &index_layout, int64}, table_shape[0], table_layout.strides[0]};
    CpuBackend().gather(
        {.base = {table.view().data, &base, dtype}, .indices = {&operand, 1}, .out = out.view()});
    for_each_index(out_shape, [&](const Index& i) {
      Index from = i;
      from[0] = wrapped(indices, {i[0]}, table_shape[0]);
      ASSERT_EQ(out.at(i), table.at(from));
    });
  }
}

TEST(Gather, WholeRows) {
  for (const DType dtype : {uint8, float16, float32, complex64, complex128}) {
    check_rows(dtype, {11, 3, 17}, 40, layouts_of({11, 3, 17}, false));
  }
  check_rows(float32, {50, 129}, 5000, layouts_of({50, 129}, false));
  check_rows(float32, {4, 100000}, 3, layouts_of({4, 100000}, false));
}

TEST(Gather, SeveralIndices) {
  HostArray table(int32, Shape{5, 6, 7});
  table.randomize(1, -1000, 1000);
  HostArray first = indices_of(int64, Layout::contiguous({3, 4}), 5, 2);
  HostArray second = indices_of(int32, Layout::contiguous({3, 4}), 7, 3);
  HostArray out(int32, Shape{3, 4, 6});  // table[first, :, second]
  const Layout base({3, 4, 6}, {0, 0, 7});
  const Layout broadcast({3, 4, 6}, {4, 1, 0});
  const IndexOperand operands[] = {{{first.view().data, &broadcast, int64}, 5, 42},
                                   {{second.view().data, &broadcast, int32}, 7, 1}};
  CpuBackend().gather({.base = {table.view().data, &base, int32}, .indices = operands, .out = out.view()});
  for_each_index(out.shape(), [&](const Index& i) {
    const Index at{i[0], i[1]};
    EXPECT_EQ(out.at(i), table.at({wrapped(first, at, 5), i[2], wrapped(second, at, 7)}));
  });
}

TEST(Gather, IndexOutOfRangeIsNamed) {
  HostArray table(float32, Shape{5}), out(float32, Shape{3}), indices(int64, Shape{3});
  indices.set({1}, 7);
  const Layout base({3}, {0});
  const IndexOperand operand{indices.view(), 5, 1};
  const Gather work{
      .op = "take", .base = {table.view().data, &base, float32}, .indices = {&operand, 1}, .out = out.view()};
  expect_error(ErrorCode::index_out_of_range, "index 7 is out of bounds for dimension size 5 in op take",
               [&] { CpuBackend().gather(work); });
  indices.set({1}, -6);
  expect_error(ErrorCode::index_out_of_range, "index -6 is out of bounds for dimension size 5 in op take",
               [&] { CpuBackend().gather(work); });
}

TEST(Gather, ZeroDimsAndNothing) {
  HostArray table(float64, Shape{4}), out(float64, Shape{}), index(int64, Shape{});
  table.randomize(1);
  index.set({}, -2);
  const Layout base;
  const IndexOperand operand{index.view(), 4, 1};
  CpuBackend().gather(
      {.base = {table.view().data, &base, float64}, .indices = {&operand, 1}, .out = out.view()});
  EXPECT_EQ(out.at({}), table.at({2}));
  HostArray nothing(float64, Shape{0, 3}), no_index(int64, Shape{0, 3});
  const Layout empty({0, 3}, {0, 1});
  const IndexOperand none{no_index.view(), 0, 1};
  CpuBackend().gather(
      {.base = {table.view().data, &empty, float64}, .indices = {&none, 1}, .out = nothing.view()});
}

Number combined(ScatterMode mode, DType dtype, Number old, Number value) {
  switch (mode) {
    case ScatterMode::write:
      return value;
    case ScatterMode::add:
      return dtype == bool_ ? Number(old != Number(0) || value != Number(0)) : old + value;
    case ScatterMode::multiply:
      return old * value;
    case ScatterMode::max:
      return std::max(old.real(), value.real());
    case ScatterMode::min:
      return std::min(old.real(), value.real());
  }
  return {};
}

/// Scatters along `dim` with an index for every element; small whole numbers, so that every dtype is exact.
void check_scatter(ScatterMode mode, DType dtype, const Layout& base_layout, std::size_t dim,
                   const Layout& source_layout) {
  HostArray table(dtype, base_layout), source(dtype, source_layout);
  const bool multiplies = mode == ScatterMode::multiply;
  table.randomize(1, multiplies ? 0 : -3, multiplies ? 2 : 4);
  source.randomize(2, multiplies ? 0 : -3, multiplies ? 2 : 4);
  for_each_index(table.shape(), [&](const Index& i) { table.set(i, std::floor(table.real(i))); });
  for_each_index(source.shape(), [&](const Index& i) { source.set(i, std::floor(source.real(i))); });
  const std::int64_t size = table.shape()[dim];
  HostArray indices = indices_of(int64, Layout::contiguous(source.shape()), size, 3);
  HostArray wanted = table;
  for_each_index(source.shape(), [&](const Index& i) {
    Index to = i;
    to[dim] = wrapped(indices, i, size);
    wanted.set(to, combined(mode, dtype, wanted.at(to), source.at(i)));
  });
  const Layout base = along(base_layout, dim, source.shape()[dim]);
  const IndexOperand operand{indices.view(), size, base_layout.strides[dim]};
  CpuBackend().scatter({.mode = mode,
                        .base = {table.view().data, &base, dtype},
                        .indices = {&operand, 1},
                        .source = source.view()});
  for_each_index(table.shape(), [&](const Index& i) {
    ASSERT_EQ(table.at(i), wanted.at(i)) << static_cast<int>(mode) << to_string(dtype);
  });
}

constexpr ScatterMode all_modes[] = {ScatterMode::write, ScatterMode::add, ScatterMode::multiply,
                                     ScatterMode::max, ScatterMode::min};

TEST(Scatter, EveryModeDtypeAndLayout) {
  for (const ScatterMode mode : all_modes) {
    for (const DType dtype : all_dtypes()) {
      if (is_complex(dtype) && (mode == ScatterMode::max || mode == ScatterMode::min)) continue;
      for (const Layout& base : layouts_of({4, 5, 3}, false)) {
        for (const std::size_t dim : {0u, 1u, 2u}) {
          Shape shape = base.shape;
          shape[dim] = 6;
          for (const Layout& source : layouts_of(shape, false)) check_scatter(mode, dtype, base, dim, source);
        }
      }
    }
  }
}

TEST(Scatter, LargeOnesAreSharedByThreads) {
  const ThreadCountGuard guard;
  for (const int threads : {1, 4}) {
    set_num_threads(threads);
    for (const ScatterMode mode : all_modes) {
      check_scatter(mode, float32, Layout::contiguous({300, 40}), 1, Layout::contiguous({300, 500}));
      check_scatter(mode, float32, Layout::contiguous({40, 300}), 0, Layout::contiguous({500, 300}));
      check_scatter(mode, int64, Layout::contiguous({1000}), 0, Layout::contiguous({100000}));
    }
  }
}

TEST(Scatter, AddsRowsInOrder) {
  // The gradient of an embedding: rounding shows the order of the additions.
  const ThreadCountGuard guard;
  constexpr std::int64_t rows = 3000, width = 100, size = 7;
  HostArray source(float32, Shape{rows, width});
  source.randomize(1);
  HostArray indices = indices_of(int64, Layout::contiguous({rows}), size, 2);
  std::vector<float> wanted(size * width);
  for_each_index(source.shape(), [&](const Index& i) {
    wanted[static_cast<std::size_t>(wrapped(indices, {i[0]}, size) * width + i[1])] +=
        static_cast<float>(source.real(i));
  });
  const Layout base({rows, width}, {0, 1});
  const Layout broadcast({rows, width}, {1, 0});
  for (const int threads : {1, 4}) {
    set_num_threads(threads);
    HostArray table(float32, Shape{size, width});
    const IndexOperand operand{{indices.view().data, &broadcast, int64}, size, width};
    CpuBackend().scatter({.mode = ScatterMode::add,
                          .base = {table.view().data, &base, float32},
                          .indices = {&operand, 1},
                          .source = source.view()});
    for_each_index(table.shape(), [&](const Index& i) {
      ASSERT_EQ(static_cast<float>(table.real(i)), wanted[static_cast<std::size_t>(i[0] * width + i[1])]);
    });
  }
}

TEST(Scatter, OneAddressForAll) {
  // No dim of the base moves: everything meets at the indexed addresses.
  HostArray table(int64, Shape{3}), source(int64, Shape{100, 50}), indices(int64, Shape{100});
  source.randomize(1, -50, 50);
  indices.randomize(2, 0, 3);
  const Layout base({100, 50}, {0, 0});
  const Layout broadcast({100, 50}, {1, 0});
  const IndexOperand operand{{indices.view().data, &broadcast, int64}, 3, 1};
  HostArray wanted = table;
  for_each_index(source.shape(), [&](const Index& i) {
    const Index to{wrapped(indices, {i[0]}, 3)};
    wanted.set(to, wanted.at(to) + source.at(i));
  });
  CpuBackend().scatter({.mode = ScatterMode::add,
                        .base = {table.view().data, &base, int64},
                        .indices = {&operand, 1},
                        .source = source.view()});
  EXPECT_EQ(table.memory(), wanted.memory());
}

TEST(Scatter, WrapsLikeTheDtype) {
  HostArray table(int16, Shape{1}), source(int16, Shape{2}), indices(int64, Shape{2});
  table.set({0}, 300);
  source.set({0}, 300);
  source.set({1}, 1);
  const Layout base({2}, {0});
  const IndexOperand operand{indices.view(), 1, 1};
  CpuBackend().scatter({.mode = ScatterMode::multiply,
                        .base = {table.view().data, &base, int16},
                        .indices = {&operand, 1},
                        .source = source.view()});
  EXPECT_EQ(table.real({0}), 90000 - 65536);
}

TEST(Scatter, AWrongIndexChangesNothing) {
  HostArray table(float32, Shape{5}), source(float32, Shape{3}), indices(int64, Shape{3});
  source.randomize(1);
  indices.set({2}, 5);
  const Layout base({3}, {0});
  const IndexOperand operand{indices.view(), 5, 1};
  const HostArray before = table;
  expect_error(ErrorCode::index_out_of_range, "index 5 is out of bounds for dimension size 5 in op index_add",
               [&] {
                 CpuBackend().scatter({.op = "index_add",
                                       .mode = ScatterMode::add,
                                       .base = {table.view().data, &base, float32},
                                       .indices = {&operand, 1},
                                       .source = source.view()});
               });
  EXPECT_EQ(table.memory(), before.memory());
  HostArray numbers(complex64, Shape{5}), others(complex64, Shape{3});
  expect_error(ErrorCode::dtype_mismatch, "complex", [&] {
    CpuBackend().scatter({.mode = ScatterMode::max,
                          .base = {numbers.view().data, &base, complex64},
                          .indices = {&operand, 1},
                          .source = others.view()});
  });
}

void check_nonzero(DType dtype, const Layout& layout, double low, double high) {
  HostArray in(dtype, layout);
  in.randomize(5, low, high);
  std::vector<Index> wanted;
  for_each_index(in.shape(), [&](const Index& i) {
    if (in.at(i) != Number(0)) wanted.push_back(i);
  });
  const auto count = static_cast<std::int64_t>(wanted.size());
  const auto rank = static_cast<std::int64_t>(in.shape().size());
  for (const Layout& out_layout : layouts_of({count, rank}, false)) {
    HostArray out(int64, out_layout);
    CpuBackend().nonzero(in.view(), out.view());
    for_each_index(out.shape(), [&](const Index& i) {
      ASSERT_EQ(out.real(i), wanted[static_cast<std::size_t>(i[0])][static_cast<std::size_t>(i[1])]);
    });
  }
}

TEST(Nonzero, Positions) {
  for (const DType dtype : all_dtypes()) {
    const bool fraction = !is_integral(dtype) && dtype != bool_;
    for (const Layout& layout : layouts_of({4, 9, 5}, true))
      check_nonzero(dtype, layout, 0, fraction ? 1 : 2);
  }
  check_nonzero(int32, Layout::contiguous({300, 400}), 0, 3);
  check_nonzero(int32, Layout::contiguous({100000}), 0, 2);
  check_nonzero(float32, Layout::contiguous({}), 1, 2);
  check_nonzero(float32, Layout::contiguous({0, 3}), 1, 2);
}

TEST(Nonzero, NaNIsAndNegativeZeroIsNot) {
  for (const DType dtype : floating_dtypes()) {
    HostArray in(dtype, Shape{3}), out(int64, Shape{1, 1});
    in.set({0}, -0.0L);
    in.set({2}, NAN);
    CpuBackend().nonzero(in.view(), out.view());
    EXPECT_EQ(out.real({0, 0}), 2);
  }
}

}  // namespace
}  // namespace rustorch
