#include "rustorch/backends/registry.h"

#include <array>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/gpu/cuda/cuda_executor.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/metal/metal_executor.h"
#include "rustorch/backends/gpu/opencl/opencl_executor.h"
#include "rustorch/backends/runtime.h"

namespace rustorch {
namespace {

/// A backend for each device that the executors of one API found.
template <gpu::ExecutorProbe (*open)(), DeviceType type>
BackendProbe open_gpus() {
  gpu::ExecutorProbe found = open();
  BackendProbe probe;
  probe.absence = std::move(found.absence);
  for (auto& executor : found.executors) {
    const Device device(type, static_cast<int>(probe.backends.size()));
    probe.backends.push_back(std::make_unique<gpu::GpuBackend>(device, std::move(executor)));
  }
  return probe;
}

constexpr std::array kinds = {
    BackendKind{DeviceType::cuda, "CUDA", &open_gpus<gpu::cuda::open_cuda, DeviceType::cuda>},
    BackendKind{DeviceType::opencl, "OpenCL", &open_gpus<gpu::opencl::open_opencl, DeviceType::opencl>},
    BackendKind{DeviceType::metal, "Metal", &open_gpus<gpu::metal::open_metal, DeviceType::metal>},
};

}  // namespace

std::span<const BackendKind> backend_kinds() noexcept { return kinds; }

ComputeBackend& cpu_backend() {
  static CpuBackend& backend = *new CpuBackend;  // never destroyed: tensors may outlive static destruction
  return backend;
}

}  // namespace rustorch
