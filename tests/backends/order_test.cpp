#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "backends/host_array.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "support/expect_error.h"

// Sorting, extremes with their places, and scans.

namespace rustorch {
namespace {

using namespace rustorch::test;

const std::vector<DType>& real_dtypes() {
  static const std::vector<DType> dtypes{uint8,   int8,     int16,   int32,   int64,
                                         float16, bfloat16, float32, float64, bool_};
  return dtypes;
}

/// Few different values, so that ties occur, with NaN, infinities and both zeros where there are any.
void fill(HostArray& array, unsigned seed, bool special) {
  array.randomize(seed, -6, 6);
  if (!is_floating_point(array.dtype())) return;
  std::mt19937 engine(seed);
  for_each_index(array.shape(), [&](const Index& i) {
    array.set(i, std::floor(array.real(i)));
    if (!special) return;
    switch (engine() % 12) {
      case 0:
        return array.set(i, NAN);
      case 1:
        return array.set(i, INFINITY);
      case 2:
        return array.set(i, -INFINITY);
      case 3:
        return array.set(i, -0.0L);
      default:
        return;
    }
  });
}

std::vector<long double> row_of(const HostArray& array, Index at, std::size_t dim) {
  std::vector<long double> row;
  const std::int64_t n = array.shape().empty() ? 1 : array.shape()[dim];
  for (std::int64_t i = 0; i < n; ++i) {
    if (!at.empty()) at[dim] = i;
    row.push_back(array.real(at));
  }
  return row;
}

bool same(long double a, long double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// NaN is larger than all else.
bool less(long double a, long double b) { return std::isnan(b) ? !std::isnan(a) : a < b; }

void check_sort(DType dtype, const Layout& layout, std::size_t dim, bool descending, std::int64_t count,
                bool reversed_out = false, unsigned seed = 1) {
  HostArray in(dtype, layout);
  fill(in, seed, true);
  Shape out_shape = layout.shape;
  if (!out_shape.empty()) out_shape[dim] = count;
  const std::vector<Layout> outs = layouts_of(out_shape, false);
  const Layout& out_layout = outs[reversed_out && outs.size() > 1 ? 1 : 0];
  HostArray values(dtype, out_layout), indices(int64, out_layout);
  CpuBackend().sort({.input = in.view(),
                     .dim = dim,
                     .descending = descending,
                     .stable = true,
                     .values = values.view(),
                     .indices = indices.view()});
  Shape rows = layout.shape;
  if (!rows.empty()) rows[dim] = 1;
  for_each_index(rows, [&](Index at) {
    const std::vector<long double> row = row_of(in, at, dim);
    std::vector<std::size_t> order(row.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return descending ? less(row[b], row[a]) : less(row[a], row[b]);
    });
    for (std::int64_t i = 0; i < count; ++i) {
      if (!at.empty()) at[dim] = i;
      const std::size_t from = order[static_cast<std::size_t>(i)];
      ASSERT_EQ(indices.real(at), from) << to_string(dtype) << i;
      ASSERT_TRUE(same(values.real(at), row[from]));
    }
  });
}

TEST(Sort, EveryDtypeLayoutAndDim) {
  for (const DType dtype : real_dtypes()) {
    for (const Layout& layout : layouts_of({4, 19, 3}, true)) {
      for (const std::size_t dim : {0u, 1u, 2u}) {
        for (const bool descending : {false, true}) {
          const std::int64_t n = layout.shape[dim];
          for (const std::int64_t count : {n, std::int64_t{2}}) {
            check_sort(dtype, layout, dim, descending, count, descending);
          }
        }
      }
    }
  }
}

TEST(Sort, LongRows) {
  for (const DType dtype : {uint8, int16, float16, float32, int64, float64}) {
    for (const std::int64_t count :
         {std::int64_t{3000}, std::int64_t{1}, std::int64_t{17}, std::int64_t{300}}) {
      check_sort(dtype, Layout::contiguous({5, 3000}), 1, false, count);
      check_sort(dtype, Layout::contiguous({3000, 2}), 0, true, count);
    }
  }
}

TEST(Sort, RowsThatThreadsShare) {
  const ThreadCountGuard guard;
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    for (const DType dtype : {float32, float64}) {
      for (const std::int64_t count : {140000, 20, 17000}) {
        HostArray in(dtype, Shape{2, 140000});
        in.randomize(3);
        HostArray values(dtype, Shape{2, count}), indices(int64, Shape{2, count});
        CpuBackend().sort({.input = in.view(), .dim = 1, .values = values.view(), .indices = indices.view()});
        for (std::int64_t r = 0; r < 2; ++r) {
          std::vector<long double> row = row_of(in, {r, 0}, 1);
          std::sort(row.begin(), row.end());
          for (std::int64_t i = 0; i < count; ++i) {
            ASSERT_EQ(values.real({r, i}), row[static_cast<std::size_t>(i)]);
            ASSERT_EQ(in.real({r, static_cast<std::int64_t>(indices.real({r, i}))}), values.real({r, i}));
          }
        }
      }
    }
  }
}

TEST(Sort, EdgeCases) {
  check_sort(float32, Layout::contiguous({}), 0, false, 1);
  check_sort(float32, Layout::contiguous({3, 0}), 1, false, 0);
  check_sort(float32, Layout::contiguous({0, 3}), 1, true, 3);
  check_sort(int32, Layout::contiguous({3, 4}), 1, true, 0);
  HostArray in(float32, Shape{5}), values(float32, Shape{5}), indices(int64, Shape{5});
  in.randomize(1);
  CpuBackend().sort({.input = in.view(), .values = values.view(), .indices = {}});
  CpuBackend().sort({.input = in.view(), .values = {}, .indices = indices.view()});
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(values.real({i}), in.real({static_cast<std::int64_t>(indices.real({i}))}));
  }
  HostArray numbers(complex64, Shape{5});
  EXPECT_THROW(CpuBackend().sort({.input = numbers.view(), .values = {}, .indices = indices.view()}), Error);
}

void check_arg(ArgReduceOp op, DType dtype, const Layout& layout, std::size_t dim, bool special) {
  HostArray in(dtype, layout);
  fill(in, 11, special);
  Shape rows = layout.shape;
  if (!rows.empty()) rows[dim] = 1;
  for (const Layout& out : layouts_of(rows, false)) {
    HostArray values(dtype, out), indices(int64, out);
    CpuBackend().arg_reduce(
        {.op = op, .input = in.view(), .dim = dim, .values = values.view(), .indices = indices.view()});
    for_each_index(rows, [&](const Index& at) {
      const std::vector<long double> row = row_of(in, at, dim);
      std::size_t best = 0;
      for (std::size_t i = 1; i < row.size(); ++i) {
        const bool better = op == ArgReduceOp::max ? row[i] > row[best] : row[i] < row[best];
        if (!std::isnan(row[best]) && (better || std::isnan(row[i]))) best = i;
      }
      ASSERT_EQ(indices.real(at), best) << to_string(dtype) << layout.shape.to_string();
      ASSERT_TRUE(same(values.real(at), row[best]));
    });
  }
}

TEST(ArgReduce, EveryDtypeLayoutAndDim) {
  for (const ArgReduceOp op : {ArgReduceOp::max, ArgReduceOp::min}) {
    for (const DType dtype : real_dtypes()) {
      for (const bool special : {false, true}) {
        for (const Layout& layout : layouts_of({3, 50, 4}, true)) {
          for (const std::size_t dim : {0u, 1u, 2u}) check_arg(op, dtype, layout, dim, special);
        }
        check_arg(op, dtype, Layout::contiguous({2, 700}), 1, special);
        check_arg(op, dtype, Layout::contiguous({30, 700}), 0, special);
      }
    }
    check_arg(op, float32, Layout::contiguous({}), 0, false);
    check_arg(op, float32, Layout::contiguous({0, 4}), 1, false);
    check_arg(op, float32, Layout::contiguous({200003}), 0, false);
    check_arg(op, float64, Layout::contiguous({200003, 2}), 0, false);
  }
}

TEST(ArgReduce, ExtremesOfTheDtype) {
  for (const DType dtype : {int64, float32, int8}) {
    const long double low = dtype == float32 ? -INFINITY : dtype == int8 ? -128 : -9223372036854775808.0L;
    HostArray in(dtype, Shape{100}), values(dtype, Shape{1}), indices(int64, Shape{1});
    for_each_index(in.shape(), [&](const Index& i) { in.set(i, low); });
    CpuBackend().arg_reduce(
        {.input = in.view(), .dim = 0, .values = values.view(), .indices = indices.view()});
    EXPECT_EQ(indices.real({0}), 0);
    EXPECT_EQ(values.real({0}), low);
    CpuBackend().arg_reduce({.input = in.view(), .dim = 0, .values = {}, .indices = indices.view()});
    EXPECT_EQ(indices.real({0}), 0);
  }
}

TEST(ArgReduce, RefusesNothingAndComplex) {
  HostArray empty(float32, Shape{3, 0}), values(float32, Shape{3, 1}), indices(int64, Shape{3, 1});
  EXPECT_THROW(CpuBackend().arg_reduce(
                   {.input = empty.view(), .dim = 1, .values = values.view(), .indices = indices.view()}),
               Error);
  HostArray numbers(complex64, Shape{3, 1});
  EXPECT_THROW(
      CpuBackend().arg_reduce({.input = numbers.view(), .dim = 1, .values = {}, .indices = indices.view()}),
      Error);
}

void check_scan(ScanOp op, DType dtype, const Layout& layout, std::size_t dim, bool special = false) {
  HostArray in(dtype, layout);
  if (op == ScanOp::max || op == ScanOp::min) {
    fill(in, 5, special);
  } else if (op == ScanOp::prod && !is_integral(dtype)) {
    in.randomize(5, is_complex(dtype) ? 0.65 : 0.95, is_complex(dtype) ? 0.75 : 1.05);
  } else {
    in.randomize(5);
  }
  const bool has_indices = op == ScanOp::max || op == ScanOp::min;
  const bool adds = op == ScanOp::sum || op == ScanOp::prod;
  const DType out_dtype = adds && (is_integral(dtype) || dtype == bool_) ? int64 : dtype;
  for (const Layout& out_layout : layouts_of(layout.shape, false)) {
    HostArray out(out_dtype, out_layout), indices(int64, out_layout);
    CpuBackend().scan({.op = op,
                       .input = in.view(),
                       .dim = dim,
                       .out = out.view(),
                       .indices = has_indices ? indices.view() : View{}});
    Shape rows = layout.shape;
    if (!rows.empty()) rows[dim] = 1;
    for_each_index(rows, [&](Index at) {
      Number sum = 0, product = 1;
      long double magnitude = 0, exponentials = 0, best = 0;
      std::int64_t place = -1;
      const std::int64_t n = layout.shape.empty() ? 1 : layout.shape[dim];
      for (std::int64_t i = 0; i < n; ++i) {
        if (!at.empty()) at[dim] = i;
        const Number x = in.at(at);
        sum += x;
        product *= x;
        magnitude += std::abs(x);
        exponentials += std::exp(x.real());
        const bool takes = op == ScanOp::max ? x.real() >= best : x.real() <= best;
        if (place < 0 || takes || std::isnan(x.real())) {
          best = x.real();
          place = i;
        }
        const Number got = out.at(at);
        const double eps = precision_of(dtype);
        switch (op) {
          case ScanOp::sum:
            ASSERT_LE(std::abs(got - sum), 2 * magnitude * eps);
            break;
          case ScanOp::prod:
            ASSERT_LE(std::abs(got - product), 2 * std::abs(product) * eps * (1 + i));
            break;
          case ScanOp::log_sum_exp:
            ASSERT_LE(std::abs(got - std::log(exponentials)),
                      static_cast<double>(i + 4) * (1 + std::abs(std::log(exponentials))) * eps);
            break;
          default:
            ASSERT_TRUE(same(got.real(), best)) << to_string(dtype);
            ASSERT_EQ(indices.real(at), place) << to_string(dtype);
        }
      }
    });
  }
}

TEST(Scan, EveryOpDtypeLayoutAndDim) {
  for (const ScanOp op : {ScanOp::sum, ScanOp::prod, ScanOp::max, ScanOp::min, ScanOp::log_sum_exp}) {
    for (const DType dtype : all_dtypes()) {
      const bool real = !is_complex(dtype);
      if (op == ScanOp::log_sum_exp && !is_floating_point(dtype)) continue;
      if ((op == ScanOp::max || op == ScanOp::min) && !real) continue;
      for (const Layout& layout : layouts_of({3, 20, 4}, true)) {
        for (const std::size_t dim : {0u, 1u, 2u}) {
          check_scan(op, dtype, layout, dim);
          check_scan(op, dtype, layout, dim, true);
        }
      }
      check_scan(op, dtype, Layout::contiguous({2, 1500}), 1);
      check_scan(op, dtype, Layout::contiguous({150, 300}), 0);
    }
    check_scan(op, float32, Layout::contiguous({}), 0);
    check_scan(op, float32, Layout::contiguous({0, 3}), 0);
  }
}

TEST(Scan, LongRowsAreShared) {
  const ThreadCountGuard guard;
  for (const DType dtype : {float32, float64, int32, complex64, bfloat16}) {
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      check_scan(ScanOp::sum, dtype, Layout::contiguous({140001}), 0);
    }
  }
}

TEST(Scan, LogSumExpOfInfinities) {
  HostArray in(float32, Shape{5}), out(float32, Shape{5});
  in.set({0}, -INFINITY);
  in.set({1}, -INFINITY);
  in.set({2}, 3);
  in.set({3}, INFINITY);
  in.set({4}, NAN);
  CpuBackend().scan(
      {.op = ScanOp::log_sum_exp, .input = in.view(), .dim = 0, .out = out.view(), .indices = {}});
  EXPECT_EQ(out.real({0}), -INFINITY);
  EXPECT_EQ(out.real({1}), -INFINITY);
  EXPECT_EQ(out.real({2}), 3);
  EXPECT_EQ(out.real({3}), INFINITY);
  EXPECT_TRUE(std::isnan(out.real({4})));
}

}  // namespace
}  // namespace rustorch
