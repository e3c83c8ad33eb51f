#include "rustorch/backends/registry.h"

#include <array>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/runtime.h"

namespace rustorch {
namespace {

constexpr std::array kinds = {
    BackendKind{DeviceType::cuda, "CUDA", nullptr},
    BackendKind{DeviceType::opencl, "OpenCL", nullptr},
    BackendKind{DeviceType::metal, "Metal", nullptr},
};

}  // namespace

std::span<const BackendKind> backend_kinds() noexcept { return kinds; }

ComputeBackend& cpu_backend() {
  static CpuBackend& backend = *new CpuBackend;  // never destroyed: tensors may outlive static destruction
  return backend;
}

}  // namespace rustorch
