#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "backends/host_array.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "support/expect_error.h"

// Softmax, layer norm and cross entropy.

namespace rustorch {
namespace {

using namespace rustorch::test;
using rustorch::testing::expect_error;

std::vector<long double> softmax_of(const std::vector<long double>& x) {
  long double top = -INFINITY, sum = 0;
  for (const long double value : x) top = std::max(top, value);
  std::vector<long double> y;
  for (const long double value : x) {
    y.push_back(std::exp(value - top));
    sum += y.back();
  }
  for (long double& value : y) value /= sum;
  return y;
}

void expect_close(long double got, long double wanted, double relative, double absolute = 0) {
  if (got == wanted || (std::isnan(got) && std::isnan(wanted))) return;
  ASSERT_LE(std::abs(got - wanted), std::abs(wanted) * relative + absolute)
      << got << " instead of " << wanted;
}

void check_softmax(DType dtype, const Layout& layout, std::size_t dim, bool logarithm,
                   const Layout& out_layout, double spread = 5) {
  HostArray x(dtype, layout), y(dtype, out_layout), dy(dtype, layout), dx(dtype, out_layout);
  x.randomize(1, -spread, spread);
  dy.randomize(2);
  CpuBackend().softmax_forward({.input = x.view(), .dim = dim, .logarithm = logarithm, .output = y.view()});
  CpuBackend().softmax_backward(
      {.output = y.view(), .d_output = dy.view(), .dim = dim, .logarithm = logarithm, .d_input = dx.view()});
  const double eps = precision_of(dtype);
  Shape rows = layout.shape;
  if (!rows.empty()) rows[dim] = 1;
  const std::int64_t n = rows.empty() ? 1 : layout.shape[dim];
  for_each_index(rows, [&](Index at) {
    std::vector<long double> values;
    const auto go = [&](std::int64_t i) -> const Index& {
      if (!at.empty()) at[dim] = i;
      return at;
    };
    long double sum = 0, magnitude = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      values.push_back(x.real(go(i)));
      const long double term = logarithm ? dy.real(go(i)) : y.real(go(i)) * dy.real(go(i));
      sum += term;
      magnitude += std::abs(term);
    }
    const std::vector<long double> wanted = softmax_of(values);
    for (std::int64_t i = 0; i < n; ++i) {
      const long double p = wanted[static_cast<std::size_t>(i)];
      if (logarithm) {
        expect_close(y.real(go(i)), std::log(p), 2 * eps, 4 * eps * (1 + spread));
      } else {
        expect_close(y.real(go(i)), p, (8 + 2 * spread) * eps, dtype == float16 ? 6e-8 : 1e-37);
      }
      const long double q = y.real(go(i));
      const long double gradient =
          logarithm ? dy.real(go(i)) - std::exp(q) * sum : q * (dy.real(go(i)) - sum);
      const auto slack = static_cast<double>((logarithm ? std::exp(q) : q) * magnitude +
                                             std::abs(dy.real(go(i)) * (logarithm ? 1 : q)));
      expect_close(dx.real(go(i)), gradient, eps,
                   (8 + 2 * spread) * eps * slack + (dtype == float16 ? 6e-8 : 1e-37));
    }
  });
}

TEST(Softmax, EveryDtypeLayoutAndDim) {
  for (const DType dtype : floating_dtypes()) {
    for (const bool logarithm : {false, true}) {
      for (const Layout& layout : layouts_of({3, 40, 5}, true)) {
        for (const Layout& out : layouts_of(layout.shape, false)) {
          for (const std::size_t dim : {0u, 1u, 2u}) check_softmax(dtype, layout, dim, logarithm, out);
        }
      }
      check_softmax(dtype, Layout::contiguous({}), 0, logarithm, Layout::contiguous({}));
      check_softmax(dtype, Layout::contiguous({0, 3}), 1, logarithm, Layout::contiguous({0, 3}));
      check_softmax(dtype, Layout::contiguous({3, 0}), 1, logarithm, Layout::contiguous({3, 0}));
    }
  }
}

TEST(Softmax, LongRowsAndManyColumns) {
  for (const DType dtype : {float32, bfloat16, float64}) {
    for (const bool logarithm : {false, true}) {
      check_softmax(dtype, Layout::contiguous({2, 20011}), 1, logarithm, Layout::contiguous({2, 20011}), 80);
      check_softmax(dtype, Layout::contiguous({2, 10, 1003}), 1, logarithm,
                    Layout::contiguous({2, 10, 1003}));
      check_softmax(dtype, Layout::channels_last({2, 33, 9, 9}), 1, logarithm,
                    Layout::channels_last({2, 33, 9, 9}));
    }
  }
}

TEST(Softmax, InfinitiesAndNaNAsPyTorch) {
  for (const DType dtype : floating_dtypes()) {
    for (const bool rows : {true, false}) {
      const auto at = [&](std::int64_t r, std::int64_t i) { return rows ? Index{r, i} : Index{i, r}; };
      const Shape shape = rows ? Shape{4, 20} : Shape{20, 4};
      HostArray x(dtype, shape), y(dtype, shape);
      for (std::int64_t i = 0; i < 20; ++i) x.set(at(1, i), -INFINITY);
      x.set(at(0, 3), -INFINITY);
      x.set(at(2, 3), INFINITY);
      x.set(at(3, 3), NAN);
      for (const bool logarithm : {false, true}) {
        CpuBackend().softmax_forward(
            {.input = x.view(), .dim = rows ? 1u : 0u, .logarithm = logarithm, .output = y.view()});
        for (std::int64_t i = 0; i < 20; ++i) {
          const long double nineteenth = logarithm ? -std::log(19.0L) : 1 / 19.0L;
          if (i == 3) {
            EXPECT_EQ(y.real(at(0, i)), logarithm ? -INFINITY : 0);
          } else {
            expect_close(y.real(at(0, i)), nineteenth, 2 * precision_of(dtype));
          }
          EXPECT_TRUE(std::isnan(y.real(at(1, i))));
          EXPECT_TRUE(std::isnan(y.real(at(3, i))));
          if (i == 3 || !logarithm) {
            EXPECT_TRUE(std::isnan(y.real(at(2, i)))) << i;
          }
        }
      }
    }
  }
}

void check_layer_norm(DType dtype, DType statistics, std::int64_t rows, std::int64_t columns, bool affine) {
  HostArray x(dtype, Shape{rows, columns}), y(dtype, Shape{rows, columns}), weight(dtype, Shape{columns}),
      bias(dtype, Shape{columns}), mean(statistics, Shape{rows}), inverse(statistics, Shape{rows});
  x.randomize(1, 1, 4);
  weight.randomize(2);
  bias.randomize(3);
  LayerNormForward forward{.input = x.view(),
                           .weight = std::nullopt,
                           .bias = std::nullopt,
                           .epsilon = 1e-5,
                           .output = y.view(),
                           .mean = mean.view(),
                           .inverse_std = inverse.view()};
  if (affine) {
    forward.weight = weight.view();
    forward.bias = bias.view();
  }
  CpuBackend().layer_norm_forward(forward);
  HostArray dy(dtype, Shape{rows, columns}), dx(dtype, Shape{rows, columns}), dw(dtype, Shape{columns}),
      db(dtype, Shape{columns});
  dy.randomize(4);
  CpuBackend().layer_norm_backward({.input = x.view(),
                                    .d_output = dy.view(),
                                    .mean = mean.view(),
                                    .inverse_std = inverse.view(),
                                    .weight = forward.weight,
                                    .d_input = dx.view(),
                                    .d_weight = affine ? dw.view() : View{},
                                    .d_bias = affine ? db.view() : View{}});
  const double eps = precision_of(dtype);
  std::vector<long double> d_weight(static_cast<std::size_t>(columns)), d_bias(d_weight), scale(d_weight);
  const auto n = static_cast<long double>(columns);
  for (std::int64_t r = 0; r < rows; ++r) {
    long double m = 0, v = 0;
    for (std::int64_t c = 0; c < columns; ++c) m += x.real({r, c}) / n;
    for (std::int64_t c = 0; c < columns; ++c) v += (x.real({r, c}) - m) * (x.real({r, c}) - m) / n;
    const long double i = 1 / std::sqrt(v + 1e-5L);
    expect_close(mean.real({r}), m, 4 * precision_of(statistics));
    expect_close(inverse.real({r}), i, 1e-5 + 4 * precision_of(statistics));
    long double sum = 0, product = 0;
    const auto w = [&](std::int64_t c) { return affine ? weight.real({c}) : 1.0L; };
    for (std::int64_t c = 0; c < columns; ++c) {
      const long double hat = (x.real({r, c}) - m) * i;
      sum += dy.real({r, c}) * w(c) / n;
      product += dy.real({r, c}) * w(c) * hat / n;
      const auto at = static_cast<std::size_t>(c);
      d_weight[at] += dy.real({r, c}) * hat;
      d_bias[at] += dy.real({r, c});
      scale[at] += std::abs(dy.real({r, c})) * (1 + std::abs(hat));
    }
    for (std::int64_t c = 0; c < columns; ++c) {
      const long double hat = (x.real({r, c}) - m) * i;
      const double slack = 8 * eps * static_cast<double>(1 + 4 * i) + 1e-9;
      expect_close(y.real({r, c}), affine ? hat * w(c) + bias.real({c}) : hat, 4 * eps, slack);
      // The statistics that backward is given are rounded to their dtype.
      const double statistics_slack = 40 * (eps + precision_of(statistics)) * static_cast<double>(i);
      expect_close(dx.real({r, c}), i * (dy.real({r, c}) * w(c) - sum - hat * product), 8 * eps,
                   statistics_slack);
    }
  }
  if (!affine) return;
  for (std::int64_t c = 0; c < columns; ++c) {
    const auto at = static_cast<std::size_t>(c);
    const double slack = 16 * (eps + precision_of(statistics)) * static_cast<double>(scale[at]);
    expect_close(dw.real({c}), d_weight[at], eps, slack);
    expect_close(db.real({c}), d_bias[at], eps, slack);
  }
}

TEST(LayerNorm, ForwardAndBackward) {
  for (const DType dtype : floating_dtypes()) {
    const DType statistics = dtype == float64 ? float64 : float32;
    for (const bool affine : {false, true}) {
      check_layer_norm(dtype, statistics, 5, 33, affine);
      check_layer_norm(dtype, statistics, 200, 70, affine);
      check_layer_norm(dtype, statistics, 3, 9000, affine);
      check_layer_norm(dtype, statistics, 1, 2, affine);
      check_layer_norm(dtype, statistics, 0, 4, affine);
    }
  }
}

TEST(LayerNorm, SameBitsForEveryThreadCount) {
  const ThreadCountGuard guard;
  HostArray x(float32, Shape{1000, 64}), dy(float32, Shape{1000, 64}), mean(float32, Shape{1000}),
      inverse(float32, Shape{1000}), y(float32, Shape{1000, 64});
  x.randomize(1);
  dy.randomize(2);
  CpuBackend().layer_norm_forward({.input = x.view(),
                                   .weight = {},
                                   .bias = {},
                                   .output = y.view(),
                                   .mean = mean.view(),
                                   .inverse_std = inverse.view()});
  std::optional<HostArray> first;
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    HostArray dw(float32, Shape{64});
    CpuBackend().layer_norm_backward({.input = x.view(),
                                      .d_output = dy.view(),
                                      .mean = mean.view(),
                                      .inverse_std = inverse.view(),
                                      .weight = {},
                                      .d_input = {},
                                      .d_weight = dw.view(),
                                      .d_bias = {}});
    if (!first) first = dw;
    EXPECT_EQ(first->memory(), dw.memory());
  }
}

TEST(LayerNorm, ConstantRowsAreZero) {
  HostArray x(float32, Shape{1, 1000}), y(float32, Shape{1, 1000});
  for_each_index(x.shape(), [&](const Index& i) { x.set(i, 12345.678L); });
  CpuBackend().layer_norm_forward(
      {.input = x.view(), .weight = {}, .bias = {}, .output = y.view(), .mean = {}, .inverse_std = {}});
  for_each_index(y.shape(), [&](const Index& i) { EXPECT_NEAR(static_cast<double>(y.real(i)), 0, 1e-6); });
}

struct CrossEntropyCase {
  std::int64_t rows, classes;
  bool weighted;
  double smoothing;
  std::size_t layout = 0;
  double offset = 0;
};

void check_cross_entropy(DType dtype, const CrossEntropyCase& c) {
  const Layout layout = layouts_of({c.rows, c.classes}, false)[c.layout];
  HostArray x(dtype, layout), weight(dtype, Shape{c.classes}), losses(float32, Shape{c.rows}),
      logs(dtype == float64 ? float64 : float32, Shape{c.rows}), targets(int64, Shape{c.rows}),
      dx(dtype, layout), d_loss(float32, Layout({c.rows}, {0}));
  x.randomize(1, -4 + c.offset, 4 + c.offset);
  weight.randomize(2, 0.25, 2);
  targets.randomize(3, 0, static_cast<double>(c.classes));
  d_loss.set({0}, 0.5L);
  if (c.rows > 1) targets.set({1}, -100);
  std::optional<View> weights;
  if (c.weighted) weights = weight.view();
  CpuBackend().cross_entropy_forward({.logits = x.view(),
                                      .targets = targets.view(),
                                      .weight = weights,
                                      .label_smoothing = c.smoothing,
                                      .losses = losses.view(),
                                      .log_sum_exp = logs.view()});
  CpuBackend().cross_entropy_backward({.logits = x.view(),
                                       .targets = targets.view(),
                                       .log_sum_exp = logs.view(),
                                       .weight = weights,
                                       .label_smoothing = c.smoothing,
                                       .d_losses = d_loss.view(),
                                       .d_logits = dx.view()});
  const double eps = std::min(precision_of(dtype), 0x1p-23) + (dtype == float64 ? 0 : 0x1p-24);
  const auto w = [&](std::int64_t k) { return c.weighted ? weight.real({k}) : 1.0L; };
  for (std::int64_t r = 0; r < c.rows; ++r) {
    std::vector<long double> row;
    for (std::int64_t k = 0; k < c.classes; ++k) row.push_back(x.real({r, k}));
    const std::vector<long double> p = softmax_of(row);
    const auto target = static_cast<std::int64_t>(targets.real({r}));
    if (target == -100) {
      EXPECT_EQ(losses.real({r}), 0);
      for (std::int64_t k = 0; k < c.classes; ++k) EXPECT_EQ(dx.real({r, k}), 0);
      continue;
    }
    long double loss = -(1 - c.smoothing) * w(target) * std::log(p[static_cast<std::size_t>(target)]);
    long double total = 0;
    for (std::int64_t k = 0; k < c.classes; ++k) {
      total += w(k);
      loss -= c.smoothing / static_cast<double>(c.classes) * w(k) * std::log(p[static_cast<std::size_t>(k)]);
    }
    expect_close(losses.real({r}), loss, 16 * eps + 1e-6, 1e-6);
    for (std::int64_t k = 0; k < c.classes; ++k) {
      const long double q = p[static_cast<std::size_t>(k)];
      const long double part = c.smoothing / static_cast<double>(c.classes);
      const long double gradient =
          0.5L * ((1 - c.smoothing) * w(target) * (q - (k == target ? 1 : 0)) + part * (total * q - w(k)));
      expect_close(dx.real({r, k}), gradient, precision_of(dtype), 32 * eps + (dtype == float16 ? 6e-8 : 0));
    }
  }
}

TEST(CrossEntropy, ForwardAndBackward) {
  for (const DType dtype : floating_dtypes()) {
    for (const bool weighted : {false, true}) {
      for (const double smoothing : {0.0, 0.1}) {
        for (const std::size_t layout : {0u, 1u, 2u})
          check_cross_entropy(dtype, {7, 10, weighted, smoothing, layout});
        check_cross_entropy(dtype, {3, 20000, weighted, smoothing});
        check_cross_entropy(dtype, {2000, 3, weighted, smoothing});
        check_cross_entropy(dtype, {4, 1, weighted, smoothing});
      }
    }
    check_cross_entropy(dtype, {0, 5, false, 0});
  }
  check_cross_entropy(float32,
                      {6, 10, false, 0, 0, 1e5});  // where the rounded logarithm alone would be too rough
}

TEST(CrossEntropy, InfinitiesAndNaN) {
  HostArray x(float32, Shape{4, 6}), losses(float32, Shape{4}), logs(float32, Shape{4}),
      targets(int64, Shape{4});
  x.set({0, 0}, -INFINITY);  // the target: an infinite loss
  x.set({1, 3}, -INFINITY);  // another class: nothing special
  x.set({2, 3}, INFINITY);
  x.set({3, 3}, NAN);
  CpuBackend().cross_entropy_forward({.logits = x.view(),
                                      .targets = targets.view(),
                                      .weight = {},
                                      .losses = losses.view(),
                                      .log_sum_exp = logs.view()});
  EXPECT_EQ(losses.real({0}), INFINITY);
  expect_close(losses.real({1}), std::log(5.0L), 1e-6);
  EXPECT_TRUE(std::isnan(losses.real({2})));
  EXPECT_TRUE(std::isnan(losses.real({3})));
}

TEST(CrossEntropy, TargetOutOfRangeIsNamed) {
  HostArray x(float32, Shape{4, 6}), losses(float32, Shape{4}), logs(float32, Shape{4}),
      targets(int64, Shape{4});
  targets.set({2}, 6);
  const CrossEntropyForward work{.logits = x.view(),
                                 .targets = targets.view(),
                                 .weight = {},
                                 .losses = losses.view(),
                                 .log_sum_exp = logs.view()};
  expect_error(ErrorCode::index_out_of_range,
               "target 6 of row 2 is out of range for 6 classes in op cross_entropy",
               [&] { CpuBackend().cross_entropy_forward(work); });
  targets.set({2}, -1);
  expect_error(ErrorCode::index_out_of_range, "target -1 of row 2",
               [&] { CpuBackend().cross_entropy_forward(work); });
}

}  // namespace
}  // namespace rustorch
