#pragma once

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu::cuda {

/// Looks for NVIDIA's GPUs by way of the driver (libcuda.so.1) and the run-time compiler (libnvrtc): an
/// executor for each device that can be opened, in the driver's order. `absence` also names the devices that
/// could not, where others could.
///
/// A device's executor retains its primary context, the one that CUDA's run-time library uses too, and has
/// one stream of its own. In a child forked after the first call there are no devices, and members of the
/// parent's executors throw an Error (unsupported), or do nothing where they may not throw.
ExecutorProbe open_cuda();

}  // namespace rustorch::gpu::cuda
