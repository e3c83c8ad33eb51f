#include "rustorch/backends/gpu/cuda/device_memory.h"

#include <algorithm>
#include <limits>

namespace rustorch::gpu::cuda {

DeviceMemory::DeviceMemory(const DriverApi& api, int device_ordinal, bool has_pools, StreamHandle stream)
    : api_(api), stream_(stream) {
  if (!has_pools) return;
  // A pool of our own: to change the device's default pool would change it for the whole process.
  MemoryPoolProperties properties;
  properties.location_id = device_ordinal;
  check(api_, api_.cuMemPoolCreate(&pool_, &properties), "cuMemPoolCreate");
  std::uint64_t kept_bytes = std::numeric_limits<std::uint64_t>::max();
  const Result result =
      api_.cuMemPoolSetAttribute(pool_, memory_pool_attribute_release_threshold, &kept_bytes);
  if (result == Result::success) return;
  api_.cuMemPoolDestroy(pool_);
  fail_call(api_, result, "cuMemPoolSetAttribute");
}

DeviceMemory::~DeviceMemory() {
  if (pool_ != nullptr) api_.cuMemPoolDestroy(pool_);
}

DevicePointer DeviceMemory::allocate(std::size_t bytes) {
  DevicePointer pointer = 0;
  Result result = try_allocate(pointer, std::max<std::size_t>(bytes, 1));
  if (result == Result::out_of_memory) {
    // What was released may still wait for the stream, or lie in pieces in the pool.
    check(api_, api_.cuStreamSynchronize(stream_), "cuStreamSynchronize");
    if (pool_ != nullptr) check(api_, api_.cuMemPoolTrimTo(pool_, 0), "cuMemPoolTrimTo");
    result = try_allocate(pointer, std::max<std::size_t>(bytes, 1));
  }
  if (result == Result::out_of_memory) return 0;
  check(api_, result, pool_ != nullptr ? "cuMemAllocFromPoolAsync" : "cuMemAlloc");
  return pointer;
}

Result DeviceMemory::try_allocate(DevicePointer& pointer, std::size_t bytes) {
  return pool_ != nullptr ? api_.cuMemAllocFromPoolAsync(&pointer, bytes, pool_, stream_)
                          : api_.cuMemAlloc(&pointer, bytes);
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
