#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "backends/gpu/compiling_executor.h"
#include "rustorch/backends/gpu/gpu_backend.h"

namespace rustorch::testing {

/// Runs ops on backends of CUDA that only compile: with NVRTC for compute capability 8.0 (A100), 9.0 (H100,
/// H200) and 10.0 (B200), without a GPU. Nothing is computed.
class CudaCompilation : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string absence;
    if (gpu::cuda::nvrtc_api(absence) == nullptr) GTEST_SKIP() << absence;
    for (const int major : {9, 8, 10}) {
      backends.push_back(std::make_unique<gpu::GpuBackend>(Device(DeviceType::cuda, 0),
                                                           std::make_unique<CompilingExecutor>(major, 0)));
    }
  }
  /// 9.0 for every dtype; the others for float32, which goes through every line of a kernel.
  std::vector<gpu::GpuBackend*> backends_for(DType dtype) const {
    std::vector<gpu::GpuBackend*> chosen;
    for (const auto& each : backends) {
      if (chosen.empty() || dtype == DType::float32) chosen.push_back(each.get());
    }
    return chosen;
  }

  /// An operand that nobody reads: it may be larger than any memory.
  View view(DType dtype, const Layout& layout) { return {&memory_, &layouts_.emplace_back(layout), dtype}; }
  View view(DType dtype, const Shape& shape) { return view(dtype, Layout::contiguous(shape)); }

  std::vector<std::unique_ptr<gpu::GpuBackend>> backends;  ///< 9.0 first

 private:
  std::deque<Layout> layouts_;
  std::int64_t memory_ = 0;
};

}  // namespace rustorch::testing
