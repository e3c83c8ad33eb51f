#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/backends/gpu/process_guard.h"
#include "rustorch/memory/allocators/allocation_counter.h"
#include "rustorch/memory/allocators/block_ledger.h"
#include "rustorch/memory/memory_allocator.h"

namespace rustorch::gpu {

/// A device's memory: keeps returned blocks for reuse. Work is done in the order in which it is queued, so a
/// block may be handed out again while work on its former contents still waits. Blocks are handles, not
/// addresses.
///
/// Blocks are as large as their class: those of SizeClasses to 1 MiB, then eight sizes per power of two (at
/// most an eighth is wasted). Where the device or the limit has no room, kept blocks are released, queued
/// work is waited for, and it is tried again; then an Error names the largest holders. In a forked child
/// memory can neither be taken (an Error) nor given back: the driver stays with the parent.
class GpuAllocator final : public MemoryAllocator {
 public:
  /// `name` stands in messages: "opencl:0".
  GpuAllocator(KernelExecutor& executor, std::string name) : executor_(executor), name_(std::move(name)) {}
  ~GpuAllocator() override {
    if (process_.is_same()) trim(0);
  }

  std::string_view name() const noexcept override { return name_; }
  void* allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) override;
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept override;
  MemoryStatistics statistics() const override;
  std::vector<TagStatistics> statistics_by_tag() const override { return ledger_.statistics_by_tag(); }
  void reset_peak() override;
  std::size_t trim(std::size_t keep_bytes) override;
  void set_limit(std::uint64_t bytes) override;
  std::uint64_t limit() const noexcept override;

 private:
  /// A kept block of this class, or nullptr.
  BufferHandle take_kept(std::size_t block_bytes, std::size_t bytes);
  BufferHandle allocate_fresh(std::size_t block_bytes, std::size_t bytes);
  [[noreturn]] void fail_exhausted(std::size_t bytes) const;

  KernelExecutor& executor_;
  const std::string name_;
  const ProcessGuard process_{name_};
  mutable std::mutex mutex_;
  AllocationCounter counter_;
  std::map<std::size_t, std::vector<BufferHandle>> kept_;  // by block size
  BlockLedger ledger_;
};

}  // namespace rustorch::gpu
