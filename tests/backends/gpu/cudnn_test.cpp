// Convolutions through cuDNN on each CUDA device that is here, against the CPU's.
#include "backends/gpu/convolution_case.h"
#include "backends/gpu/cuda_library.h"
#include "backends/gpu/device_copy.h"
#include "rustorch/backends/gpu/convolution_library.h"

namespace rustorch::testing {
namespace {

using Case = ConvolutionCase;

class GpuCudnn : public OnCudaLibrary {
 protected:
  std::string library(gpu::KernelExecutor& executor) const override {
    return executor.convolution_library()->description();
  }

  /// How the tensors lie, and where they begin in their buffers.
  struct Place {
    Order activations = Order::plain, weight = Order::plain;
    std::int64_t offset = 0;

    HostTensor activation(DType dtype, const Shape& shape) const { return at(dtype, shape, activations); }
    HostTensor of_weight(DType dtype, const Shape& shape) const { return at(dtype, shape, weight); }

   private:
    HostTensor at(DType dtype, const Shape& shape, Order order) const {
      Layout layout = HostTensor(dtype, shape, order).layout();
      layout.offset += offset;
      return {dtype, layout};
    }
  };

  /// Whose work is expected.
  enum class By { anyone, library_forward, library };

  /// All three directions on the device, twice, and on the CPU. `by`: no kernel of ours runs but for a bias,
  /// in all directions or forward; weights are in the activations' order then. `factor_rounding`: of factors
  /// before they are multiplied.
  void check(gpu::GpuBackend& backend, const Case& c, DType dtype, const Place& place, By by,
             double factor_rounding = 0) {
    HostTensor input = place.activation(dtype, c.input), weight = place.of_weight(dtype, c.weight);
    HostTensor d_output = place.activation(dtype, c.output()), bias(dtype, {c.weight[0]});
    HostTensor output = d_output, d_input = input, d_weight = weight, d_bias = bias;
    input.randomize(1), weight.randomize(2), d_output.randomize(3), bias.randomize(4);
    const std::string what =
        fmt::format("{}: {}, orders {} {}, offset {}", dtype, c.name(), static_cast<int>(place.activations),
                    static_cast<int>(place.weight), place.offset);
    const ConvolutionParameters parameters = c.parameters();
    const auto compare = [&](const std::vector<HostTensor*>& inputs, const std::vector<HostTensor*>& results,
                             std::int64_t terms, const char* direction, bool has_bias, const auto& work) {
      const bool reduced = is_reduced_precision(dtype);
      // Of products of numbers below 1, some of whose roundings have one sign and some the other.
      const double root = std::sqrt(static_cast<double>(terms));
      const double sums =
          ((8 + 12 * root) * epsilon_of(reduced ? DType::float32 : dtype) + 4 * root * factor_rounding) /
          epsilon_of(dtype);
      const std::uint64_t before = kernels(backend);
      // A bias that no engine adds is added to the rounded result.
      expect_as_on_cpu(backend, inputs, results, work, sums + (reduced ? has_bias ? 2 : 1 : 0),
                       what + direction);
      const bool is_forward = results.front() == &output;
      if (!has_bias && (by == By::library || (by == By::library_forward && is_forward))) {
        EXPECT_EQ(kernels(backend), before) << what << direction << " was not made by the library";
      }
    };
    const std::int64_t window = weight.count() / c.weight[0];
    compare({&input, &weight}, {&output}, window, " forward", false, [&](ComputeBackend& any, auto view) {
      any.convolution_forward({parameters, view(input), view(weight), {}, view(output)});
    });
    compare({&input, &weight, &bias}, {&output}, window, " with a bias", true,
            [&](ComputeBackend& any, auto view) {
              any.convolution_forward({parameters, view(input), view(weight), view(bias), view(output)});
            });
    compare({&d_output, &weight}, {&d_input}, window * c.weight[0] / std::max<std::int64_t>(1, c.weight[1]),
            " d_input", false, [&](ComputeBackend& any, auto view) {
              any.convolution_backward_input({parameters, view(d_output), view(weight), view(d_input)});
            });
    const std::int64_t positions = output.count() / c.weight[0];
    compare({&input, &d_output}, {&d_weight}, positions, " d_weight", false,
            [&](ComputeBackend& any, auto view) {
              any.convolution_backward_weight({parameters, view(input), view(d_output), view(d_weight), {}});
            });
    compare({&input, &d_output}, {&d_weight, &d_bias}, positions, " d_weight and d_bias", true,
            [&](ComputeBackend& any, auto view) {
              any.convolution_backward_weight(
                  {parameters, view(input), view(d_output), view(d_weight), view(d_bias)});
            });
  }
};

// Large enough for the library to be asked.
const Case plain_case{{8, 64, 14, 28}, {64, 64, 3, 3}, {1, 1, 1}, {1, 1, 0}};
const Case large_case{{32, 64, 56, 56}, {64, 64, 3, 3}, {1, 1, 1}, {1, 1, 0}};
const Case depthwise_case{{32, 256, 28, 28}, {256, 1, 3, 3}, {1, 1, 1}, {1, 1, 0}, {1, 1, 1}, 256};

TEST_F(GpuCudnn, IsNamed) {
  for (gpu::GpuBackend* backend : backends) {
    bool named = false;
    for (const auto& [name, value] : backend->capabilities()) named = named || value.starts_with("cuDNN 9");
    EXPECT_TRUE(named);
  }
}

TEST_F(GpuCudnn, EveryDtypeAndOrder) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float16, DType::bfloat16}) {
      check(*backend, plain_case, dtype, {}, By::library);
      check(*backend, plain_case, dtype, {Order::channels_last, Order::channels_last}, By::library);
      check(*backend, plain_case, dtype, {Order::channels_last, Order::plain}, By::anyone);
      check(*backend, plain_case, dtype, {Order::plain, Order::reversed}, By::anyone);
      if (HasFailure()) return;
    }
    check(*backend, large_case, DType::float32, {}, By::library_forward);
    check(*backend, depthwise_case, DType::float32, {}, By::library);
    check(*backend, depthwise_case, DType::float32, {Order::channels_last, Order::channels_last},
          By::library);
  }
}

TEST_F(GpuCudnn, EverySizeStridePaddingDilationAndGroups) {
  const Case cases[] = {
      {{4, 61, 15, 23}, {75, 61, 3, 5}, {1, 1, 1}, {1, 2, 0}},             // odd sizes
      {{4, 3, 65, 66}, {64, 3, 7, 7}, {2, 2, 1}, {3, 3, 0}},               // the first layer of a ResNet
      {{8, 128, 28, 29}, {256, 128, 1, 1}, {2, 2, 1}},                     // cells in no window
      {{4, 64, 20, 20}, {64, 64, 3, 3}, {1, 1, 1}, {2, 2, 0}, {2, 2, 1}},  // dilation
      {{4, 48, 41, 40}, {96, 48, 3, 3}, {2, 3, 1}, {2, 1, 0}, {2, 1, 1}},  // stride and dilation
      {{8, 128, 14, 14}, {128, 32, 3, 3}, {1, 1, 1}, {1, 1, 0}, {1, 1, 1}, 4},
      {{8, 256, 28, 28}, {256, 1, 5, 5}, {1, 1, 1}, {2, 2, 0}, {1, 1, 1}, 256},  // depthwise
      {{4, 96, 200}, {160, 96, 5}, {1, 1, 1}, {2, 0, 0}},                        // one spatial dim
      {{2, 24, 12, 14, 16}, {48, 24, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}},            // three
      {{4, 32, 13, 15, 17}, {48, 16, 3, 3, 3}, {2, 1, 2}, {1, 0, 1}, {1, 1, 1}, 2},
  };
  for (gpu::GpuBackend* backend : backends) {
    for (const Case& c : cases) {
      for (const DType dtype : {DType::float32, DType::float16}) {
        check(*backend, c, dtype, {}, By::anyone);
        check(*backend, c, dtype, {Order::channels_last, Order::plain}, By::anyone);
        if (HasFailure()) return;
      }
    }
  }
}

// 8 elements are 16 bytes, which engines want.
TEST_F(GpuCudnn, Offsets) {
  for (gpu::GpuBackend* backend : backends) {
    for (const Order order : {Order::plain, Order::channels_last}) {
      for (const std::int64_t offset : {1, 2, 8})
        check(*backend, plain_case, DType::float16, {order, order, offset},
              offset == 8 ? By::library : By::anyone);
    }
  }
}

TEST_F(GpuCudnn, ViewsWithGapsAreMadeByOurKernels) {
  for (gpu::GpuBackend* backend : backends)
    check(*backend, plain_case, DType::float16, {Order::gaps, Order::plain}, By::anyone);
}

// TF32 keeps 10 bits after the point of each factor: only where that is allowed.
TEST_F(GpuCudnn, Float32IsRoundedOnlyWhereThatIsAllowed) {
  const Case& c = large_case;
  for (gpu::GpuBackend* backend : backends) {
    // Each filter has a single 1, so that sums are elements of the input.
    HostTensor input(DType::float32, c.input), weight(DType::float32, c.weight);
    HostTensor output(DType::float32, c.output());
    for (std::int64_t i = 0; i < input.count(); ++i)
      input.set(i, 1 + static_cast<long double>(i % (1 << 20)) * 0x1p-20L);
    for (std::int64_t i = 0; i < weight.count(); ++i) weight.set(i, 0);
    const std::int64_t window = weight.count() / c.weight[0];
    for (std::int64_t filter = 0; filter < c.weight[0]; ++filter)
      weight.set(filter * window + filter % 64 * 9 + 4, 1);  // the middle of a channel
    DeviceCopy on_input(*backend, input), on_weight(*backend, weight), on_output(*backend, output);
    const auto convolve = [&](Float32Precision precision) {
      set_float32_convolution_precision(precision);
      backend->convolution_forward({c.parameters(), on_input.view(), on_weight.view(), {}, on_output.view()});
      set_float32_convolution_precision(Float32Precision::highest);
      on_output.fetch();
      return values_of(output);
    };
    HostTensor expected(DType::float32, c.output());
    cpu_backend().convolution_forward({c.parameters(), input.view(), weight.view(), {}, expected.view()});
    const std::vector<Wide> exact = values_of(expected);
    EXPECT_EQ(convolve(Float32Precision::highest), exact);
    const std::vector<Wide> rounded = convolve(Float32Precision::high);
    EXPECT_NE(rounded, exact) << "no tensor cores?";
    for (std::size_t i = 0; i < exact.size(); ++i) ASSERT_LE(std::abs(rounded[i] - exact[i]), 0x1p-10L) << i;
    EXPECT_EQ(convolve(Float32Precision::highest), exact) << "the plan of another precision was taken";
  }
}

// All directions of it, as far as ten bits of each factor go.
TEST_F(GpuCudnn, Float32WithRoundedFactors) {
  for (gpu::GpuBackend* backend : backends) {
    set_float32_convolution_precision(Float32Precision::high);
    for (const Order order : {Order::plain, Order::channels_last})
      check(*backend, plain_case, DType::float32, {order, order}, By::library, 0x1p-11);
    set_float32_convolution_precision(Float32Precision::highest);
  }
}

// A kept plan serves operands at other addresses.
TEST_F(GpuCudnn, TheSameBitsInEveryRun) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
      HostTensor input(dtype, plain_case.input), d_output(dtype, plain_case.output());
      HostTensor d_weight(dtype, plain_case.weight), d_input = input, weight = d_weight;
      input.randomize(1), d_output.randomize(2), weight.randomize(3);
      std::vector<Wide> first_weight, first_input;
      std::vector<std::unique_ptr<DeviceCopy>> kept;
      for (int run = 0; run < 10; ++run) {
        for (HostTensor* each : {&input, &d_output, &weight, &d_weight, &d_input})
          kept.push_back(std::make_unique<DeviceCopy>(*backend, *each));
        const auto copy = [&](std::size_t k) -> DeviceCopy& { return *kept[kept.size() - 5 + k]; };
        const ConvolutionParameters parameters = plain_case.parameters();
        backend->convolution_backward_weight(
            {parameters, copy(0).view(), copy(1).view(), copy(3).view(), {}});
        backend->convolution_backward_input({parameters, copy(1).view(), copy(2).view(), copy(4).view()});
        copy(3).fetch(), copy(4).fetch();
        if (run == 0) first_weight = values_of(d_weight), first_input = values_of(d_input);
        ASSERT_EQ(values_of(d_weight), first_weight) << fmt::format("{}, run {}", dtype, run);
        ASSERT_EQ(values_of(d_input), first_input) << fmt::format("{}, run {}", dtype, run);
      }
    }
  }
}

}  // namespace
}  // namespace rustorch::testing
