#include "rustorch/backends/gpu/cuda/write_staging.h"

#include <cstring>

namespace rustorch::gpu::cuda {

WriteStaging::~WriteStaging() {
  for (const Block& block : blocks_) {
    if (block.memory != nullptr) api_.cuMemFreeHost(block.memory);
  }
}

void WriteStaging::write(DevicePointer to, const void* source, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  std::byte* staged = room(bytes);
  std::memcpy(staged, source, bytes);
  check(api_, api_.cuMemcpyHtoDAsync(to, staged, bytes, stream_), "cuMemcpyHtoDAsync");
}

std::byte* WriteStaging::room(std::size_t bytes) {
  if (used_ + bytes > block_bytes) {
    blocks_[current_].last_copy->record(stream_);
    const std::size_t next = (current_ + 1) % block_count;
    if (blocks_[next].last_copy) blocks_[next].last_copy->synchronize();
    current_ = next;
    used_ = 0;
  }
  Block& block = blocks_[current_];
  if (!block.last_copy) block.last_copy = std::make_unique<Event>(api_, event_disable_timing);
  if (block.memory == nullptr) {
    check(api_, api_.cuMemHostAlloc(&block.memory, block_bytes, 0), "cuMemHostAlloc");
  }
  constexpr std::size_t alignment = 64;  // copies of whole cache lines
  std::byte* const place = static_cast<std::byte*>(block.memory) + used_;
  used_ += (bytes + alignment - 1) / alignment * alignment;
  return place;
}

}  // namespace rustorch::gpu::cuda
