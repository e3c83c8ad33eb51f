#include "rustorch/backends/gpu/cuda/device_memory.h"

#include <algorithm>

namespace rustorch::gpu::cuda {

DeviceMemory::DeviceMemory(const DriverApi& api, int device_ordinal, bool has_pools, StreamHandle stream)
    : api_(api), stream_(stream) {
  if (!has_pools) return;
  // A pool of our own: to change the device's default pool would change it for the whole process.
  MemoryPoolProperties properties;
  properties.location_id = device_ordinal;
  check(api_, api_.cuMemPoolCreate(&pool_, &properties), "cuMemPoolCreate");
}

DeviceMemory::~DeviceMemory() {
  if (pool_ != nullptr) api_.cuMemPoolDestroy(pool_);
}

DevicePointer DeviceMemory::allocate(std::size_t bytes) {
  DevicePointer pointer = 0;
  const std::size_t asked = std::max<std::size_t>(bytes, 1);
  const Result result = pool_ != nullptr ? api_.cuMemAllocFromPoolAsync(&pointer, asked, pool_, stream_)
                                         : api_.cuMemAlloc(&pointer, asked);
  if (result == Result::out_of_memory) return 0;
  check(api_, result, pool_ != nullptr ? "cuMemAllocFromPoolAsync" : "cuMemAlloc");
  return pointer;
}

void DeviceMemory::release(DevicePointer pointer) {
  if (pool_ != nullptr) {
    check(api_, api_.cuMemFreeAsync(pointer, stream_), "cuMemFreeAsync");
    return;
  }
  check(api_, api_.cuStreamSynchronize(stream_), "cuStreamSynchronize");
  check(api_, api_.cuMemFree(pointer), "cuMemFree");
}

}  // namespace rustorch::gpu::cuda
