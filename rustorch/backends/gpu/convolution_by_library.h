#pragma once

#include "rustorch/backends/gpu/convolution_library.h"
#include "rustorch/backends/gpu/gpu_backend.h"

namespace rustorch::gpu {

/// Makes a convolution or a gradient of one by the API's library, from tensors that are not empty. Of `work`
/// the direction, the parameters and the tensors count; these may lie anyhow. False, with nothing done, if
/// the library is absent or does not take it.
bool convolve_by_library(GpuBackend& backend, LibraryConvolution work);

}  // namespace rustorch::gpu
