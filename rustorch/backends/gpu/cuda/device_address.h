#pragma once

#include <cstdint>

#include "rustorch/backends/gpu/cuda/driver_api.h"
#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/core/dtype.h"

namespace rustorch::gpu::cuda {

/// Where an element of a buffer is.
inline DevicePointer address(BufferHandle buffer, std::int64_t offset, DType dtype) {
  return reinterpret_cast<DevicePointer>(buffer) + static_cast<DevicePointer>(offset) * item_size(dtype);
}

}  // namespace rustorch::gpu::cuda
