#include <mutex>

#include "rustorch/memory/allocators/thread_cache.h"
#include "rustorch/memory/allocators/thread_caching_allocator.h"

// Flushing what threads keep, and what it means for the statistics.
namespace rustorch {

void ThreadCachingAllocator::flush_class(Cache& cache, std::size_t size_class, std::size_t keep) noexcept {
  Cache::Stack& stack = cache.stacks[size_class];
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  while (stack.count > keep) {
    upstream_.deallocate(stack.pop(), block_bytes, default_alignment);
    cache.kept.subtract(1);
    cache.kept_bytes.subtract(block_bytes);
  }
}

void ThreadCachingAllocator::flush(Cache& cache) noexcept {
  for (std::size_t i = 0; i < Cache::class_count; ++i) flush_class(cache, i, 0);
}

void ThreadCachingAllocator::flush_threads() noexcept {
  epoch_.fetch_add(1, std::memory_order_relaxed);
  if (Cache* const cache = find_or_make_cache()) flush(*cache);
}

MemoryStatistics ThreadCachingAllocator::statistics() const {
  const std::lock_guard guard(mutex_);
  std::uint64_t hits = 0, kept = 0, kept_bytes = 0;
  std::uint64_t unused_bytes = unused_bytes_.load(std::memory_order_relaxed);
  for (const auto& cache : caches_) {
    hits += cache->hits.get();
    kept += cache->kept.get();
    kept_bytes += cache->kept_bytes.get();
    unused_bytes += cache->unused_bytes.get();
  }
  MemoryStatistics now = upstream_.statistics();
  // While other threads work the numbers are of slightly different moments: never below zero.
  const auto less = [](std::uint64_t from, std::uint64_t bytes) { return from > bytes ? from - bytes : 0; };
  now.live_bytes = less(now.live_bytes, kept_bytes);
  now.cached_bytes += kept_bytes;
  now.requested_bytes = less(now.requested_bytes, kept_bytes + unused_bytes);
  now.allocations += hits;
  now.cache_hits += hits;
  now.deallocations += kept;
  return now;
}

std::size_t ThreadCachingAllocator::trim(std::size_t keep_bytes) {
  flush_threads();
  return upstream_.trim(keep_bytes);
}

void ThreadCachingAllocator::set_limit(std::uint64_t bytes) {
  flush_threads();
  upstream_.set_limit(bytes);
}

}  // namespace rustorch
