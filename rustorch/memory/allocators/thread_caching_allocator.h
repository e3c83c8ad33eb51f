#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "rustorch/memory/allocators/block_ledger.h"
#include "rustorch/memory/fork_order.h"
#include "rustorch/memory/memory_allocator.h"

namespace rustorch {

/// Keeps a few small blocks for each thread in front of another allocator, so that taking and returning them
/// needs no lock and no atomic read-modify-write.
///
/// Each thread has a short stack of blocks for each of the smaller size classes (SizeClasses), at most
/// most_bytes_per_class in each. Blocks beyond that, and all that a thread keeps when it ends, go back to
/// `upstream`. A block may be returned by any thread: it joins that thread's stacks. Larger blocks, unusual
/// alignments and hints pass through.
///
/// Who holds which large or tagged blocks is recorded (BlockLedger): statistics by tag come from there, and
/// an out-of-memory Error lists the largest holders.
///
/// After a fork the child has one thread: what the others kept goes back to upstream there.
///
/// Statistics are those of upstream, corrected by what the threads keep; only peak_bytes counts blocks that
/// threads keep as live, because exact peaks would need a shared counter. A limit counts them as live too.
class ThreadCachingAllocator final : public MemoryAllocator, private ForkHandler {
 public:
  static constexpr std::size_t largest_cached_bytes = 32 * 1024;
  static constexpr std::size_t most_bytes_per_class = 64 * 1024;
  static constexpr std::size_t most_blocks_per_class = 32;

  /// Small blocks come from `upstream`, which must outlive this and understand SizeClasses' sizes.
  explicit ThreadCachingAllocator(MemoryAllocator& upstream);
  /// Returns what the threads keep. No other thread may use the allocator any more.
  ~ThreadCachingAllocator() override;
  ThreadCachingAllocator(const ThreadCachingAllocator&) = delete;
  ThreadCachingAllocator& operator=(const ThreadCachingAllocator&) = delete;

  std::string_view name() const noexcept override { return upstream_.name(); }
  void* allocate(std::size_t bytes, std::size_t alignment = default_alignment,
                 MemoryHint hint = MemoryHint::temporary) override;
  void deallocate(void* block, std::size_t bytes,
                  std::size_t alignment = default_alignment) noexcept override;
  MemoryStatistics statistics() const override;
  void reset_peak() override { upstream_.reset_peak(); }
  /// The calling thread's blocks go back at once, other threads' when they next allocate a small block.
  std::size_t trim(std::size_t keep_bytes = 0) override;
  /// What threads keep stays: it is little.
  std::size_t trim_unused(double seconds) override { return upstream_.trim_unused(seconds); }
  std::vector<TagStatistics> statistics_by_tag() const override { return ledger_.statistics_by_tag(); }
  std::vector<SizeClassStatistics> size_classes() const override { return upstream_.size_classes(); }
  void set_limit(std::uint64_t bytes) override;
  std::uint64_t limit() const noexcept override { return upstream_.limit(); }

 private:
  struct Cache;
  struct ThreadEnd;

  Cache* cache_of_this_thread() noexcept;
  Cache* find_or_make_cache() noexcept;
  void* allocate_cached(std::size_t bytes, MemoryHint hint);
  void* allocate_slowly(std::size_t bytes, MemoryHint hint, Cache* cache);
  void* allocate_recorded(std::size_t bytes, std::size_t alignment, MemoryHint hint);
  void* allocate_upstream(std::size_t bytes, std::size_t alignment, MemoryHint hint);
  void deallocate_cached(void* block, std::size_t bytes) noexcept;
  void deallocate_recorded(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_slowly(void* block, std::size_t bytes, Cache* cache) noexcept;
  /// Returns the upper part of a stack, or with `keep` 0 all of it.
  void flush_class(Cache& cache, std::size_t size_class, std::size_t keep) noexcept;
  void flush(Cache& cache) noexcept;
  /// The calling thread's blocks at once, those of others when they next allocate.
  void flush_threads() noexcept;
  void before_fork() noexcept override;
  void after_fork(bool in_child) noexcept override;

  MemoryAllocator& upstream_;
  const std::uint64_t id_;
  /// Raised by flush_threads: caches that are behind flush themselves.
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<std::uint64_t> unused_bytes_{0};  // of blocks taken or returned by threads without a cache
  mutable std::mutex mutex_;                    // guards the list, not what is in the caches
  std::vector<std::unique_ptr<Cache>> caches_;
  BlockLedger ledger_;
  ForkRegistration registration_{*this, ForkOrder::cache};
};

}  // namespace rustorch
