// Convolutions and their gradients on each GPU that is here, against the CPU's.
#include "backends/gpu/convolution_case.h"
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"

namespace rustorch::testing {
namespace {

using Case = ConvolutionCase;

class GpuConvolution : public ProductsOnGpu {
 protected:
  /// How the activations and the weight lie.
  struct Orders {
    Order activations = Order::plain, weight = Order::plain;
  };

  /// All three kinds of work on the device and on the CPU over the same operands.
  void check(gpu::GpuBackend& backend, const Case& c, DType dtype, const Orders& orders) {
    HostTensor input(dtype, c.input, orders.activations), weight(dtype, c.weight, orders.weight);
    HostTensor bias(dtype, {c.weight[0]}), output(dtype, c.output(), orders.activations);
    input.randomize(1), weight.randomize(2), bias.randomize(3);
    const std::string what =
        fmt::format("{} {}: {} orders {} {}", backend.name(), dtype, c.name(),
                    static_cast<int>(orders.activations), static_cast<int>(orders.weight));
    const ConvolutionParameters parameters = c.parameters();
    DeviceCopy on_input(backend, input), on_weight(backend, weight), on_bias(backend, bias);
    const auto compare = [&](HostTensor& result, std::int64_t terms, const std::string& work,
                             const auto& compute) {
      HostTensor expected = result;
      compute(cpu_backend(), expected.view(), false);
      DeviceCopy on_result(backend, result);
      compute(backend, on_result.view(), true);
      on_result.fetch();
      const double sums = epsilon_of(is_reduced_precision(dtype) ? DType::float32 : dtype) *
                          (8 + 12 * std::sqrt(static_cast<double>(terms)));
      expect_near(result, values_of(expected), sums + (is_reduced_precision(dtype) ? epsilon_of(dtype) : 0),
                  what + work);
    };
    const std::int64_t window = weight.count() / c.weight[0];
    const bool with_bias = orders.activations == Order::plain;
    compare(output, window, " forward", [&](auto& device, View result, bool on_gpu) {
      ConvolutionForward work{parameters,
                              on_gpu ? on_input.view() : input.view(),
                              on_gpu ? on_weight.view() : weight.view(),
                              {},
                              result};
      if (with_bias) work.bias = on_gpu ? on_bias.view() : bias.view();
      device.convolution_forward(work);
    });
    if (HasFatalFailure()) return;
    HostTensor d_output(dtype, c.output(), orders.activations);
    d_output.randomize(4);
    DeviceCopy on_d_output(backend, d_output);
    HostTensor d_input(dtype, c.input, orders.activations);
    compare(d_input, window, " d_input", [&](auto& device, View result, bool on_gpu) {
      device.convolution_backward_input({parameters, on_gpu ? on_d_output.view() : d_output.view(),
                                         on_gpu ? on_weight.view() : weight.view(), result});
    });
    if (HasFatalFailure()) return;
    HostTensor d_weight(dtype, c.weight, orders.weight);
    HostTensor d_bias(dtype, {c.weight[0]}), cpu_d_bias = d_bias;
    DeviceCopy on_d_bias(backend, d_bias);
    const std::int64_t terms = output.count() / std::max<std::int64_t>(1, c.weight[0]);
    compare(d_weight, terms, " d_weight", [&](auto& device, View result, bool on_gpu) {
      device.convolution_backward_weight({parameters, on_gpu ? on_input.view() : input.view(),
                                          on_gpu ? on_d_output.view() : d_output.view(), result,
                                          on_gpu ? on_d_bias.view() : cpu_d_bias.view()});
    });
    if (HasFatalFailure()) return;
    on_d_bias.fetch();
    expect_near(d_bias, values_of(cpu_d_bias),
                (is_reduced_precision(dtype) ? 2 * epsilon_of(dtype) : 0) +
                    epsilon_of(dtype) * (8 + 12 * std::sqrt(static_cast<double>(terms))),
                what + " d_bias");
  }
};

TEST_F(GpuConvolution, EverySizeStridePaddingDilationAndGroups) {
  const Case cases[] = {
      {{2, 3, 9, 8}, {8, 3, 3, 3}, {1, 1, 1}, {1, 1, 0}},
      {{1, 1, 11, 9}, {33, 1, 3, 2}, {2, 1, 1}, {3, 2, 0}, {2, 3, 1}},
      {{2, 6, 10, 10}, {5, 6, 3, 3}, {2, 3, 1}, {2, 2, 0}, {2, 1, 1}},
      {{3, 5, 4, 4}, {40, 5, 1, 1}},
      {{3, 8, 5, 6}, {6, 8, 1, 1}, {2, 2, 1}},  // cells without a tap
      {{2, 6, 6, 7}, {9, 2, 3, 3}, {1, 1, 1}, {1, 1, 0}, {1, 1, 1}, 3},
      {{2, 16, 6, 6}, {16, 1, 3, 3}, {1, 1, 1}, {1, 1, 0}, {1, 1, 1}, 16},  // depthwise
      {{2, 8, 7, 6}, {16, 1, 3, 3}, {2, 2, 1}, {1, 1, 0}, {1, 1, 1}, 8},
      {{1, 2, 3, 3}, {2, 2, 2, 2}, {1, 1, 1}, {4, 3, 0}},                 // windows of padding alone
      {{1, 3, 7, 7}, {2, 3, 2, 2}, {4, 4, 1}},                            // cells in no window
      {{2, 20, 9, 11}, {37, 20, 3, 3}, {2, 2, 1}, {1, 1, 0}, {2, 2, 1}},  // stride and dilation alike
      {{1, 4, 16, 16}, {8, 4, 4, 4}, {4, 4, 1}},
      {{1, 3, 30, 31}, {7, 3, 7, 7}, {2, 2, 1}, {3, 3, 0}},
      {{2, 3, 12}, {4, 3, 4}, {3, 1, 1}, {1, 0, 0}},
      {{2, 40, 30}, {24, 40, 3}, {2, 1, 1}, {1, 0, 0}, {2, 1, 1}},
      {{2, 2, 4, 5, 6}, {3, 2, 2, 3, 2}, {1, 2, 1}, {1, 0, 1}},
      {{1, 4, 4, 4, 4}, {6, 2, 3, 3, 3}, {2, 1, 2}, {1, 1, 1}, {1, 1, 1}, 2},
      {{2, 70, 12, 12}, {66, 70, 3, 3}, {1, 1, 1}, {1, 1, 0}},
  };
  for (gpu::GpuBackend* backend : backends) {
    for (std::size_t i = 0; i < std::size(cases); ++i) {
      check(*backend, cases[i], DType::float32, {Order::plain, Order::plain});
      if (i % 3 == 0) check(*backend, cases[i], DType::float32, {Order::channels_last, Order::plain});
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(GpuConvolution, EveryDtypeAndOrder) {
  const Case c{{2, 6, 7, 9}, {8, 3, 3, 2}, {2, 1, 1}, {1, 1, 0}, {1, 2, 1}, 2};
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float64, DType::float16, DType::bfloat16}) {
      if (!backend->supports(Kind::convolution, dtype)) continue;
      check(*backend, c, dtype, {});
      if (HasFatalFailure()) return;
    }
    for (const Order activations : all_orders) {
      for (const Order weight : all_orders) {
        check(*backend, c, DType::float32, {activations, weight});
        if (HasFatalFailure()) return;
      }
    }
    EXPECT_FALSE(backend->supports(Kind::convolution, DType::int32));
    EXPECT_FALSE(backend->supports(Kind::convolution, DType::complex64));
  }
}

TEST_F(GpuConvolution, EmptyBatchesAndChannels) {
  for (gpu::GpuBackend* backend : backends) {
    check(*backend, {{0, 3, 5, 5}, {2, 3, 3, 3}}, DType::float32, {});
    check(*backend, {{2, 0, 5, 5}, {2, 0, 3, 3}}, DType::float32, {});
  }
}

}  // namespace
}  // namespace rustorch::testing
