#include <gtest/gtest.h>

#include <limits>

#include "host_tensor.h"
#include "rustorch/backends/runtime.h"

namespace rustorch::testing {
namespace {

struct Case {
  std::int64_t batch, channels;
  std::vector<std::int64_t> input, output;
  PoolingParameters parameters;

  std::string name() const {
    return fmt::format("[{} {}] {} -> {} kernel {} stride {} padding {} dilation {}{}", batch, channels,
                       Shape(input), Shape(output), Shape(parameters.kernel), Shape(parameters.stride),
                       Shape(parameters.padding), Shape(parameters.dilation),
                       parameters.adaptive ? " adaptive" : "");
  }
  Shape large() const { return with_spatial(input); }
  Shape small() const { return with_spatial(output); }

 private:
  Shape with_spatial(const std::vector<std::int64_t>& spatial) const {
    std::vector<std::int64_t> shape = {batch, channels};
    shape.insert(shape.end(), spatial.begin(), spatial.end());
    return Shape(shape);
  }
};

Case make_case(std::int64_t batch, std::int64_t channels, std::vector<std::int64_t> input,
               std::array<std::int64_t, 3> kernel, std::array<std::int64_t, 3> stride,
               std::array<std::int64_t, 3> padding = {0, 0, 0},
               std::array<std::int64_t, 3> dilation = {1, 1, 1}, bool ceil = false) {
  PoolingParameters p;
  p.spatial_rank = input.size();
  p.kernel = kernel, p.stride = stride, p.padding = padding, p.dilation = dilation;
  std::vector<std::int64_t> output;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::int64_t room = input[i] + 2 * padding[i] - (kernel[i] - 1) * dilation[i] - 1;
    std::int64_t out = room / stride[i] + 1;
    if (ceil && room % stride[i] != 0 && out * stride[i] < input[i] + padding[i]) ++out;  // PyTorch's rule
    output.push_back(out);
  }
  return {batch, channels, std::move(input), std::move(output), p};
}

Case adaptive_case(std::int64_t batch, std::int64_t channels, std::vector<std::int64_t> input,
                   std::vector<std::int64_t> output) {
  PoolingParameters p;
  p.spatial_rank = input.size();
  p.adaptive = true;
  return {batch, channels, std::move(input), std::move(output), p};
}

std::vector<Case> cases() {
  return {
      make_case(3, 16, {8, 8}, {2, 2, 1}, {2, 2, 1}),
      make_case(2, 33, {9, 7}, {2, 2, 1}, {2, 2, 1}),
      make_case(2, 3, {9, 40}, {3, 3, 1}, {2, 2, 1}, {1, 1, 0}),
      make_case(2, 20, {6, 7}, {3, 3, 1}, {1, 1, 1}, {1, 1, 0}),
      make_case(1, 40, {7, 7}, {3, 2, 1}, {2, 2, 1}, {1, 1, 0}, {1, 1, 1}, true),
      make_case(2, 5, {11, 12}, {2, 3, 1}, {3, 2, 1}, {0, 1, 0}, {2, 2, 1}),
      make_case(2, 17, {20}, {5, 1, 1}, {2, 1, 1}, {2, 0, 0}),
      make_case(2, 1, {50}, {2, 1, 1}, {2, 1, 1}),
      make_case(2, 18, {4, 5, 6}, {2, 3, 2}, {2, 2, 1}, {1, 1, 1}, {1, 1, 1}, true),
      make_case(1, 4, {17, 17}, {17, 17, 1}, {17, 17, 1}),  // more than 256 cells
      make_case(1, 16, {7, 7}, {2, 2, 1}, {4, 3, 1}),       // cells that are in no window
      adaptive_case(2, 19, {10, 7}, {3, 4}),
      adaptive_case(2, 6, {5, 5}, {1, 1}),
      adaptive_case(1, 3, {3, 2}, {5, 4}),
      adaptive_case(2, 3, {9}, {4}),
  };
}

struct Cell {
  std::int64_t input = 0;     // row-major index in the input
  std::int64_t position = 0;  // number in the window
};

struct Window {
  std::vector<Cell> cells;
  std::int64_t padded_cells = 0;
  std::int64_t all_cells = 0;
};

/// The windows of every element of the output, in row-major order.
std::vector<Window> windows_of(const Case& c) {
  std::array<std::int64_t, 3> in{1, 1, 1}, out{1, 1, 1};
  std::copy(c.input.begin(), c.input.end(), in.begin());
  std::copy(c.output.begin(), c.output.end(), out.begin());
  const PoolingParameters& p = c.parameters;
  std::vector<Window> windows;
  for (std::int64_t plane = 0; plane < c.batch * c.channels; ++plane) {
    for (std::int64_t pixel = 0; pixel < out[0] * out[1] * out[2]; ++pixel) {
      const std::array<std::int64_t, 3> at = {pixel / (out[1] * out[2]), pixel / out[2] % out[1],
                                              pixel % out[2]};
      std::array<std::int64_t, 3> begin{}, size{1, 1, 1}, step{1, 1, 1}, low{}, high{1, 1, 1};
      for (std::size_t i = 0; i < c.input.size(); ++i) {
        if (p.adaptive) {
          begin[i] = at[i] * in[i] / out[i];
          size[i] = ((at[i] + 1) * in[i] + out[i] - 1) / out[i] - begin[i];
        } else {
          begin[i] = at[i] * p.stride[i] - p.padding[i];
          size[i] = p.kernel[i];
          step[i] = p.dilation[i];
          low[i] = -p.padding[i];
        }
        high[i] = in[i] + (p.adaptive ? 0 : p.padding[i]);
      }
      Window window;
      window.all_cells = size[0] * size[1] * size[2];
      for (std::int64_t cell = 0; cell < window.all_cells; ++cell) {
        const std::array<std::int64_t, 3> k = {cell / (size[1] * size[2]), cell / size[2] % size[1],
                                               cell % size[2]};
        bool inside = true, padded = true;
        std::int64_t index = plane;
        for (std::size_t i = 0; i < 3; ++i) {
          const std::int64_t x = begin[i] + k[i] * step[i];
          inside = inside && x >= 0 && x < in[i];
          padded = padded && x >= low[i] && x < high[i];
          index = index * in[i] + x;
        }
        if (inside) window.cells.push_back({index, cell});
        if (padded) ++window.padded_cells;
      }
      windows.push_back(std::move(window));
    }
  }
  return windows;
}

void check_max(const Case& c, DType dtype, DType position_dtype, Order order, bool with_nan) {
  const std::string name = fmt::format("max {} {} order {}{}", dtype, c.name(), static_cast<int>(order),
                                       with_nan ? " with NaN" : "");
  HostTensor input(dtype, c.large(), order), output(dtype, c.small(), order);
  HostTensor positions(position_dtype, c.small(), order);
  input.randomize(7);
  if (with_nan) {
    for (std::int64_t i = 0; i < input.count(); i += 13)
      input.set(i, std::numeric_limits<long double>::quiet_NaN());
  }
  const std::vector<Window> windows = windows_of(c);
  const std::vector<Wide> x = values_of(input);
  std::vector<Wide> expected, expected_positions;
  std::vector<std::int64_t> winners;
  for (const Window& window : windows) {
    Cell best = window.cells.front();
    for (const Cell& cell : window.cells) {
      const long double value = x[static_cast<std::size_t>(cell.input)].real();
      if (value > x[static_cast<std::size_t>(best.input)].real() || std::isnan(value)) best = cell;
    }
    expected.push_back(x[static_cast<std::size_t>(best.input)]);
    expected_positions.push_back(static_cast<long double>(best.position));
    winners.push_back(best.input);
  }
  cpu_backend().pooling_forward({c.parameters, input.view(), output.view(), positions.view()});
  expect_near(output, expected, 0, name);
  expect_near(positions, expected_positions, 0, name + " positions");
  HostTensor without_positions(dtype, c.small(), order);
  cpu_backend().pooling_forward({c.parameters, input.view(), without_positions.view(), {}});
  expect_near(without_positions, expected, 0, name + " without positions");

  if (!is_floating_point(dtype)) return;
  HostTensor d_output(dtype, c.small(), order), d_input(dtype, c.large(), order);
  d_output.randomize(8);
  std::vector<Wide> expected_gradient(x.size());
  for (std::size_t i = 0; i < winners.size(); ++i) {
    expected_gradient[static_cast<std::size_t>(winners[i])] += d_output.get(static_cast<std::int64_t>(i));
  }
  cpu_backend().pooling_backward({c.parameters, d_output.view(), positions.view(), d_input.view()});
  expect_near(d_input, expected_gradient, 8 * epsilon_of(dtype), name + " backward");
}

void check_average(Case c, DType dtype, Order order) {
  c.parameters.kind = PoolingKind::average;
  const std::string name = fmt::format("average {} {} order {}", dtype, c.name(), static_cast<int>(order));
  const std::vector<Window> windows = windows_of(c);
  for (const int rule : {0, 1, 2}) {
    c.parameters.count_include_pad = rule == 0;
    c.parameters.divisor = rule == 2 ? std::optional<std::int64_t>(3) : std::nullopt;
    HostTensor input(dtype, c.large(), order), output(dtype, c.small(), order);
    input.randomize(9);
    HostTensor d_output(dtype, c.small(), order), d_input(dtype, c.large(), order);
    d_output.randomize(10);
    std::vector<Wide> expected, expected_gradient(static_cast<std::size_t>(input.count()));
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const Window& window = windows[i];
      long double divisor = static_cast<long double>(
          rule == 0 ? window.padded_cells : static_cast<std::int64_t>(window.cells.size()));
      if (rule == 2) divisor = 3;
      Wide sum;
      for (const Cell& cell : window.cells) {
        sum += input.get(cell.input);
        expected_gradient[static_cast<std::size_t>(cell.input)] +=
            d_output.get(static_cast<std::int64_t>(i)) / divisor;
      }
      expected.push_back(sum / divisor);
    }
    const double tolerance = (is_reduced_precision(dtype) ? 1 : 50) * epsilon_of(dtype);
    cpu_backend().pooling_forward({c.parameters, input.view(), output.view(), {}});
    expect_near(output, expected, tolerance, name);
    cpu_backend().pooling_backward({c.parameters, d_output.view(), {}, d_input.view()});
    expect_near(d_input, expected_gradient, tolerance, name + " backward");
  }
}

DType position_dtype(const Case& c) {
  std::int64_t most = 0;
  for (const Window& window : windows_of(c)) most = std::max(most, window.all_cells);
  return most <= 256 ? DType::uint8 : DType::int32;
}

TEST(Pooling, MaxOfEverySizeDtypeAndOrder) {
  for (const Case& c : cases()) {
    const DType positions = position_dtype(c);
    for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16, DType::uint8,
                              DType::int8, DType::int16, DType::int32, DType::int64}) {
      for (const Order order : all_orders) {
        check_max(c, dtype, positions, order, false);
        if (is_floating_point(dtype)) check_max(c, dtype, positions, order, true);
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(Pooling, PositionsOfFourBytes) {
  for (const Case& c : cases()) {
    for (const Order order : all_orders) {
      check_max(c, DType::float32, DType::int32, order, false);
      check_max(c, DType::float64, DType::int32, order, false);
    }
  }
}

TEST(Pooling, AverageOfEverySizeDtypeAndOrder) {
  for (const Case& c : cases()) {
    for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
      for (const Order order : all_orders) {
        check_average(c, dtype, order);
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(Pooling, OperandsOfDifferentOrders) {
  const Case c = make_case(2, 20, {8, 10}, {2, 2, 1}, {2, 2, 1});
  HostTensor input(DType::float32, c.large(), Order::channels_last), plain(DType::float32, c.large());
  HostTensor output(DType::float32, c.small()), positions(DType::uint8, c.small(), Order::gaps);
  HostTensor expected(DType::float32, c.small()), expected_positions(DType::uint8, c.small());
  input.randomize(1), plain.randomize(1);
  cpu_backend().pooling_forward({c.parameters, input.view(), output.view(), positions.view()});
  cpu_backend().pooling_forward({c.parameters, plain.view(), expected.view(), expected_positions.view()});
  EXPECT_EQ(values_of(output), values_of(expected));
  EXPECT_EQ(values_of(positions), values_of(expected_positions));
  HostTensor d_input(DType::float32, c.large(), Order::channels_last), d_expected(DType::float32, c.large());
  cpu_backend().pooling_backward({c.parameters, output.view(), positions.view(), d_input.view()});
  cpu_backend().pooling_backward(
      {c.parameters, expected.view(), expected_positions.view(), d_expected.view()});
  EXPECT_EQ(values_of(d_input), values_of(d_expected));
}

TEST(Pooling, WindowsOfPaddingAlone) {
  PoolingParameters p;
  p.kernel = {2, 1, 1}, p.dilation = {4, 1, 1}, p.padding = {1, 0, 0};
  HostTensor input(DType::float32, {1, 2, 3, 1}), output(DType::float32, {1, 2, 1, 1}),
      positions(DType::uint8, {1, 2, 1, 1});
  input.randomize(1);
  cpu_backend().pooling_forward({p, input.view(), output.view(), positions.view()});
  EXPECT_EQ(output.real(0), -std::numeric_limits<long double>::infinity());
  p.kind = PoolingKind::average;
  p.count_include_pad = false;
  cpu_backend().pooling_forward({p, input.view(), output.view(), {}});
  EXPECT_EQ(output.real(0), 0);
  HostTensor d_input(DType::float32, {1, 2, 3, 1});
  output.randomize(3);
  cpu_backend().pooling_backward({p, output.view(), {}, d_input.view()});
  for (std::int64_t i = 0; i < d_input.count(); ++i) EXPECT_EQ(d_input.real(i), 0);
}

TEST(Pooling, EmptyBatch) {
  const Case c = make_case(0, 4, {6, 6}, {2, 2, 1}, {2, 2, 1});
  HostTensor input(DType::float32, c.large()), output(DType::float32, c.small()),
      positions(DType::uint8, c.small());
  cpu_backend().pooling_forward({c.parameters, input.view(), output.view(), positions.view()});
  cpu_backend().pooling_backward({c.parameters, output.view(), positions.view(), input.view()});
}

}  // namespace
}  // namespace rustorch::testing
