#include <gtest/gtest.h>

#include <thread>

#include "host_tensor.h"
#include "rustorch/backends/runtime.h"
#include "rustorch/device/cpu_info.h"

namespace rustorch::testing {
namespace {

struct Case {
  std::int64_t batch, in_channels, out_channels;
  std::vector<std::int64_t> input, kernel;
  ConvolutionParameters parameters;

  Shape input_shape() const { return with_spatial({batch, in_channels}, input); }
  Shape weight_shape() const { return with_spatial({out_channels, in_channels / parameters.groups}, kernel); }
  Shape output_shape() const {
    std::vector<std::int64_t> output;
    for (std::size_t i = 0; i < input.size(); ++i) {
      const std::int64_t reach = (kernel[i] - 1) * parameters.dilation[i] + 1;
      output.push_back((input[i] + 2 * parameters.padding[i] - reach) / parameters.stride[i] + 1);
    }
    return with_spatial({batch, out_channels}, output);
  }
  std::string name() const {
    return fmt::format("input {} weight {} stride {} padding {} dilation {} groups {}", input_shape(),
                       weight_shape(), Shape(parameters.stride), Shape(parameters.padding),
                       Shape(parameters.dilation), parameters.groups);
  }

 private:
  static Shape with_spatial(std::vector<std::int64_t> shape, const std::vector<std::int64_t>& spatial) {
    shape.insert(shape.end(), spatial.begin(), spatial.end());
    return Shape(shape);
  }
};

Case make_case(std::int64_t batch, std::int64_t in_channels, std::int64_t out_channels,
               std::vector<std::int64_t> input, std::vector<std::int64_t> kernel,
               std::array<std::int64_t, 3> stride = {1, 1, 1},
               std::array<std::int64_t, 3> padding = {0, 0, 0},
               std::array<std::int64_t, 3> dilation = {1, 1, 1}, std::int64_t groups = 1) {
  ConvolutionParameters parameters;
  parameters.spatial_rank = input.size();
  parameters.stride = stride, parameters.padding = padding, parameters.dilation = dilation;
  parameters.groups = groups;
  return {batch, in_channels, out_channels, std::move(input), std::move(kernel), parameters};
}

std::vector<Case> cases() {
  return {
      make_case(2, 1, 8, {9, 9}, {3, 3}, {1, 1, 1}, {1, 1, 0}),
      make_case(19, 1, 16, {12, 31}, {3, 3}, {1, 1, 1}, {1, 1, 0}),
      make_case(2, 1, 32, {11, 9}, {3, 2}, {2, 1, 1}, {3, 2, 0}, {2, 3, 1}),
      make_case(3, 1, 16, {9, 13}, {2, 4}, {3, 2, 1}, {1, 4, 0}),
      make_case(2, 1, 16, {6, 7}, {1, 1}),
      make_case(3, 16, 32, {7, 6}, {3, 3}, {1, 1, 1}, {1, 1, 0}),
      make_case(1, 3, 5, {8, 11}, {3, 2}, {2, 1, 1}, {0, 1, 0}),
      make_case(2, 4, 4, {10, 10}, {3, 3}, {2, 3, 1}, {2, 2, 0}, {2, 1, 1}),
      make_case(2, 6, 9, {6, 7}, {3, 3}, {1, 1, 1}, {1, 1, 0}, {1, 1, 1}, 3),
      make_case(2, 16, 16, {6, 6}, {3, 3}, {1, 1, 1}, {1, 1, 0}, {1, 1, 1}, 16),
      make_case(2, 32, 64, {5, 5}, {3, 3}, {1, 1, 1}, {1, 1, 0}, {1, 1, 1}, 2),
      make_case(2, 5, 7, {4, 4}, {1, 1}),
      make_case(1, 2, 3, {5, 5}, {5, 5}, {1, 1, 1}, {2, 2, 0}),
      make_case(1, 2, 2, {3, 3}, {2, 2}, {1, 1, 1}, {4, 3, 0}),
      make_case(2, 3, 4, {12}, {4}, {3, 1, 1}, {1, 0, 0}),
      make_case(2, 1, 1, {20}, {3}, {1, 1, 1}, {2, 0, 0}, {2, 1, 1}),
      make_case(2, 2, 3, {4, 5, 6}, {2, 3, 2}, {1, 2, 1}, {1, 0, 1}),
      make_case(1, 4, 6, {4, 4, 4}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 2),
      make_case(1, 3, 2, {7, 7}, {2, 2}, {4, 4, 1}),  // some of the input is in no window
      // Kernel rows long enough for direct convolution: strides, dilation, partial panels, one dim, several
      // blocks of rows, borders as wide as the kernel.
      make_case(2, 20, 37, {9, 11}, {3, 3}, {2, 2, 1}, {1, 1, 0}, {2, 1, 1}),
      make_case(2, 34, 21, {8, 7}, {2, 1}, {1, 1, 1}, {1, 0, 0}, {3, 1, 1}),
      make_case(2, 40, 24, {30}, {3}, {2, 1, 1}, {1, 0, 0}),
      make_case(1, 64, 5, {26, 30}, {3, 3}, {1, 1, 1}, {2, 1, 0}),
      make_case(2, 33, 70, {5, 6}, {3, 2}, {1, 1, 1}, {2, 1, 0}),
      make_case(2, 34, 8, {7, 8}, {2, 2}, {3, 3, 1}),
  };
}

/// Calls f(input index, weight index, output index) for every product of a convolution.
template <class F>
void for_each_product(const Case& c, const F& f) {
  const auto aligned = [](const std::vector<std::int64_t>& values) {
    std::array<std::int64_t, 3> sizes{1, 1, 1};
    std::copy(values.begin(), values.end(), sizes.begin());
    return sizes;
  };
  const Shape output_shape = c.output_shape();
  const std::vector<std::int64_t> output(output_shape.begin() + 2, output_shape.end());
  const auto in = aligned(c.input), out = aligned(output), kernel = aligned(c.kernel);
  const std::int64_t in_group = c.in_channels / c.parameters.groups,
                     out_group = c.out_channels / c.parameters.groups;
  const std::int64_t in_pixels = in[0] * in[1] * in[2], out_pixels = out[0] * out[1] * out[2];
  const std::int64_t cells = kernel[0] * kernel[1] * kernel[2];
  for (std::int64_t n = 0; n < c.batch; ++n) {
    for (std::int64_t o = 0; o < c.out_channels; ++o) {
      for (std::int64_t pixel = 0; pixel < out_pixels; ++pixel) {
        for (std::int64_t cell = 0; cell < cells; ++cell) {
          const std::array<std::int64_t, 3> at = {pixel / (out[1] * out[2]), pixel / out[2] % out[1],
                                                  pixel % out[2]};
          const std::array<std::int64_t, 3> k = {cell / (kernel[1] * kernel[2]), cell / kernel[2] % kernel[1],
                                                 cell % kernel[2]};
          std::int64_t from = 0;
          bool inside = true;
          for (std::size_t i = 0; i < 3; ++i) {
            const std::int64_t x = i < c.input.size()
                                       ? at[i] * c.parameters.stride[i] - c.parameters.padding[i] +
                                             k[i] * c.parameters.dilation[i]
                                       : 0;
            inside = inside && x >= 0 && x < in[i];
            from = from * in[i] + x;
          }
          if (!inside) continue;
          for (std::int64_t i = 0; i < in_group; ++i) {
            f((n * c.in_channels + o / out_group * in_group + i) * in_pixels + from,
              (o * in_group + i) * cells + cell, (n * c.out_channels + o) * out_pixels + pixel);
          }
        }
      }
    }
  }
}

/// `terms`: how many products a result sums.
double tolerance_of(DType dtype, std::int64_t terms = 1) {
  return (200 + 10 * std::sqrt(static_cast<double>(terms))) *
             epsilon_of(is_reduced_precision(dtype) ? DType::float32 : dtype) +
         (is_reduced_precision(dtype) ? epsilon_of(dtype) : 0);
}

std::vector<Wide> zeros(const HostTensor& like) {
  return std::vector<Wide>(static_cast<std::size_t>(like.count()));
}

std::vector<Wide> channel_sums(const Case& c, const HostTensor& d_output) {
  std::vector<Wide> sums(static_cast<std::size_t>(c.out_channels));
  const std::int64_t pixels = d_output.count() / std::max<std::int64_t>(1, c.batch * c.out_channels);
  for (std::int64_t i = 0; i < d_output.count(); ++i) {
    sums[static_cast<std::size_t>(i / pixels % c.out_channels)] += d_output.get(i);
  }
  return sums;
}

void check_all_directions(const Case& c, DType dtype, Order activations, Order weights) {
  const std::string name = fmt::format("{} {} orders {} {}", dtype, c.name(), static_cast<int>(activations),
                                       static_cast<int>(weights));
  HostTensor input(dtype, c.input_shape(), activations), weight(dtype, c.weight_shape(), weights);
  HostTensor bias(dtype, {c.out_channels}, weights == Order::gaps ? Order::gaps : Order::plain);
  HostTensor output(dtype, c.output_shape(), activations);
  input.randomize(1), weight.randomize(2), bias.randomize(3);
  const std::vector<Wide> x = values_of(input), w = values_of(weight), b = values_of(bias);

  std::vector<Wide> expected = zeros(output);
  for_each_product(c, [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    expected[static_cast<std::size_t>(k)] +=
        x[static_cast<std::size_t>(i)].real() * w[static_cast<std::size_t>(j)].real();
  });
  cpu_backend().convolution_forward({c.parameters, input.view(), weight.view(), {}, output.view()});
  expect_near(output, expected, tolerance_of(dtype), name + " forward");
  const std::int64_t pixels = output.count() / (c.batch * c.out_channels);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] += b[i / static_cast<std::size_t>(pixels) % static_cast<std::size_t>(c.out_channels)];
  }
  cpu_backend().convolution_forward({c.parameters, input.view(), weight.view(), bias.view(), output.view()});
  expect_near(output, expected, tolerance_of(dtype), name + " forward with bias");

  HostTensor d_output(dtype, c.output_shape(), activations), d_input(dtype, c.input_shape(), activations);
  d_output.randomize(4);
  const std::vector<Wide> g = values_of(d_output);
  expected = zeros(d_input);
  for_each_product(c, [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    expected[static_cast<std::size_t>(i)] +=
        g[static_cast<std::size_t>(k)].real() * w[static_cast<std::size_t>(j)].real();
  });
  cpu_backend().convolution_backward_input({c.parameters, d_output.view(), weight.view(), d_input.view()});
  expect_near(d_input, expected, tolerance_of(dtype), name + " backward input");

  HostTensor d_weight(dtype, c.weight_shape(), weights), d_bias(dtype, {c.out_channels});
  expected = zeros(d_weight);
  for_each_product(c, [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    expected[static_cast<std::size_t>(j)] +=
        g[static_cast<std::size_t>(k)].real() * x[static_cast<std::size_t>(i)].real();
  });
  cpu_backend().convolution_backward_weight(
      {c.parameters, input.view(), d_output.view(), d_weight.view(), {}});
  expect_near(d_weight, expected, tolerance_of(dtype, c.batch * pixels), name + " backward weight");
  cpu_backend().convolution_backward_weight(
      {c.parameters, input.view(), d_output.view(), d_weight.view(), d_bias.view()});
  expect_near(d_weight, expected, tolerance_of(dtype, c.batch * pixels), name + " backward weight and bias");
  expect_near(d_bias, channel_sums(c, d_output), tolerance_of(dtype, c.batch * pixels),
              name + " backward bias");
}

TEST(Convolution, AllDirectionsOfEverySize) {
  for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
    for (const Case& c : cases()) {
      check_all_directions(c, dtype, Order::channels_last, Order::plain);
      check_all_directions(c, dtype, Order::plain, Order::plain);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(Convolution, AnyLayout) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Case& c : {cases()[5], cases()[8], cases()[14]}) {
      for (const Order activations : all_orders) {
        for (const Order weights : {Order::plain, Order::channels_last, Order::reversed, Order::gaps}) {
          check_all_directions(c, dtype, activations, weights);
          if (::testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

TEST(Convolution, EmptyOperands) {
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16}) {
    const Case c = make_case(0, 3, 4, {5, 5}, {3, 3});
    HostTensor input(dtype, c.input_shape()), weight(dtype, c.weight_shape()), bias(dtype, {4});
    HostTensor output(dtype, c.output_shape()), d_input(dtype, c.input_shape());
    HostTensor d_weight(dtype, c.weight_shape()), d_bias(dtype, {4});
    weight.randomize(1), bias.randomize(2);
    cpu_backend().convolution_forward(
        {c.parameters, input.view(), weight.view(), bias.view(), output.view()});
    cpu_backend().convolution_backward_input({c.parameters, output.view(), weight.view(), d_input.view()});
    cpu_backend().convolution_backward_weight(
        {c.parameters, input.view(), output.view(), d_weight.view(), d_bias.view()});
    expect_near(d_weight, zeros(d_weight), 0, "weight of an empty batch");
    expect_near(d_bias, zeros(d_bias), 0, "bias of an empty batch");

    // No input channels: the output is the bias alone.
    HostTensor no_channels(dtype, {2, 0, 5, 5}), no_weight(dtype, {4, 0, 3, 3}),
        bias_only(dtype, {2, 4, 3, 3});
    cpu_backend().convolution_forward(
        {c.parameters, no_channels.view(), no_weight.view(), bias.view(), bias_only.view()});
    for (std::int64_t i = 0; i < bias_only.count(); ++i) EXPECT_EQ(bias_only.get(i), bias.get(i / 9 % 4));
    cpu_backend().convolution_forward(
        {c.parameters, no_channels.view(), no_weight.view(), {}, bias_only.view()});
    expect_near(bias_only, zeros(bias_only), 0, "no channels, no bias");
  }
}

TEST(Convolution, RepeatedCallsGiveTheSameBits) {
  const Case c = make_case(8, 16, 32, {14, 14}, {3, 3}, {1, 1, 1}, {1, 1, 0});
  HostTensor input(DType::float32, c.input_shape(), Order::channels_last),
      weight(DType::float32, c.weight_shape());
  HostTensor output(DType::float32, c.output_shape(), Order::channels_last),
      d_weight(DType::float32, c.weight_shape());
  input.randomize(1), weight.randomize(2);
  std::vector<Wide> first, first_weight;
  for (int i = 0; i < 4; ++i) {
    cpu_backend().convolution_forward({c.parameters, input.view(), weight.view(), {}, output.view()});
    cpu_backend().convolution_backward_weight(
        {c.parameters, input.view(), output.view(), d_weight.view(), {}});
    if (i == 0) first = values_of(output), first_weight = values_of(d_weight);
    EXPECT_EQ(values_of(output), first);
    EXPECT_EQ(values_of(d_weight), first_weight);
  }
}

TEST(Convolution, TheSameBitsForEveryNumberOfThreads) {
  const int before = num_threads();
  for (const Case& c :
       {make_case(9, 16, 40, {14, 13}, {3, 3}, {1, 1, 1}, {1, 1, 0}),
        make_case(5, 1, 32, {28, 28}, {3, 3}, {1, 1, 1}, {1, 1, 0}), make_case(4, 24, 40, {9, 9}, {1, 1})}) {
    HostTensor input(DType::float32, c.input_shape(), Order::channels_last),
        weight(DType::float32, c.weight_shape());
    input.randomize(1), weight.randomize(2);
    std::vector<std::vector<Wide>> first;
    for (const int threads : {1, 2, 3, 7}) {
      set_num_threads(threads);
      HostTensor output(DType::float32, c.output_shape(), Order::channels_last),
          d_input(DType::float32, c.input_shape(), Order::channels_last),
          d_weight(DType::float32, c.weight_shape()), d_bias(DType::float32, {c.weight_shape()[0]});
      cpu_backend().convolution_forward({c.parameters, input.view(), weight.view(), {}, output.view()});
      cpu_backend().convolution_backward_input({c.parameters, output.view(), weight.view(), d_input.view()});
      cpu_backend().convolution_backward_weight(
          {c.parameters, input.view(), output.view(), d_weight.view(), d_bias.view()});
      const std::vector<std::vector<Wide>> results = {values_of(output), values_of(d_input),
                                                      values_of(d_weight), values_of(d_bias)};
      if (first.empty()) first = results;
      for (std::size_t i = 0; i < results.size(); ++i)
        EXPECT_EQ(results[i], first[i])
            << c.input_shape().to_string() << " result " << i << " threads " << threads;
    }
  }
  set_num_threads(before);
}

TEST(Convolution, FromSeveralThreadsAndThreadCounts) {
  const int before = num_threads();
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([] {
      for (const Case& c : {cases()[1], cases()[5], cases()[6]})
        check_all_directions(c, DType::float32, Order::channels_last, Order::plain);
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    check_all_directions(cases()[1], DType::float32, Order::channels_last, Order::plain);
    check_all_directions(cases()[1], DType::float64, Order::channels_last, Order::plain);
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace rustorch::testing
