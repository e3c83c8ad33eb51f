#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "rustorch/memory/allocators/allocation_counter.h"
#include "rustorch/memory/allocators/size_classes.h"
#include "rustorch/memory/memory_allocator.h"
#include "rustorch/memory/spin_lock.h"

namespace rustorch {

/// Keeps returned blocks for reuse, so that a loop which repeats its allocations asks the system for nothing
/// after its first round.
///
/// Small blocks (to SizeClasses::largest_bytes) lie in a free list per class, threaded through the blocks
/// themselves. Large and unusually aligned blocks have a record each; a kept one serves requests that leave
/// at most a fifth of it unused. All state is behind one lock, which is never held while upstream works.
class PoolAllocator final : public MemoryAllocator {
 public:
  /// Blocks come from `upstream`, which must outlive the pool; `name` stands in messages.
  explicit PoolAllocator(MemoryAllocator& upstream, std::string name = "pool");
  /// Returns kept blocks; blocks still live are lost to the pool and stay with whoever holds them.
  ~PoolAllocator() override;

  std::string_view name() const noexcept override { return name_; }
  void* allocate(std::size_t bytes, std::size_t alignment = default_alignment,
                 MemoryHint hint = MemoryHint::temporary) override;
  void deallocate(void* block, std::size_t bytes,
                  std::size_t alignment = default_alignment) noexcept override;
  MemoryStatistics statistics() const override;
  void reset_peak() override;
  std::size_t trim(std::size_t keep_bytes = 0) override;
  /// Counts kept blocks too: they are released before the limit would be crossed.
  void set_limit(std::uint64_t bytes) override;
  std::uint64_t limit() const noexcept override;

 private:
  /// A kept small block: its first bytes link it to the next of its class.
  struct FreeBlock {
    FreeBlock* next;
  };
  /// A large or unusually aligned block, from when upstream gave it until it goes back.
  struct LargeBlock {
    void* data = nullptr;
    std::size_t bytes = 0;
    std::size_t alignment = 0;
  };

  static bool is_small(std::size_t bytes, std::size_t alignment) noexcept {
    return bytes <= SizeClasses::largest_bytes && alignment <= default_alignment;
  }

  void* allocate_small(std::size_t bytes, MemoryHint hint);
  void* allocate_large(std::size_t bytes, std::size_t alignment, MemoryHint hint);
  /// A block of `block_bytes` from upstream, accounted for; releases kept blocks where memory is short.
  void* allocate_fresh(std::size_t bytes, std::size_t block_bytes, std::size_t alignment, MemoryHint hint);
  void* take_kept_large(std::size_t bytes, std::size_t alignment) noexcept;
  LargeBlock pop_kept() noexcept;
  AllocationCounter counter() const noexcept;

  MemoryAllocator& upstream_;
  const std::string name_;
  mutable SpinLock lock_;
  AllocationCounter counter_;
  std::array<FreeBlock*, SizeClasses::count> free_{};
  std::unordered_map<void*, LargeBlock> large_;  // live and kept ones
  std::vector<const LargeBlock*> kept_large_;  // smallest first; room for all, so that returning cannot fail
};

}  // namespace rustorch
