#pragma once

#include "rustorch/backends/gpu/cuda/driver_api.h"
#include "rustorch/backends/gpu/cuda/nvrtc_api.h"
#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu::cuda {

/// What the driver says of a device.
struct DeviceTraits {
  DeviceFacts facts;
  int major = 0, minor = 0;       ///< compute capability
  bool has_memory_pools = false;  ///< takes and frees memory in the order of a stream
};

/// Asks the driver. Needs no context. Throws an Error if the driver refuses to answer.
DeviceTraits ask_device(const DriverApi& api, const NvrtcApi& compiler, DeviceHandle device);

}  // namespace rustorch::gpu::cuda
