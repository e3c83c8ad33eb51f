#pragma once

#include "rustorch/backends/gpu/gpu_backend.h"

namespace rustorch::gpu {

/// Copies elements between views of one shape and dtype if they lie adjacent along different dims, so that a
/// plain loop would read or write single elements far apart; false if it is no such copy.
bool copy_transposed(GpuBackend& backend, const View& from, const View& to);

}  // namespace rustorch::gpu
