#pragma once

#include "rustorch/backends/gpu/device_probes.h"
#include "rustorch/backends/gpu/gpu_backend.h"

namespace rustorch::gpu {

/// Probe::products: a product in tiles of small whole numbers, beyond the edges of a tile and of a slice.
/// Errors are those of compiling and running it.
ProbeResult try_products(GpuBackend& backend);

}  // namespace rustorch::gpu
