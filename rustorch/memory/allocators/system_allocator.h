#pragma once

#include <cstddef>

#include "rustorch/memory/allocators/allocation_counter.h"
#include "rustorch/memory/fork_order.h"
#include "rustorch/memory/memory_allocator.h"
#include "rustorch/memory/spin_lock.h"

namespace rustorch {

/// Whole pages straight from the operating system, returned to it at once. Blocks of huge_page_bytes and more
/// start at such a boundary and are backed by huge pages where the system has them. Pinned blocks are locked.
class SystemAllocator final : public MemoryAllocator, private ForkHandler {
 public:
  static constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

  SystemAllocator();

  std::string_view name() const noexcept override { return "system"; }
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
  void before_fork() noexcept override { lock_.lock(); }
  void after_fork(bool /*in_child*/) noexcept override { lock_.unlock(); }

  const std::size_t page_bytes_;
  mutable SpinLock lock_;
  AllocationCounter counter_;
  ForkRegistration registration_{*this, ForkOrder::leaf};
};

}  // namespace rustorch
