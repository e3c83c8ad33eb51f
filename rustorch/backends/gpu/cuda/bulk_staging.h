#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

#include "rustorch/backends/gpu/cuda/driver_api.h"

namespace rustorch::gpu::cuda {

/// Page-locked host memory that large copies pass through, in both directions: the device moves one block
/// while the CPU's threads move the next ones. The driver does the same for memory that is not page-locked,
/// but with one thread, which is slower than the bus. A ring of blocks; copies of several threads take turns.
class BulkStaging {
 public:
  /// The least bytes of a read that gain by it. Between the blocks of a short one the CPU's threads fall
  /// asleep, and waking them takes as long as the copy.
  static constexpr std::size_t least_read = std::size_t{4} << 20;

  /// Copies go through this stream. Takes no memory before the first copy.
  BulkStaging(const DriverApi& api, StreamHandle stream) : api_(api), stream_(stream) {}
  /// The context must be current, and all copies done.
  ~BulkStaging();
  BulkStaging(const BulkStaging&) = delete;
  BulkStaging& operator=(const BulkStaging&) = delete;

  /// Queues a copy to the device; `source` may be changed when it returns. The context must be current.
  void write(DevicePointer to, const void* source, std::size_t bytes);
  /// Copies to the host after the queued work, and waits for it. The context must be current.
  void read(void* destination, DevicePointer from, std::size_t bytes);

 private:
  static constexpr std::size_t block_bytes = std::size_t{2} << 20;
  static constexpr std::size_t block_count = 8;

  struct Block {
    std::byte* memory = nullptr;       ///< block_bytes, page-locked
    std::unique_ptr<Event> last_copy;  ///< marks the last copy to or from this block
  };

  /// The block of the next turn, which the device does not use any more.
  Block& next_block();

  const DriverApi& api_;
  StreamHandle stream_;
  std::mutex mutex_;
  std::array<Block, block_count> blocks_;
  std::size_t next_ = 0;
};

}  // namespace rustorch::gpu::cuda
