#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::gpu {

/// Kernels cannot raise an Error: what they find out of range they write down in a buffer, which the host
/// reads at its next synchronization. The first find is kept (kernels/index_check.h writes it); the kernel
/// goes on without that element.
class IndexChecks {
 public:
  IndexChecks(KernelExecutor& executor, MemoryAllocator& allocator)
      : executor_(executor), allocator_(allocator) {}

  /// What is looked at, which decides the Error's words.
  enum class Checked : std::uint8_t { index, target };

  /// For the next launch: the buffer, and the number that tells which op it is (it stands in the Error).
  struct Site {
    BufferHandle buffer;
    std::int32_t op;
  };
  Site begin(const char* op, Checked what = Checked::index);

  /// An Error (index_out_of_range) if a launch since the last call found an index out of range; waits for the
  /// queued work if any of it looks.
  void report();

 private:
  /// As kernels/index_check.h lays it out.
  struct Found {
    std::uint32_t count;
    std::int32_t op;
    std::int64_t index, size, row;
  };

  struct Op {
    std::string name;
    Checked what;
    bool operator==(const Op&) const = default;
  };

  KernelExecutor& executor_;
  MemoryAllocator& allocator_;
  std::mutex mutex_;
  Buffer buffer_;
  bool pending_ = false;
  std::vector<Op> ops_;
};

}  // namespace rustorch::gpu
