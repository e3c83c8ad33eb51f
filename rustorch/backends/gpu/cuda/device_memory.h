#pragma once

#include <cstddef>

#include "rustorch/backends/gpu/cuda/driver_api.h"

namespace rustorch::gpu::cuda {

/// The memory of one device. Where the device can, it is taken and given back in the order of a stream's
/// work, from a pool: neither waits for the device then, and the system gets back what the pool does not need
/// when the stream is next waited for. Keeps nothing: GpuAllocator does. The context must be current in every
/// member; calls may come from several threads at once.
class DeviceMemory {
 public:
  /// `has_pools`: whether the device takes and frees memory in the order of a stream.
  DeviceMemory(const DriverApi& api, int device_ordinal, bool has_pools, StreamHandle stream);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Uninitialized memory for work that is queued from now on; 0 if there is not enough. There may be more
  /// after the stream was waited for.
  DevicePointer allocate(std::size_t bytes);
  /// Gives memory back after the work that is queued now.
  void release(DevicePointer pointer);

 private:
  const DriverApi& api_;
  StreamHandle stream_;
  MemoryPoolHandle pool_ = nullptr;  ///< nullptr: the device has none
};

}  // namespace rustorch::gpu::cuda
