#pragma once

#include <cstddef>
#include <unordered_set>

#include "rustorch/memory/allocators/allocation_counter.h"
#include "rustorch/memory/allocators/system_allocator.h"
#include "rustorch/memory/fork_order.h"
#include "rustorch/memory/memory_allocator.h"
#include "rustorch/memory/spin_lock.h"

namespace rustorch {

/// Aligned blocks without a pool: small ones from the C heap, large ones as pages of their own, so that they
/// can be huge pages and go back to the system when freed. Pinned blocks and those with the hint huge_pages
/// get pages of their own in every size.
class AlignedAllocator final : public MemoryAllocator, private ForkHandler {
 public:
  /// From here on a block gets its own pages.
  static constexpr std::size_t paged_from_bytes = std::size_t{1} << 20;

  std::string_view name() const noexcept override { return "aligned"; }
  void* allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) override;
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept override;
  MemoryStatistics statistics() const override;
  void reset_peak() override;
  std::size_t trim(std::size_t keep_bytes) override;
  void set_limit(std::uint64_t bytes) override;
  std::uint64_t limit() const noexcept override;

 private:
  /// Accounts for a block, unless it would cross the limit.
  bool reserve(std::size_t bytes, std::size_t block_bytes) noexcept;
  void give_up_reserved(std::size_t bytes, std::size_t block_bytes) noexcept;
  AllocationCounter counter() const noexcept;
  void* allocate_pages(std::size_t bytes, std::size_t alignment, MemoryHint hint);
  void before_fork() noexcept override { lock_.lock(); }
  void after_fork(bool /*in_child*/) noexcept override { lock_.unlock(); }

  SystemAllocator pages_;
  mutable SpinLock lock_;
  AllocationCounter counter_;  // of both kinds
  std::unordered_set<void*> small_with_pages_;
  ForkRegistration registration_{*this, ForkOrder::pool};
};

}  // namespace rustorch
