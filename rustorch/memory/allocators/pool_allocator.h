#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "rustorch/memory/allocators/allocation_counter.h"
#include "rustorch/memory/allocators/class_tuning.h"
#include "rustorch/memory/allocators/generation_clock.h"
#include "rustorch/memory/allocators/large_blocks.h"
#include "rustorch/memory/allocators/size_classes.h"
#include "rustorch/memory/fork_order.h"
#include "rustorch/memory/memory_allocator.h"
#include "rustorch/memory/spin_lock.h"

namespace rustorch {

/// Keeps returned blocks for reuse, so that a loop which repeats its allocations asks the system for nothing
/// after its first round.
///
/// Small blocks (to SizeClasses::largest_bytes) lie in a free list per class, threaded through the blocks
/// themselves. Large, hinted and unusually aligned blocks, and those of classes that tuning made exact, have
/// a record each (LargeBlocks). All state is behind one lock, which is never held while upstream works.
///
/// Whenever the system must be asked, blocks that lay unused for a minute go back, and where the machine
/// is short of memory as many kept ones as are needed.
class PoolAllocator final : public MemoryAllocator, private ForkHandler {
 public:
  /// The memory that may still be taken from the system.
  using AvailableMemory = std::uint64_t (*)();
  /// How much shall stay available: less is pressure.
  static constexpr std::uint64_t reserve_bytes = std::uint64_t{64} << 20;
  static constexpr double unused_seconds = 60;

  /// Blocks come from `upstream`, which must outlive the pool; `name` stands in messages. Without
  /// `available_memory` no pressure is felt.
  explicit PoolAllocator(MemoryAllocator& upstream, std::string name = "pool",
                         AvailableMemory available_memory = nullptr);
  /// Returns kept blocks; blocks still live are lost to the pool and stay with whoever holds them.
  ~PoolAllocator() override;

  std::string_view name() const noexcept override { return name_; }
  void* allocate(std::size_t bytes, std::size_t alignment = default_alignment,
                 MemoryHint hint = MemoryHint::temporary) override;
  void deallocate(void* block, std::size_t bytes,
                  std::size_t alignment = default_alignment) noexcept override;
  MemoryStatistics statistics() const override;
  std::vector<SizeClassStatistics> size_classes() const override;
  void reset_peak() override;
  std::size_t trim(std::size_t keep_bytes = 0) override;
  std::size_t trim_unused(double seconds) override;
  /// Counts kept blocks too: they are released before the limit would be crossed.
  void set_limit(std::uint64_t bytes) override;
  std::uint64_t limit() const noexcept override;

 private:
  /// A kept small block: its first bytes link it to the next of its class, which came before it.
  struct FreeBlock {
    FreeBlock* next;
    std::uint32_t generation;
  };
  static constexpr std::uint64_t every_generation = std::uint64_t{1} << 32;

  static bool is_small(std::size_t bytes, std::size_t alignment) noexcept {
    return bytes <= SizeClasses::largest_bytes && alignment <= default_alignment;
  }

  void* allocate_small(std::size_t bytes, MemoryHint hint);
  void* allocate_small_fresh(std::size_t bytes, std::size_t size_class, MemoryHint hint);
  void* allocate_recorded(std::size_t bytes, std::size_t alignment, MemoryHint hint);
  /// Whether this was a live block with a record.
  bool deallocate_recorded(void* block, std::size_t bytes) noexcept;
  /// A block of `block_bytes` from upstream, accounted for; releases kept blocks where memory is short.
  void* allocate_fresh(std::size_t bytes, std::size_t block_bytes, std::size_t alignment, MemoryHint hint);
  bool reserve(std::size_t bytes, std::size_t block_bytes);
  void give_up_reserved(std::size_t bytes, std::size_t block_bytes) noexcept;
  /// Before the system is asked for a block: gives back what is old, and what is needed under pressure.
  void make_room(std::size_t block_bytes);
  LargeBlocks::Block pop_kept() noexcept;
  void release(const LargeBlocks::Block& block) noexcept;
  std::size_t release_small_before(std::uint32_t generation, std::size_t size_class) noexcept;
  AllocationCounter counter() const noexcept;
  void before_fork() noexcept override { lock_.lock(); }
  void after_fork(bool /*in_child*/) noexcept override { lock_.unlock(); }

  MemoryAllocator& upstream_;
  const std::string name_;
  const AvailableMemory available_memory_;
  mutable SpinLock lock_;
  AllocationCounter counter_;
  std::array<FreeBlock*, SizeClasses::count> free_{};
  std::array<std::uint32_t, SizeClasses::count> recorded_{};  // live blocks with a record, by what was asked
  LargeBlocks large_;
  ClassTuning tuning_;
  GenerationClock clock_{std::chrono::steady_clock::now()};
  std::uint64_t fresh_bytes_until_look_ = 0;  // may be taken before pressure is looked for again
  ForkRegistration registration_{*this, ForkOrder::pool};
};

}  // namespace rustorch
