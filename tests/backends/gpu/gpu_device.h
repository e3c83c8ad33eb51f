#pragma once

#include <gtest/gtest.h>

#include "rustorch/backends/fallback_backend.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/runtime.h"

namespace rustorch::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitizer_runs = true;  // drivers and their compilers are not made for it
#else
inline constexpr bool sanitizer_runs = false;
#endif

/// Tests register GPUs of their own from this number on, in front of other executors: nobody else's business.
inline constexpr int first_device_of_tests = 40;

/// Tests that run on every GPU that is here. Where there is none they are skipped, with the reason.
class OnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (sanitizer_runs) GTEST_SKIP() << "GPU drivers do not run under sanitizers";
    for (const Device device : available_devices()) {
      if (device.index >= first_device_of_tests) continue;
      // Other tests register backends of their own.
      if (auto* backend = dynamic_cast<gpu::GpuBackend*>(own_backend(device))) backends.push_back(backend);
    }
    if (!backends.empty()) return;
    std::string reasons;
    for (const AbsentBackend& absent : absent_backends()) reasons += " " + absent.reason + ";";
    GTEST_SKIP() << "no GPU device:" << reasons;
  }

  static ComputeBackend* own_backend(Device device) {
    auto* fallback = dynamic_cast<FallbackBackend*>(&backend_for(device));
    return fallback != nullptr ? &fallback->primary() : nullptr;
  }

  std::vector<gpu::GpuBackend*> backends;
};

/// Tests of products, on every GPU whose compiler gets them right (PoCL 5.0's does not).
class ProductsOnGpu : public OnGpu {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    std::erase_if(backends,
                  [](gpu::GpuBackend* backend) { return !backend->supports(Kind::matmul, DType::float32); });
    if (backends.empty() && !IsSkipped()) GTEST_SKIP() << "no GPU device that multiplies";
  }
};

}  // namespace rustorch::testing
