#include "rustorch/backends/registry.h"

#include <array>

namespace rustorch {
namespace {

constexpr std::array kinds = {
    BackendKind{DeviceType::cuda, "CUDA", nullptr},
    BackendKind{DeviceType::opencl, "OpenCL", nullptr},
    BackendKind{DeviceType::metal, "Metal", nullptr},
};

}  // namespace

std::span<const BackendKind> backend_kinds() noexcept { return kinds; }

}  // namespace rustorch
