#include <gtest/gtest.h>

#include <cmath>

#include "backends/host_array.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using namespace rustorch::test;

DType sum_dtype(DType dtype) { return is_integral(dtype) || dtype == bool_ ? int64 : dtype; }

DType result_dtype(ReduceOp op, DType dtype) {
  switch (op) {
    case ReduceOp::sum:
    case ReduceOp::prod:
      return sum_dtype(dtype);
    case ReduceOp::all:
    case ReduceOp::any:
      return bool_;
    default:
      return dtype;
  }
}

bool takes(ReduceOp op, DType dtype) {
  if (op == ReduceOp::max || op == ReduceOp::min) return !is_complex(dtype);
  return op != ReduceOp::variance || is_floating_point(dtype);
}

/// The reduction of some numbers, and how far rounding may lead away from it, in units of the precision.
std::pair<Number, long double> expected(ReduceOp op, const std::vector<Number>& values, double correction) {
  Number sum = 0, product = 1;
  long double magnitude = 0, largest = -INFINITY, smallest = INFINITY, all = 1, any = 0;
  for (const Number& value : values) {
    sum += value;
    product *= value;
    magnitude += std::abs(value);
    largest = std::max(largest, value.real());
    smallest = std::min(smallest, value.real());
    if (value == Number(0)) all = 0;
    if (value != Number(0)) any = 1;
  }
  switch (op) {
    case ReduceOp::sum:
      return {sum, magnitude};
    case ReduceOp::prod:
      return {product, std::abs(product) * static_cast<long double>(values.size() + 1)};
    case ReduceOp::max:
      return {largest, 0};
    case ReduceOp::min:
      return {smallest, 0};
    case ReduceOp::all:
      return {all, 0};
    case ReduceOp::any:
      return {any, 0};
    case ReduceOp::variance:
      break;
  }
  const auto n = static_cast<long double>(values.size());
  long double squares = 0;
  for (const Number& value : values)
    squares += (value.real() - sum.real() / n) * (value.real() - sum.real() / n);
  const long double variance = squares / std::max(0.0L, n - correction);
  return {variance, 4 * variance};
}

void check(ReduceOp op, DType dtype, const Layout& in_layout, const std::vector<bool>& reduced,
           const Layout& out_layout, double correction = 1) {
  HostArray in(dtype, in_layout);
  if (op == ReduceOp::prod && !is_integral(dtype)) {  // so that long products neither vanish nor overflow
    in.randomize(7, is_complex(dtype) ? 0.65 : 0.95, is_complex(dtype) ? 0.75 : 1.05);
  } else if (op == ReduceOp::prod) {
    in.randomize(7, -1, 2);
  } else {
    in.randomize(7);
  }
  HostArray out(result_dtype(op, dtype), out_layout);
  const View input = in.view();
  CpuBackend().reduce({.op = op, .inputs = {&input, 1}, .out = out.view(), .correction = correction});

  for_each_index(out.shape(), [&](const Index& kept) {
    std::vector<Number> values;
    Shape inside = in.shape();
    for (std::size_t d = 0; d < reduced.size(); ++d) {
      if (!reduced[d]) inside[d] = 1;
    }
    for_each_index(inside, [&](Index index) {
      for (std::size_t d = 0; d < reduced.size(); ++d) index[d] += kept[d];
      values.push_back(in.at(index));
    });
    const auto [wanted, scale] = expected(op, values, correction);
    const long double tolerance = 4 * scale * precision_of(dtype) + (dtype == float16 ? 6e-8L : 0);
    const Number got = out.at(kept);
    const bool equal = got == wanted || (std::isnan(got.real()) && std::isnan(wanted.real()));
    ASSERT_TRUE(equal || std::abs(got - wanted) <= tolerance)
        << static_cast<int>(op) << " of " << to_string(dtype) << in.shape().to_string() << " strides "
        << in_layout.strides.to_string() << ": " << got << " instead of " << wanted;
  });
}

void check_all_dims(ReduceOp op, DType dtype, const Shape& shape, bool all_results = true) {
  for (const Layout& layout : layouts_of(shape, true)) {
    for (unsigned mask = 0; mask < (1u << shape.size()); ++mask) {
      std::vector<bool> reduced(shape.size());
      Shape out = shape;
      for (std::size_t d = 0; d < shape.size(); ++d) {
        reduced[d] = ((mask >> d) & 1u) != 0;
        if (reduced[d]) out[d] = 1;
      }
      check(op, dtype, layout, reduced, Layout::contiguous(out));
      if (!all_results) continue;
      for (const Layout& out_layout : layouts_of(out, false)) check(op, dtype, layout, reduced, out_layout);
    }
  }
}

constexpr ReduceOp all_ops[] = {ReduceOp::sum, ReduceOp::prod, ReduceOp::max,     ReduceOp::min,
                                ReduceOp::all, ReduceOp::any,  ReduceOp::variance};

TEST(Reduce, EveryOpDtypeAndLayout) {
  for (const ReduceOp op : all_ops) {
    for (const DType dtype : all_dtypes()) {
      if (takes(op, dtype)) check_all_dims(op, dtype, {3, 5, 7});
    }
  }
}

TEST(Reduce, LargerShapes) {
  for (const ReduceOp op : all_ops) {
    for (const DType dtype : {float32, int32, float16, complex64}) {
      if (!takes(op, dtype)) continue;
      check_all_dims(op, dtype, {70, 37}, false);
      check_all_dims(op, dtype, {2, 1030, 2}, false);
    }
  }
}

TEST(Reduce, ManyElementsIntoFewResults) {
  for (const ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::variance}) {
    const auto both = [&](DType dtype, const Layout& layout) {
      const std::int64_t rows = layout.shape[0], columns = layout.shape[1];
      check(op, dtype, layout, {true, true}, Layout::contiguous({1, 1}));
      check(op, dtype, layout, {true, false}, Layout::contiguous({1, columns}));
      check(op, dtype, layout, {false, true}, Layout::contiguous({rows, 1}));
    };
    both(float32, Layout::contiguous({3, 70001}));
    both(float32, Layout::contiguous({70001, 3}));
    both(float64, Layout::contiguous({5000, 33}));
    both(float16, Layout({100, 1500}, {1, 100}));
  }
}

TEST(Reduce, WithoutDimsAndOfRankTen) {
  check(ReduceOp::sum, float32, Layout::contiguous({}), {}, Layout::contiguous({}));
  check(ReduceOp::variance, float64, Layout::contiguous({}), {}, Layout::contiguous({}), 0);
  const Shape shape{2, 1, 3, 1, 2, 2, 1, 2, 3, 2};
  for (const Layout& layout : layouts_of(shape, true)) {
    check(ReduceOp::sum, float32, layout, {true, false, false, true, true, false, true, false, true, false},
          Layout::contiguous({1, 1, 3, 1, 1, 2, 1, 2, 1, 2}));
  }
}

TEST(Reduce, OfNothingIsTheIdentity) {
  struct Case {
    ReduceOp op;
    DType dtype;
    long double identity;
  };
  const Case cases[] = {{ReduceOp::sum, float32, 0},
                        {ReduceOp::prod, float64, 1},
                        {ReduceOp::sum, int8, 0},
                        {ReduceOp::prod, bool_, 1},
                        {ReduceOp::max, float16, -INFINITY},
                        {ReduceOp::min, float32, INFINITY},
                        {ReduceOp::max, int8, -128},
                        {ReduceOp::min, int8, 127},
                        {ReduceOp::max, uint8, 0},
                        {ReduceOp::min, uint8, 255},
                        {ReduceOp::max, bool_, 0},
                        {ReduceOp::min, bool_, 1},
                        {ReduceOp::all, float32, 1},
                        {ReduceOp::any, int32, 0},
                        {ReduceOp::min, int64, 9223372036854775807.0L}};
  for (const Case& one : cases) {
    HostArray in(one.dtype, Shape{4, 0});
    HostArray out(result_dtype(one.op, one.dtype), Shape{4, 1});
    for_each_index(out.shape(), [&](const Index& index) { out.set(index, 5); });
    const View input = in.view();
    CpuBackend().reduce({.op = one.op, .inputs = {&input, 1}, .out = out.view()});
    for_each_index(out.shape(), [&](const Index& index) {
      EXPECT_EQ(out.real(index), one.identity) << static_cast<int>(one.op) << to_string(one.dtype);
    });
  }
  HostArray in(float32, Shape{0});
  HostArray out(float32, Shape{1});
  const View input = in.view();
  CpuBackend().reduce({.op = ReduceOp::variance, .inputs = {&input, 1}, .out = out.view()});
  EXPECT_TRUE(std::isnan(out.real({0})));
  HostArray none(float32, Shape{0, 1});
  HostArray empty(float32, Shape{0, 3});
  const View nothing = empty.view();
  CpuBackend().reduce({.op = ReduceOp::sum, .inputs = {&nothing, 1}, .out = none.view()});
}

TEST(Reduce, NaNWinsAndInfinitiesSurvive) {
  for (const DType dtype : floating_dtypes()) {
    for (const std::int64_t n : {3, 40, 1000}) {
      for (const bool rows : {true, false}) {
        HostArray in(dtype, rows ? Shape{2, n} : Shape{n, 2});
        in.randomize(3);
        const auto place = [&](std::int64_t row, std::int64_t i) {
          return rows ? Index{row, i} : Index{i, row};
        };
        in.set(place(0, n / 2), NAN);
        in.set(place(1, 1), INFINITY);
        HostArray out(dtype, rows ? Shape{2, 1} : Shape{1, 2});
        const View input = in.view();
        for (const ReduceOp op : {ReduceOp::max, ReduceOp::min, ReduceOp::sum}) {
          CpuBackend().reduce({.op = op, .inputs = {&input, 1}, .out = out.view()});
          EXPECT_TRUE(std::isnan(out.real({0, 0})));
          if (op != ReduceOp::min) {
            EXPECT_EQ(out.real(rows ? Index{1, 0} : Index{0, 1}), INFINITY)
                << to_string(dtype) << n << rows << static_cast<int>(op);
          }
        }
      }
    }
  }
}

TEST(Reduce, SumsDoNotLoseCount) {
  // One after another, float32 would stop at 2^24.
  HostArray in(float32, Layout({50'000'000}, {0}));
  in.set({0}, 0.1L);
  HostArray out(float32, Shape{1});
  const View input = in.view();
  CpuBackend().reduce({.op = ReduceOp::sum, .inputs = {&input, 1}, .out = out.view()});
  EXPECT_NEAR(static_cast<double>(out.real({0})), 5e6 * (1 + 1.49e-8), 1);
}

TEST(Reduce, VarianceOfLargeOffsetsIsExact) {
  HostArray in(float32, Shape{2, 10000});
  for_each_index(in.shape(), [&](const Index& i) { in.set(i, 1'000'000 + static_cast<int>(i[1] % 2)); });
  HostArray out(float32, Shape{2, 1});
  const View input = in.view();
  CpuBackend().reduce({.op = ReduceOp::variance, .inputs = {&input, 1}, .out = out.view(), .correction = 0});
  EXPECT_EQ(out.real({0, 0}), 0.25L);
  EXPECT_EQ(out.real({1, 0}), 0.25L);
  HostArray columns(float32, Shape{1, 10000});
  CpuBackend().reduce(
      {.op = ReduceOp::variance, .inputs = {&input, 1}, .out = columns.view(), .correction = 2});
  EXPECT_TRUE(std::isnan(columns.real({0, 0})));  // 0 / 0
}

TEST(Reduce, PrologueAndEpilogue) {
  Program product;  // x · y + s in float32, of float16 and int32
  const auto x = product.input(float16);
  const auto y = product.input(int32);
  const auto z = product.apply(Op::mul, x, product.cast(y, float32));
  product.output(product.apply(Op::add, z, product.scalar(0.5, float32)), float32);
  Program half;
  half.output(half.apply(Op::mul, half.input(float32), half.scalar(0.25, float32)), float64);

  for (const Shape& shape : {Shape{5, 7}, Shape{60, 70}, Shape{2, 3000}, Shape{3000, 3}, Shape{1, 1}}) {
    for (const Layout& x_layout : layouts_of(shape, true)) {
      for (const Layout& y_layout : layouts_of(shape, true)) {
        HostArray xs(float16, x_layout), ys(int32, y_layout);
        xs.randomize(1, 0, 1);
        ys.randomize(2, 0, 9);
        const View inputs[] = {xs.view(), ys.view()};
        for (unsigned mask = 0; mask < 4; ++mask) {
          const Shape out_shape{(mask & 1u) != 0 ? 1 : shape[0], (mask & 2u) != 0 ? 1 : shape[1]};
          HostArray out(float64, out_shape);
          CpuBackend().reduce({.op = ReduceOp::sum,
                               .inputs = inputs,
                               .out = out.view(),
                               .prologue = &product,
                               .epilogue = &half});
          std::vector<long double> sums(static_cast<std::size_t>(out_shape.element_count()));
          for_each_index(shape, [&](const Index& i) {
            const std::int64_t at =
                (out_shape[0] == 1 ? 0 : i[0]) * out_shape[1] + (out_shape[1] == 1 ? 0 : i[1]);
            sums[static_cast<std::size_t>(at)] += (xs.real(i) * ys.real(i) + 0.5L) / 4;
          });
          for_each_index(out_shape, [&](const Index& i) {
            const long double wanted = sums[static_cast<std::size_t>(i[0] * out_shape[1] + i[1])];
            ASSERT_NEAR(static_cast<double>(out.real(i)), static_cast<double>(wanted),
                        1e-6 * std::abs(static_cast<double>(wanted)) + 1e-6)
                << shape.to_string() << x_layout.strides.to_string() << y_layout.strides.to_string() << mask;
          });
        }
      }
    }
  }
}

TEST(Reduce, PrologueWithBooleanResult) {
  Program equal;  // how often are they equal
  equal.output(equal.apply(Op::eq, equal.input(int64), equal.input(int64)), bool_);
  HostArray a(int64, Shape{3000}), b(int64, Shape{3000});
  a.randomize(1, 0, 3);
  b.randomize(2, 0, 3);
  std::int64_t count = 0;
  for_each_index(a.shape(), [&](const Index& i) { count += a.at(i) == b.at(i) ? 1 : 0; });
  const View inputs[] = {a.view(), b.view()};
  HostArray sum(int64, Shape{1}), any(bool_, Shape{1}), all(bool_, Shape{1});
  CpuBackend().reduce({.op = ReduceOp::sum, .inputs = inputs, .out = sum.view(), .prologue = &equal});
  CpuBackend().reduce({.op = ReduceOp::any, .inputs = inputs, .out = any.view(), .prologue = &equal});
  CpuBackend().reduce({.op = ReduceOp::all, .inputs = inputs, .out = all.view(), .prologue = &equal});
  EXPECT_EQ(sum.real({0}), count);
  EXPECT_EQ(any.real({0}), 1);
  EXPECT_EQ(all.real({0}), 0);
}

TEST(Reduce, SameBitsForEveryThreadCount) {
  const ThreadCountGuard guard;
  for (const Shape& shape : {Shape{2, 150000}, Shape{50000, 7}, Shape{700, 500}}) {
    HostArray in(float32, shape);
    in.randomize(5);
    const View input = in.view();
    for (unsigned mask = 1; mask < 4; ++mask) {
      const Shape out_shape{(mask & 1u) != 0 ? 1 : shape[0], (mask & 2u) != 0 ? 1 : shape[1]};
      for (const ReduceOp op : {ReduceOp::sum, ReduceOp::variance, ReduceOp::prod}) {
        HostArray first(float32, out_shape);
        for (const int threads : {1, 2, 3, 5}) {
          set_num_threads(threads);
          HostArray out(float32, out_shape);
          CpuBackend().reduce({.op = op, .inputs = {&input, 1}, .out = out.view()});
          if (threads == 1) first = out;
          EXPECT_EQ(first.memory(), out.memory()) << threads << shape.to_string();
        }
      }
    }
  }
}

TEST(Reduce, RefusesComplexOrder) {
  HostArray in(complex64, Shape{3}), out(complex64, Shape{1});
  const View input = in.view();
  for (const ReduceOp op : {ReduceOp::max, ReduceOp::variance}) {
    EXPECT_THROW(CpuBackend().reduce({.op = op, .inputs = {&input, 1}, .out = out.view()}), Error);
  }
}

}  // namespace
}  // namespace rustorch
