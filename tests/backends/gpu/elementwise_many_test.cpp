// One program over many lists of operands, on each GPU that is here: the bits of as many single runs on the
// CPU, in few launches; and CUDA's compiler takes the kernels.
#include "backends/gpu/compiling_executor.h"
#include "backends/gpu/counting_executor.h"
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/launch.h"

namespace rustorch::testing {
namespace {

/// SGD with momentum: y = factor · b + g; b becomes y, p becomes p + rate · y. Three inputs, of which two are
/// outputs.
Program momentum_step(DType dtype) {
  Program program;
  const DType compute = compute_dtype(dtype);
  const auto p = program.input(dtype), g = program.input(dtype), b = program.input(dtype);
  const auto y = program.apply(Op::add, program.apply(Op::mul, b, program.scalar(0.9, compute)), g);
  program.output(program.apply(Op::multiply_add, p, y, program.scalar(-0.1, compute)), dtype);
  program.output(y, dtype);
  return program;
}

/// The operands of one run.
struct Step {
  Step(DType dtype, const Layout& parameter, const Layout& gradient, const Layout& buffer)
      : operands{HostTensor(dtype, parameter), HostTensor(dtype, gradient), HostTensor(dtype, buffer)} {
    for (std::size_t k = 0; k < 3; ++k)
      operands[k].randomize(static_cast<unsigned>(parameter.element_count() + 7 * static_cast<int>(k)));
  }
  Step(DType dtype, const Layout& all) : Step(dtype, all, all, all) {}

  static std::array<View, 5> views(const std::array<View, 3>& on) {
    return {on[0], on[1], on[2], on[0], on[2]};
  }

  std::vector<HostTensor> operands;
};

Layout lying(const Shape& shape, Order order = Order::plain) {
  return HostTensor(DType::float32, shape, order).layout();
}

/// Runs of all kinds: empty, one element, small ones, a large one; and some that a kernel for
/// many cannot take.
std::vector<Step> all_kinds(DType dtype) {
  std::vector<Step> runs;
  runs.emplace_back(dtype, lying({}));
  runs.emplace_back(dtype, lying({0}));
  runs.emplace_back(dtype, lying({3, 0, 2}));
  for (std::int64_t i = 1; i <= 40; ++i) runs.emplace_back(dtype, lying({i, 37}));
  runs.emplace_back(dtype, lying({2, 3, 5, 7}, Order::channels_last));
  runs.emplace_back(dtype, lying({2, 3, 5, 7}), lying({2, 3, 5, 7}, Order::channels_last),
                    lying({2, 3, 5, 7}));
  runs.emplace_back(dtype, lying({4, 9}, Order::gaps));
  runs.emplace_back(dtype, Layout({30, 20}, {20, 1}, 11));
  runs.emplace_back(dtype, Layout({1, 20}, {20, 1}), Layout({1, 20}, {1, 1}), Layout({1, 20}, {20, 1}));
  runs.emplace_back(dtype, lying({300, 400}));
  runs.emplace_back(dtype, lying({1}));
  return runs;
}

/// Runs a program over many, and returns what the runs' operands then hold on the host.
void run_many(ComputeBackend& backend, const Program& program, std::vector<Step>& runs) {
  std::vector<std::unique_ptr<DeviceCopy>> copies;
  std::vector<View> views;
  for (Step& run : runs) {
    std::array<View, 3> on;
    for (std::size_t k = 0; k < 3; ++k) {
      copies.push_back(std::make_unique<DeviceCopy>(backend, run.operands[k]));
      on[k] = copies.back()->view();
    }
    for (const View& view : Step::views(on)) views.push_back(view);
  }
  backend.elementwise_many(program, views);
  for (const auto& copy : copies) copy->fetch();
}

class GpuElementwiseMany : public OnGpu {};

/// Runs a program over many on a device, and one after the other on the CPU: the bits are the same.
void expect_bits_of_single_runs(gpu::GpuBackend& backend, const Program& program, std::vector<Step> runs) {
  std::vector<Step> expected = runs;
  for (Step& run : expected) {
    const auto views = Step::views({run.operands[0].view(), run.operands[1].view(), run.operands[2].view()});
    cpu_backend().elementwise(program, std::span(views).first(3), std::span(views).subspan(3));
  }
  run_many(backend, program, runs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_TRUE(runs[i].operands[k].has_bytes_of(expected[i].operands[k]))
          << fmt::format("operand {} of run {}, {}", k, i, runs[i].operands[k].shape());
    }
  }
}

TEST_F(GpuElementwiseMany, HasTheBitsOfSingleRuns) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float32, DType::bfloat16, DType::complex64, DType::complex128}) {
      if (backend->supports(Kind::elementwise, dtype))
        expect_bits_of_single_runs(*backend, momentum_step(dtype), all_kinds(dtype));
    }
  }
}

TEST_F(GpuElementwiseMany, TakesSeveralElementsOfAThread) {
  for (gpu::GpuBackend* backend : backends) {
    auto executor = std::make_unique<CountingExecutor>(backend->executor());
    executor->device_facts.unified_memory = false;
    gpu::GpuBackend discrete(backend->device(), std::move(executor));
    std::vector<Step> runs = all_kinds(DType::float32);
    const Step large(DType::float32, lying({599, 2101}));
    ASSERT_GE(large.operands[0].count(), gpu::most_groups * gpu::group_threads);  // enough for all threads
    runs.insert(runs.begin() + 7, large);
    expect_bits_of_single_runs(discrete, momentum_step(DType::float32), runs);
  }
}

TEST_F(GpuElementwiseMany, TakesFewLaunches) {
  for (gpu::GpuBackend* backend : backends) {
    auto executor = std::make_unique<CountingExecutor>(backend->executor());
    CountingExecutor& counter = *executor;
    gpu::GpuBackend counted(backend->device(), std::move(executor));
    const Program program = momentum_step(DType::float32);
    const auto launches = [&](std::size_t count) {
      std::vector<Step> runs(count, Step(DType::float32, lying({100})));
      const std::size_t before = counter.launches;
      run_many(counted, program, runs);
      return counter.launches - before;
    };
    EXPECT_EQ(launches(0), 0u);
    EXPECT_EQ(launches(1), 1u);
    EXPECT_EQ(launches(2), 1u);
    // Three buffers a run, of 30 that every device takes; or a table that holds hundreds of runs.
    EXPECT_EQ(launches(100), counted.executor().facts().handles_are_addresses ? 1u : 10u);
  }
}

TEST_F(GpuElementwiseMany, RepeatsSingleElements) {
  // Gradients that are scaled by one number in device memory; those of one element lie in any way.
  for (gpu::GpuBackend* backend : backends) {
    Program program;
    const auto x = program.input(DType::float32), factor = program.input(DType::float32);
    program.output(program.apply(Op::mul, x, factor), DType::float32);
    std::vector<HostTensor> values;
    for (const std::int64_t count : {1, 5, 1000, 1, 300})
      values.emplace_back(DType::float32, Shape{count}).randomize(3);
    std::vector<HostTensor> expected = values;
    HostTensor half(DType::float32, Shape{});
    half.set(0, 0.5L);
    DeviceCopy half_copy(*backend, half);
    std::vector<Layout> repeated;
    std::vector<std::unique_ptr<DeviceCopy>> copies;
    for (HostTensor& value : values) {
      copies.push_back(std::make_unique<DeviceCopy>(*backend, value));
      repeated.emplace_back(value.shape(), Strides{0});
    }
    std::vector<View> views;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const View own = copies[i]->view();
      views.insert(views.end(), {own, View{half_copy.view().data, &repeated[i], DType::float32}, own});
    }
    backend->elementwise_many(program, views);
    for (std::size_t i = 0; i < values.size(); ++i) {
      copies[i]->fetch();
      for (std::int64_t j = 0; j < values[i].count(); ++j)
        ASSERT_EQ(values[i].real(j), expected[i].real(j) * 0.5L) << i << ", " << j;
    }
  }
}

TEST(CudaElementwiseMany, IsOneLaunchOfAKernelThatCompiles) {
  std::string absence;
  if (gpu::cuda::nvrtc_api(absence) == nullptr) GTEST_SKIP() << absence;
  for (const int major : {8, 9, 10}) {
    CompilingExecutor compiler(major, 0);
    auto executor = std::make_unique<CountingExecutor>(compiler);
    CountingExecutor& counter = *executor;
    gpu::GpuBackend backend(Device(DeviceType::cuda, 0), std::move(executor));
    for (const DType dtype : {DType::float32, DType::bfloat16}) {
      for (const std::int64_t elements : {10, 10'000}) {  // a thread takes one, or several
        std::vector<Step> runs(120, Step(dtype, lying({elements})));
        const std::size_t before = counter.launches;
        run_many(backend, momentum_step(dtype), runs);
        EXPECT_EQ(counter.launches - before, 1u);
      }
    }
    EXPECT_EQ(backend.kernels().statistics().compiled, 4u);
  }
}

}  // namespace
}  // namespace rustorch::testing
