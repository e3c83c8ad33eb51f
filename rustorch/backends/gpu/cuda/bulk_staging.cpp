#include "rustorch/backends/gpu/cuda/bulk_staging.h"

#include <algorithm>

#include "rustorch/backends/runtime.h"

namespace rustorch::gpu::cuda {

BulkStaging::~BulkStaging() {
  for (const Block& block : blocks_) {
    if (block.memory != nullptr) api_.cuMemFreeHost(block.memory);
  }
}

BulkStaging::Block& BulkStaging::next_block() {
  Block& block = blocks_[next_];
  next_ = (next_ + 1) % block_count;
  if (!block.last_copy) block.last_copy = std::make_unique<Event>(api_, event_disable_timing);
  if (block.memory == nullptr) {
    void* memory = nullptr;
    check(api_, api_.cuMemHostAlloc(&memory, block_bytes, 0), "cuMemHostAlloc");
    block.memory = static_cast<std::byte*>(memory);
  }
  block.last_copy->synchronize();
  return block;
}

void BulkStaging::write(DevicePointer to, const void* source, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  for (std::size_t begin = 0; begin < bytes; begin += block_bytes) {
    const std::size_t size = std::min(block_bytes, bytes - begin);
    Block& block = next_block();
    // By all threads of the CPU.
    cpu_backend().copy_from_host(block.memory, 0, static_cast<const std::byte*>(source) + begin, size);
    check(api_, api_.cuMemcpyHtoDAsync(to + begin, block.memory, size, stream_), "cuMemcpyHtoDAsync");
    block.last_copy->record(stream_);
  }
}

void BulkStaging::read(void* destination, DevicePointer from, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  // The device is at most the ring ahead of the threads.
  std::array<Block*, block_count> queued;
  std::size_t begun = 0, done = 0;
  const auto size_at = [&](std::size_t block) { return std::min(block_bytes, bytes - block * block_bytes); };
  const std::size_t blocks = (bytes + block_bytes - 1) / block_bytes;
  while (done < blocks) {
    while (begun < blocks && begun < done + block_count) {
      Block& block = next_block();
      check(api_, api_.cuMemcpyDtoHAsync(block.memory, from + begun * block_bytes, size_at(begun), stream_),
            "cuMemcpyDtoHAsync");
      block.last_copy->record(stream_);
      queued[begun++ % block_count] = &block;
    }
    const Block& block = *queued[done % block_count];
    block.last_copy->synchronize();
    cpu_backend().copy_from_host(destination, done * block_bytes, block.memory, size_at(done));
    ++done;
  }
}

}  // namespace rustorch::gpu::cuda
