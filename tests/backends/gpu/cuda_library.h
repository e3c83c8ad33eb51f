#pragma once

#include <string>

#include "backends/gpu/gpu_device.h"

namespace rustorch::testing {

/// Tests of one of NVIDIA's libraries, on every CUDA device; skipped where there is none, or no library.
class OnCudaLibrary : public OnGpu {
 protected:
  /// What the executor says of the library.
  virtual std::string library(gpu::KernelExecutor& executor) const = 0;

  void SetUp() override {
    OnGpu::SetUp();
    if (IsSkipped()) return;
    std::erase_if(backends, [](gpu::GpuBackend* each) { return each->device().type != DeviceType::cuda; });
    if (backends.empty()) GTEST_SKIP() << "no CUDA device";
    const std::string description = library(backends.front()->executor());
    if (description.find("absent") != std::string::npos) GTEST_SKIP() << description;
  }

  /// Kernels that the backend was asked for: those of its own products among them.
  static std::uint64_t kernels(const gpu::GpuBackend& backend) {
    const gpu::KernelCacheStatistics statistics = backend.kernels().statistics();
    return statistics.hits + statistics.compiled + statistics.loaded_from_disk;
  }
};

}  // namespace rustorch::testing
