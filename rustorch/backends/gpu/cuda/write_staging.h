#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

#include "rustorch/backends/gpu/cuda/driver_api.h"

namespace rustorch::gpu::cuda {

/// Page-locked host memory that small copies to the device pass through, so that the caller goes on while the
/// device still reads. A ring of blocks: one is filled copy by copy, then marked with an event, and filled
/// again once the device has read all of it. Calls from several threads at once take turns.
class WriteStaging {
 public:
  /// The most bytes of one copy. Larger ones gain nothing by one thread that copies them twice
  /// (bulk_staging.h).
  static constexpr std::size_t most_bytes = std::size_t{256} << 10;

  /// Copies go through this stream. Takes no memory before the first copy.
  WriteStaging(const DriverApi& api, StreamHandle stream) : api_(api), stream_(stream) {}
  /// The context must be current, and all copies done.
  ~WriteStaging();
  WriteStaging(const WriteStaging&) = delete;
  WriteStaging& operator=(const WriteStaging&) = delete;

  /// Queues a copy of at most most_bytes; `source` may be changed when it returns. The context must be
  /// current.
  void write(DevicePointer to, const void* source, std::size_t bytes);

 private:
  static constexpr std::size_t block_bytes = std::size_t{1} << 20;
  static constexpr std::size_t block_count = 4;

  struct Block {
    void* memory = nullptr;            ///< block_bytes, page-locked
    std::unique_ptr<Event> last_copy;  ///< marks the last copy from this block
  };

  /// Room for this many bytes, which the device does not read any more.
  std::byte* room(std::size_t bytes);

  const DriverApi& api_;
  StreamHandle stream_;
  std::mutex mutex_;
  std::array<Block, block_count> blocks_;
  std::size_t current_ = 0;
  std::size_t used_ = 0;  ///< bytes of the current block
};

}  // namespace rustorch::gpu::cuda
