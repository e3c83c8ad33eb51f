#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "rustorch/memory/allocators/size_classes.h"
#include "rustorch/memory/allocators/thread_caching_allocator.h"

namespace rustorch {

/// A number that only its thread changes and others read: plain moves, no locked instruction.
class ThreadCount {
 public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n) noexcept { add(std::uint64_t{0} - n); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What one thread keeps. Counts wrap around where a block comes back to another thread than took it; their
/// sums over all threads are right.
struct ThreadCachingAllocator::Cache {
  static constexpr std::size_t class_count = SizeClasses::index_of(largest_cached_bytes) + 1;

  /// How many blocks of each class a thread keeps. A table, because the way of every block goes by it.
  static constexpr auto capacities = [] {
    std::array<std::uint32_t, class_count> counts{};
    for (std::size_t i = 0; i < class_count; ++i) {
      counts[i] = static_cast<std::uint32_t>(
          std::min(most_bytes_per_class / SizeClasses::bytes_of(i), most_blocks_per_class));
    }
    return counts;
  }();
  static_assert(capacities.back() >= 2, "a temporary beside a result needs no lock");

  struct Stack {
    std::uint32_t count = 0;
    std::array<void*, most_blocks_per_class> blocks;

    void push(void* block) noexcept {
      blocks[count] = block;
      // A fork may stop this thread for ever between the two: the child must not find a place counted that
      // has no block yet. It sees memory in the order of our instructions.
      std::atomic_signal_fence(std::memory_order_release);
      ++count;
    }
    void* pop() noexcept { return blocks[--count]; }
  };

  std::array<Stack, class_count> stacks;
  std::uint64_t epoch = 0;
  bool in_use = true;  // guarded by the allocator's mutex: a thread that ends leaves its cache to the next
  ThreadCount hits;    // allocations that upstream did not see
  ThreadCount kept;    // deallocations that upstream did not see, less the blocks that went back later
  ThreadCount kept_bytes;
  ThreadCount unused_bytes;  // of live blocks, beyond what was asked for
};

}  // namespace rustorch
