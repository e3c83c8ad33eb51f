// Optimizers on every GPU that is here: the steps of the CPU, in few launches.
#include <gtest/gtest.h>

#include <memory>

#include "backends/gpu/compiling_executor.h"
#include "backends/gpu/counting_executor.h"
#include "backends/gpu/gpu_device.h"
#include "optim/problem.h"
#include "rustorch/nn/utils.h"
#include "rustorch/optim/optim.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch::testing {
namespace {

struct Kind {
  const char* name;
  MakeOptimizer make;
  std::size_t tensors;  ///< of an update: the parameter, its gradient, its state
};

const Kind kinds[] = {
    {"SGD", [](auto p) { return std::make_unique<optim::SGD>(p, optim::SGDOptions{.lr = 0.1}); }, 2},
    {"SGDNesterov",
     [](auto p) {
       return std::make_unique<optim::SGD>(
           p, optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05, .nesterov = true});
     },
     3},
    {"Adam", [](auto p) { return std::make_unique<optim::Adam>(p, optim::AdamOptions{.lr = 0.05}); }, 4},
    {"AdamWAmsgrad",
     [](auto p) {
       return std::make_unique<optim::AdamW>(p, optim::AdamWOptions{.lr = 0.05, .amsgrad = true});
     },
     5},
    {"RMSpropCentered",
     [](auto p) {
       return std::make_unique<optim::RMSprop>(
           p, optim::RMSpropOptions{.lr = 0.02, .momentum = 0.5, .centered = true});
     },
     5},
    {"Adagrad", [](auto p) { return std::make_unique<optim::Adagrad>(p, optim::AdagradOptions{.lr = 0.1}); },
     3},
};

/// Parameters that an optimizer's kernels take together, and some that they cannot.
std::vector<Tensor> parameters_on(Device device, const Shape& large) {
  manual_seed(3);
  std::vector<Tensor> all;
  const auto add = [&](const Shape& shape, DType dtype = float32) {
    all.push_back(randn(shape).to(dtype).to(device));
  };
  add({});
  add({0, 3});
  for (std::int64_t i = 1; i <= 20; ++i) add({i, 9}, i % 5 == 0 ? bfloat16 : float32);
  add(large);
  add({1});
  all.push_back(randn({8, 3, 3, 3}).to(device).permute({0, 2, 3, 1}).detach());
  all.push_back(randn({6, 8}).to(device).slice(1, 0, 8, 2).detach());
  for (Tensor& parameter : all) parameter.requires_grad_();
  return all;
}

/// Gradients by formula, some of which wait to be computed; every third parameter has none in the second
/// step.
void train(optim::Optimizer& optimizer, std::vector<Tensor>& parameters) {
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const bool none = step == 1 && i % 3 == 0;
      parameters[i].set_grad(none ? Tensor() : parameters[i].detach() * 0.5 + 0.1 * step);
    }
    optimizer.step();
  }
}

constexpr int counting_index = 60;  // of devices that this test registers

class OptimizersOnGpu : public OnGpu {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    std::erase_if(backends, [](gpu::GpuBackend* own) { return own->device().index >= counting_index; });
  }
};

TEST_F(OptimizersOnGpu, StepAsOnTheCpu) {
  for (const gpu::GpuBackend* backend : backends) {
    for (const Kind& kind : kinds) {
      // Several megabytes for one of them: that takes the Metal double a second a step.
      const Shape large = &kind == &kinds[2] ? Shape{1100, 1000} : Shape{50, 90};
      std::vector<Tensor> expected = parameters_on(Device(), large);
      std::vector<Tensor> parameters = parameters_on(backend->device(), large);
      const auto on_cpu = kind.make(expected), on_device = kind.make(parameters);
      train(*on_cpu, expected);
      train(*on_device, parameters);
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        const Tensor got = parameters[i].detach().to(Device()), wanted = expected[i].detach();
        if (wanted.numel() == 0) continue;
        const double tolerance = got.dtype() == bfloat16 ? 0x1p-7 : 0x1p-21;
        const Tensor error = (got - wanted).abs() / (wanted.abs() + 1);
        EXPECT_LE(error.max().item<double>(), tolerance)
            << fmt::format("{} on {}, parameter {}, {}", kind.name, backend->device(), i, wanted.shape());
      }
    }
  }
}

TEST_F(OptimizersOnGpu, ClipAndZeroGradients) {
  const auto clipped = [](Device device) {
    std::vector<Tensor> parameters;
    for (const Shape& shape : {Shape{1}, Shape{40}, Shape{3, 5}, Shape{0}}) {
      parameters.push_back(zeros(shape, {.device = device}));
      parameters.back().set_grad(ones(shape, {.device = device}));
    }
    parameters.push_back(parameters[1]);  // its gradient is scaled twice
    nn::utils::clip_grad_norm_(parameters, 1.0);
    return parameters;
  };
  const std::vector<Tensor> expected = clipped(Device());
  EXPECT_NEAR(expected[0].grad().item<double>(), 1 / std::sqrt(96.0), 1e-6);
  EXPECT_NEAR(expected[1].grad()[7].item<double>(), 1 / 96.0, 1e-6);
  for (const gpu::GpuBackend* backend : backends) {
    const std::vector<Tensor> parameters = clipped(backend->device());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::vector<float> got = parameters[i].grad().to_vector<float>();
      const std::vector<float> wanted = expected[i].grad().to_vector<float>();
      ASSERT_EQ(got.size(), wanted.size());
      for (std::size_t k = 0; k < got.size(); ++k) EXPECT_FLOAT_EQ(got[k], wanted[k]) << i << ", " << k;
    }
    optim::SGD(std::vector(parameters.begin(), parameters.end() - 1)).zero_grad(false);
    for (const Tensor& parameter : parameters)
      for (const float value : parameter.grad().to_vector<float>()) EXPECT_EQ(value, 0);
  }
}

TEST_F(OptimizersOnGpu, UpdateOverlappingParametersInOrder) {
  // Two parameters that share their middle: the second is updated from what the first has become.
  const auto trained = [](Device device) {
    const Tensor memory = linspace(-1, 1, 3000).to(device);
    std::vector<Tensor> parameters;
    for (const std::int64_t start : {0, 1000}) {
      parameters.push_back(memory.slice(0, start, start + 2000).detach());
      parameters.back().requires_grad_();
      parameters.back().set_grad(ones({2000}, {.device = device}));
    }
    optim::SGD optimizer(parameters, {.lr = 0.25, .weight_decay = 0.5});
    optimizer.step();
    return memory.to(Device()).to_vector<float>();
  };
  const std::vector<float> expected = trained(Device());
  EXPECT_FLOAT_EQ(expected[500], linspace(-1, 1, 3000).to_vector<float>()[500] * 0.875F - 0.25F);
  EXPECT_FLOAT_EQ(expected[1500],
                  (linspace(-1, 1, 3000).to_vector<float>()[1500] * 0.875F - 0.25F) * 0.875F - 0.25F);
  for (const gpu::GpuBackend* backend : backends) EXPECT_EQ(trained(backend->device()), expected);
}

/// The launches of one steady step of 100 parameters on a device whose executor counts them.
std::size_t launches_of_a_step(const Kind& kind, Device device, const CountingExecutor& counter) {
  std::vector<Tensor> parameters;
  for (std::int64_t i = 1; i <= 100; ++i) {
    parameters.push_back(zeros({i, 10}, {.device = device}));
    parameters.back().set_grad(ones({i, 10}, {.device = device}));
    parameters.back().requires_grad_();
  }
  const auto optimizer = kind.make(parameters);
  optimizer->step();  // makes the state
  const std::size_t before = counter.launches;
  optimizer->step();
  return counter.launches - before;
}

/// Registers a device whose executor counts the launches of another.
const CountingExecutor& count_launches(Device device, gpu::KernelExecutor& executor) {
  auto counter = std::make_unique<CountingExecutor>(executor);
  const CountingExecutor& counted = *counter;
  register_backend(std::make_unique<gpu::GpuBackend>(device, std::move(counter)));
  return counted;
}

TEST_F(OptimizersOnGpu, TakeFewLaunches) {
  for (gpu::GpuBackend* backend : backends) {
    const Device device(backend->device().type, counting_index + backend->device().index);
    const CountingExecutor& counter = count_launches(device, backend->executor());
    for (const Kind& kind : kinds) {
      const std::size_t together =
          backend->executor().facts().handles_are_addresses ? 100 : 30 / kind.tensors;
      EXPECT_EQ(launches_of_a_step(kind, device, counter), (100 + together - 1) / together) << kind.name;
    }
  }
}

TEST(OptimizersOnCuda, TakeOneLaunch) {
  std::string absence;
  if (sanitizer_runs || gpu::cuda::nvrtc_api(absence) == nullptr) GTEST_SKIP() << absence;
  static CompilingExecutor& compiler = *new CompilingExecutor(9, 0);  // backends stay registered
  const Device device(DeviceType::cuda, counting_index);
  const CountingExecutor& counter = count_launches(device, compiler);
  for (const Kind& kind : kinds) EXPECT_EQ(launches_of_a_step(kind, device, counter), 1u) << kind.name;
}

}  // namespace
}  // namespace rustorch::testing
