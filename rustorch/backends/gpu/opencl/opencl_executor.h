#pragma once

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu::opencl {

/// Looks for OpenCL devices by way of the system's loader: an executor for each device that is available and
/// has a compiler, in the loader's order.
ExecutorProbe open_opencl();

}  // namespace rustorch::gpu::opencl
