#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "rustorch/memory/allocators/allocation_counter.h"
#include "rustorch/memory/allocators/call_stack.h"
#include "rustorch/memory/fork_order.h"
#include "rustorch/memory/memory_allocator.h"

namespace rustorch {

/// Finds mistakes in the use of memory; for tests and for hunting them, since each call takes microseconds.
///
/// Around each block lie guards, fresh blocks are filled with 0xcd, returned ones with 0xdd and kept in
/// quarantine. Found are: blocks returned twice, or with another size than they were taken with, or that are
/// none; writing before or beyond a block (when it returns); writing to a returned block (when it leaves
/// quarantine). check() looks at once. Each mistake names where the block was taken and returned. Blocks that
/// were never returned are listed by live_blocks().
class TrackingAllocator final : public MemoryAllocator, private ForkHandler {
 public:
  static constexpr std::byte fresh_fill{0xcd};
  static constexpr std::byte returned_fill{0xdd};

  /// Blocks come from `upstream`, which must outlive this; at most `quarantine_bytes` of returned ones are
  /// kept.
  explicit TrackingAllocator(MemoryAllocator& upstream, std::size_t quarantine_bytes = std::size_t{64} << 20);
  /// Live blocks stay with whoever holds them.
  ~TrackingAllocator() override;

  std::string_view name() const noexcept override { return "tracking"; }
  void* allocate(std::size_t bytes, std::size_t alignment = default_alignment,
                 MemoryHint hint = MemoryHint::temporary) override;
  void deallocate(void* block, std::size_t bytes,
                  std::size_t alignment = default_alignment) noexcept override;
  /// Quarantined blocks count as cached.
  MemoryStatistics statistics() const override;
  void reset_peak() override;
  std::size_t trim(std::size_t keep_bytes = 0) override;
  void set_limit(std::uint64_t bytes) override;
  std::uint64_t limit() const noexcept override;

  /// Looks at the guards of live blocks and at what is in quarantine.
  void check();
  /// The mistakes found so far, the first `most_mistakes` of them.
  std::vector<std::string> mistakes() const;
  /// A line for each live block: its size, and where it was taken.
  std::vector<std::string> live_blocks() const;

 private:
  static constexpr std::size_t most_mistakes = 100;

  struct Block {
    std::byte* data = nullptr;
    std::size_t bytes = 0;
    std::size_t alignment = 0;
    bool is_live = true;
    bool was_reported = false;  // one mistake a block: the second look finds the same bytes
    CallStack taken;
    CallStack returned;

    std::size_t front_bytes() const noexcept;
    std::size_t all_bytes() const noexcept;
    std::string describe() const;
  };

  std::byte* take_upstream(std::size_t bytes, std::size_t alignment, MemoryHint hint);
  static void fill_guards(const Block& block) noexcept;
  void look_at(Block& block);
  void report(Block& block, const char* what);
  void report(std::string mistake);
  void quarantine(Block& block) noexcept;
  /// Gives the oldest quarantined blocks back until at most `keep_bytes` stay.
  std::size_t release_quarantine(std::size_t keep_bytes) noexcept;

  MemoryAllocator& upstream_;
  const std::size_t quarantine_bytes_;
  mutable std::mutex mutex_;
  AllocationCounter counter_;
  std::unordered_map<void*, Block> blocks_;  // live and quarantined ones
  std::deque<void*> quarantined_;            // oldest first
  std::vector<std::string> mistakes_;

  void before_fork() noexcept override { mutex_.lock(); }
  void after_fork(bool /*in_child*/) noexcept override { mutex_.unlock(); }
  ForkRegistration registration_{*this, ForkOrder::cache};
};

}  // namespace rustorch
