#include <gtest/gtest.h>

#include "host_tensor.h"
#include "rustorch/backends/runtime.h"
#include "rustorch/device/cpu_info.h"

namespace rustorch::testing {
namespace {

struct Statistics {
  std::vector<long double> mean, variance;
};

std::int64_t channel_of(const Shape& shape, std::int64_t index) {
  std::int64_t pixels = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) pixels *= shape[i];
  return index / pixels % shape[1];
}

Statistics statistics_of(const HostTensor& x) {
  const std::int64_t channels = x.shape()[1], count = x.count() / channels;
  Statistics s{std::vector<long double>(static_cast<std::size_t>(channels)),
               std::vector<long double>(static_cast<std::size_t>(channels))};
  const auto channel = [&](std::int64_t i) { return static_cast<std::size_t>(channel_of(x.shape(), i)); };
  for (std::int64_t i = 0; i < x.count(); ++i)
    s.mean[channel(i)] += x.real(i) / static_cast<long double>(count);
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const long double distance = x.real(i) - s.mean[channel(i)];
    s.variance[channel(i)] += distance * distance / static_cast<long double>(count);
  }
  return s;
}

DType statistics_dtype(DType dtype) { return dtype == DType::float64 ? DType::float64 : DType::float32; }

double tolerance_of(DType dtype) {
  return 100 * epsilon_of(statistics_dtype(dtype)) + (is_reduced_precision(dtype) ? epsilon_of(dtype) : 0);
}

const Shape shapes[] = {{6, 5},       {40, 33},       {2, 3, 7},       {3, 16, 4, 4},  {2, 35, 5, 3},
                        {4, 1, 6, 6}, {1, 8, 30, 30}, {2, 4, 3, 2, 5}, {150, 7, 3, 3}, {2, 3, 1, 1}};

void check(const Shape& shape, DType dtype, Order order, bool affine, bool training) {
  const std::string name = fmt::format("{} {} order {} affine {} training {}", dtype, shape,
                                       static_cast<int>(order), affine, training);
  const DType parameter_dtype = statistics_dtype(dtype);
  const std::int64_t channels = shape[1];
  HostTensor x(dtype, shape, order), weight(parameter_dtype, {channels}),
      bias(parameter_dtype, {channels}, Order::gaps);
  HostTensor scale(parameter_dtype, {channels}), shift(parameter_dtype, {channels}, Order::gaps);
  HostTensor running_mean(parameter_dtype, {channels}), running_variance(parameter_dtype, {channels});
  HostTensor mean(parameter_dtype, {channels}), inverse_std(parameter_dtype, {channels});
  x.randomize(1), weight.randomize(2), bias.randomize(3), running_mean.randomize(4);
  for (std::int64_t i = 0; i < channels; ++i)
    running_variance.set(i, 0.5L + 0.1L * static_cast<long double>(i % 7));
  const std::vector<Wide> old_mean = values_of(running_mean), old_variance = values_of(running_variance);

  BatchNormForward forward;
  forward.input = x.view();
  if (affine) forward.weight = weight.view(), forward.bias = bias.view();
  forward.running_mean = running_mean.view(), forward.running_variance = running_variance.view();
  forward.training = training;
  forward.momentum = 0.3;
  forward.epsilon = 1e-3;
  forward.scale = scale.view(), forward.shift = shift.view();
  if (training) forward.saved_mean = mean.view(), forward.saved_inverse_std = inverse_std.view();
  cpu_backend().batch_norm_forward(forward);

  const std::int64_t count = x.count() / channels;
  Statistics s = statistics_of(x);
  std::vector<Wide> expected_mean, expected_inverse, new_mean = old_mean, new_variance = old_variance;
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
    if (training) {
      const long double unbiased = s.variance[c] * static_cast<long double>(count) /
                                   static_cast<long double>(std::max<std::int64_t>(1, count - 1));
      new_mean[c] = 0.7L * old_mean[c].real() + 0.3L * s.mean[c];
      new_variance[c] = 0.7L * old_variance[c].real() + 0.3L * unbiased;
    } else {
      s.mean[c] = old_mean[c].real();
      s.variance[c] = old_variance[c].real();
    }
    expected_mean.push_back(s.mean[c]);
    expected_inverse.push_back(1 / std::sqrt(s.variance[c] + 1e-3L));
  }
  HostTensor y(DType::float64, shape);
  std::vector<Wide> expected;
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const std::int64_t c = channel_of(shape, i);
    const auto at = static_cast<std::size_t>(c);
    const long double normal = (x.real(i) - s.mean[at]) * expected_inverse[at].real();
    expected.push_back(affine ? normal * weight.real(c) + bias.real(c) : normal);
    y.set(i, x.real(i) * scale.real(c) + shift.real(c));
  }
  expect_near(y, expected, tolerance_of(parameter_dtype), name + " forward");
  expect_near(running_mean, new_mean, tolerance_of(parameter_dtype), name + " running mean");
  expect_near(running_variance, new_variance, tolerance_of(parameter_dtype), name + " running variance");
  if (training) {
    expect_near(mean, expected_mean, tolerance_of(parameter_dtype), name + " saved mean");
    expect_near(inverse_std, expected_inverse, tolerance_of(parameter_dtype), name + " saved inverse std");
  } else {
    for (std::int64_t c = 0; c < channels; ++c) {
      mean.set(c, expected_mean[static_cast<std::size_t>(c)]);
      inverse_std.set(c, expected_inverse[static_cast<std::size_t>(c)]);
    }
  }

  HostTensor dy(dtype, shape, order), dw(parameter_dtype, {channels}), db(parameter_dtype, {channels});
  HostTensor by_dy(parameter_dtype, {channels}), by_x(parameter_dtype, {channels}),
      offset(parameter_dtype, {channels}, Order::gaps);
  dy.randomize(5);
  BatchNormBackward backward;
  backward.input = x.view(), backward.d_output = dy.view();
  if (affine) backward.weight = weight.view();
  backward.mean = mean.view(), backward.inverse_std = inverse_std.view();
  backward.training = training;
  backward.by_output_gradient = by_dy.view();
  if (training) backward.by_input = by_x.view(), backward.shift = offset.view();
  if (affine) backward.d_weight = dw.view(), backward.d_bias = db.view();
  cpu_backend().batch_norm_backward(backward);

  std::vector<Wide> sum(static_cast<std::size_t>(channels)), product(static_cast<std::size_t>(channels));
  const auto normal_at = [&](std::int64_t i) {
    const auto c = static_cast<std::size_t>(channel_of(shape, i));
    return (x.real(i) - expected_mean[c].real()) * expected_inverse[c].real();
  };
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const auto c = static_cast<std::size_t>(channel_of(shape, i));
    sum[c] += dy.real(i);
    product[c] += dy.real(i) * normal_at(i);
  }
  HostTensor dx(DType::float64, shape);
  std::vector<Wide> expected_gradient;
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const std::int64_t channel = channel_of(shape, i);
    const auto c = static_cast<std::size_t>(channel);
    const long double factor = expected_inverse[c].real() * (affine ? weight.real(channel) : 1);
    long double gradient = dy.real(i);
    if (training)
      gradient -= (sum[c].real() + normal_at(i) * product[c].real()) / static_cast<long double>(count);
    expected_gradient.push_back(factor * gradient);
    dx.set(i, dy.real(i) * by_dy.real(channel) +
                  (training ? x.real(i) * by_x.real(channel) + offset.real(channel) : 0));
  }
  // A spread as small as epsilon makes the gradient large, and its terms cancel.
  expect_near(dx, expected_gradient, 30 * tolerance_of(parameter_dtype), name + " backward");
  if (affine) {
    expect_near(dw, product, 30 * tolerance_of(parameter_dtype), name + " weight's gradient");
    expect_near(db, sum, 30 * tolerance_of(parameter_dtype), name + " bias's gradient");
  }
}

TEST(BatchNorm, EveryShapeDtypeAndOrder) {
  for (const Shape& shape : shapes) {
    for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
      for (const Order order : all_orders) {
        for (const bool affine : {true, false}) {
          for (const bool training : {true, false}) check(shape, dtype, order, affine, training);
        }
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

/// A mean far from zero: sums of squares would lose all digits of the variance.
TEST(BatchNorm, VarianceFarFromZero) {
  for (const Order order : {Order::plain, Order::channels_last}) {
    HostTensor x(DType::float32, {16, 20, 25, 25}, order);
    HostTensor scale(DType::float32, {20}), shift(DType::float32, {20});
    HostTensor mean(DType::float32, {20}), inverse_std(DType::float32, {20});
    x.randomize(1);
    for (std::int64_t i = 0; i < x.count(); ++i) x.set(i, x.real(i) + 3000);
    BatchNormForward work;
    work.input = x.view(), work.scale = scale.view(), work.shift = shift.view(), work.training = true;
    work.saved_mean = mean.view(), work.saved_inverse_std = inverse_std.view();
    work.epsilon = 0;
    cpu_backend().batch_norm_forward(work);
    const Statistics s = statistics_of(x);
    for (std::int64_t c = 0; c < 20; ++c) {
      EXPECT_NEAR(static_cast<double>(mean.real(c) / s.mean[static_cast<std::size_t>(c)]), 1, 1e-6);
      EXPECT_NEAR(
          static_cast<double>(inverse_std.real(c) * std::sqrt(s.variance[static_cast<std::size_t>(c)])), 1,
          1e-5);
    }
  }
}

TEST(BatchNorm, TheSameBitsForEveryNumberOfThreads) {
  const int before = num_threads();
  for (const Order order : {Order::plain, Order::channels_last}) {
    std::vector<Wide> first;
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      HostTensor x(DType::float32, {16, 24, 20, 20}, order), dy(DType::float32, x.shape(), order);
      HostTensor scale(DType::float32, {24}), shift(DType::float32, {24});
      HostTensor mean(DType::float32, {24}), inverse_std(DType::float32, {24});
      x.randomize(1), dy.randomize(2);
      BatchNormForward work;
      work.input = x.view(), work.scale = scale.view(), work.shift = shift.view(), work.training = true;
      work.saved_mean = mean.view(), work.saved_inverse_std = inverse_std.view();
      cpu_backend().batch_norm_forward(work);
      HostTensor by_dy(DType::float32, {24}), by_x(DType::float32, {24}), offset(DType::float32, {24});
      BatchNormBackward backward;
      backward.input = x.view(), backward.d_output = dy.view();
      backward.mean = mean.view(), backward.inverse_std = inverse_std.view();
      backward.by_output_gradient = by_dy.view(), backward.by_input = by_x.view();
      backward.shift = offset.view();
      cpu_backend().batch_norm_backward(backward);
      std::vector<Wide> all;
      for (const HostTensor* result : {&scale, &shift, &mean, &inverse_std, &by_dy, &by_x, &offset}) {
        const std::vector<Wide> values = values_of(*result);
        all.insert(all.end(), values.begin(), values.end());
      }
      if (threads == 1) first = all;
      EXPECT_EQ(all, first);
    }
  }
  set_num_threads(before);
}

TEST(BatchNorm, AnExpandedGradient) {  // as the gradient of a sum comes
  const Shape shape = {4, 18, 5, 5};
  HostTensor x(DType::float32, shape, Order::channels_last);
  HostTensor by_dy(DType::float32, {18}), by_x(DType::float32, {18}), offset(DType::float32, {18});
  HostTensor mean(DType::float32, {18}), inverse_std(DType::float32, {18}), dw(DType::float32, {18}),
      db(DType::float32, {18});
  x.randomize(1), mean.randomize(2), inverse_std.randomize(3);
  HostTensor one(DType::float32, Layout(shape, {0, 0, 0, 0}));
  one.set(0, 1);
  BatchNormBackward work;
  work.input = x.view(), work.d_output = one.view(), work.mean = mean.view(),
  work.inverse_std = inverse_std.view();
  work.by_output_gradient = by_dy.view(), work.by_input = by_x.view(), work.shift = offset.view();
  work.d_weight = dw.view(), work.d_bias = db.view();
  cpu_backend().batch_norm_backward(work);
  for (std::int64_t c = 0; c < 18; ++c) EXPECT_EQ(db.real(c), 100);
}

TEST(BatchNorm, EmptyBatch) {
  HostTensor x(DType::float32, {0, 3, 4, 4}), mean(DType::float32, {3}), inverse_std(DType::float32, {3}),
      running_mean(DType::float32, {3}), running_variance(DType::float32, {3});
  HostTensor scale(DType::float32, {3}), shift(DType::float32, {3}), by_input(DType::float32, {3});
  running_mean.randomize(1), running_variance.randomize(2);
  const std::vector<Wide> before = values_of(running_mean);
  BatchNormForward work;
  work.input = x.view(), work.scale = scale.view(), work.shift = shift.view(), work.training = true;
  work.saved_mean = mean.view(), work.saved_inverse_std = inverse_std.view();
  work.running_mean = running_mean.view(), work.running_variance = running_variance.view();
  cpu_backend().batch_norm_forward(work);
  EXPECT_EQ(values_of(running_mean), before);
  HostTensor dw(DType::float32, {3}), db(DType::float32, {3});
  BatchNormBackward backward;
  backward.input = x.view(), backward.d_output = x.view(), backward.mean = mean.view();
  backward.inverse_std = inverse_std.view(), backward.by_output_gradient = scale.view();
  backward.by_input = by_input.view(), backward.shift = shift.view();
  backward.d_weight = dw.view(), backward.d_bias = db.view();
  cpu_backend().batch_norm_backward(backward);
  for (std::int64_t c = 0; c < 3; ++c) EXPECT_EQ(dw.real(c), 0);
}

}  // namespace
}  // namespace rustorch::testing
