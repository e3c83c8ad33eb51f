#pragma once

#include "rustorch/backends/gpu/gpu_backend.h"

namespace rustorch::gpu {

/// Whether a device computes a product in tiles as it should, tried on small whole numbers: PoCL 5.0 (LLVM
/// 16) compiles that kernel wrongly, PoCL 3.1 does not.
bool multiplies_rightly(GpuBackend& backend) noexcept;

}  // namespace rustorch::gpu
