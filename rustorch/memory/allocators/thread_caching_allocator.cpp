#include "rustorch/memory/allocators/thread_caching_allocator.h"

#include <algorithm>
#include <array>
#include <map>
#include <new>
#include <utility>

#include "rustorch/error/error.h"
#include "rustorch/memory/allocators/size_classes.h"
#include "rustorch/memory/poison.h"

namespace rustorch {

namespace {

constexpr std::size_t class_count = SizeClasses::index_of(ThreadCachingAllocator::largest_cached_bytes) + 1;

/// How many blocks of each class a thread keeps. A table, because the way of every block goes by it.
constexpr auto capacities = [] {
  std::array<std::uint32_t, class_count> counts{};
  for (std::size_t i = 0; i < class_count; ++i) {
    counts[i] = static_cast<std::uint32_t>(
        std::min(ThreadCachingAllocator::most_bytes_per_class / SizeClasses::bytes_of(i),
                 ThreadCachingAllocator::most_blocks_per_class));
  }
  return counts;
}();
static_assert(capacities.back() >= 2, "a temporary beside a result needs no lock");

/// A number that only its thread changes and others read: plain moves, no locked instruction.
class Count {
 public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n) noexcept { add(std::uint64_t{0} - n); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace

/// What one thread keeps. Counts wrap around where a block comes back to another thread than took it; their
/// sums over all threads are right.
struct ThreadCachingAllocator::Cache {
  struct Stack {
    std::uint32_t count = 0;
    std::array<void*, most_blocks_per_class> blocks;
  };
  std::array<Stack, class_count> stacks;
  std::uint64_t epoch = 0;
  bool in_use = true;  // guarded by the allocator's mutex: a thread that ends leaves its cache to the next
  Count hits;          // allocations that upstream did not see
  Count kept;          // deallocations that upstream did not see, less the blocks that went back later
  Count kept_bytes;
  Count unused_bytes;  // of live blocks, beyond what was asked for
};

namespace {

/// Allocators that are there, by number, for threads that end.
struct Registry {
  std::mutex mutex;
  std::map<std::uint64_t, ThreadCachingAllocator*> allocators;
  std::uint64_t next_id = 1;

  static Registry& instance() {
    static Registry& registry = *new Registry;  // threads may end after static destruction
    return registry;
  }
};

std::uint64_t register_allocator(ThreadCachingAllocator* allocator) {
  Registry& registry = Registry::instance();
  const std::lock_guard guard(registry.mutex);
  registry.allocators.emplace(registry.next_id, allocator);
  return registry.next_id++;
}

/// The cache that this thread used last. Plain data, so that reading it needs no check for initialization;
/// initial-exec spares the call that finds a library's thread-local data.
struct LastUsed {
  std::uint64_t allocator;
  void* cache;
};
[[gnu::tls_model("initial-exec")]] thread_local constinit LastUsed last_used{0, nullptr};
/// Set when the thread's list of caches is gone: what runs later (other thread-local destructors) does
/// without.
thread_local constinit bool thread_has_ended = false;

}  // namespace

/// All caches of a thread; its destructor gives them up.
struct ThreadCachingAllocator::ThreadEnd {
  std::vector<std::pair<std::uint64_t, Cache*>> caches;

  ~ThreadEnd() {
    last_used = {0, nullptr};
    thread_has_ended = true;
    Registry& registry = Registry::instance();
    const std::lock_guard guard(registry.mutex);
    for (const auto& [id, cache] : caches) {
      const auto found = registry.allocators.find(id);
      if (found == registry.allocators.end()) continue;  // the cache went with its allocator
      ThreadCachingAllocator& allocator = *found->second;
      allocator.flush(*cache);
      const std::lock_guard list(allocator.mutex_);
      cache->in_use = false;
    }
  }
  static ThreadEnd& of_this_thread() {
    thread_local ThreadEnd end;
    return end;
  }
};

ThreadCachingAllocator::ThreadCachingAllocator(MemoryAllocator& upstream)
    : upstream_(upstream), id_(register_allocator(this)) {}

ThreadCachingAllocator::~ThreadCachingAllocator() {
  {
    Registry& registry = Registry::instance();
    const std::lock_guard guard(registry.mutex);
    registry.allocators.erase(id_);
  }
  for (const auto& cache : caches_) flush(*cache);
}

inline ThreadCachingAllocator::Cache* ThreadCachingAllocator::cache_of_this_thread() noexcept {
  if (last_used.allocator == id_) [[likely]]
    return static_cast<Cache*>(last_used.cache);
  return find_or_make_cache();
}

// nullptr where there is no memory for one, or the thread is ending: then upstream serves alone.
ThreadCachingAllocator::Cache* ThreadCachingAllocator::find_or_make_cache() noexcept {
  if (thread_has_ended) return nullptr;
  try {
    ThreadEnd& thread = ThreadEnd::of_this_thread();
    for (const auto& [id, cache] : thread.caches) {
      if (id != id_) continue;
      last_used = {id_, cache};
      return cache;
    }
    thread.caches.reserve(thread.caches.size() + 1);
    Cache* cache = nullptr;
    {
      const std::lock_guard guard(mutex_);
      const auto left =
          std::find_if(caches_.begin(), caches_.end(), [](const auto& one) { return !one->in_use; });
      if (left != caches_.end()) {
        cache = left->get();
        cache->in_use = true;
      } else {
        caches_.push_back(std::make_unique<Cache>());
        cache = caches_.back().get();
      }
    }
    thread.caches.emplace_back(id_, cache);
    last_used = {id_, cache};
    return cache;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* ThreadCachingAllocator::allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  // One comparison for "at least 1 and at most".
  const bool cached = bytes - 1 < largest_cached_bytes && alignment == default_alignment &&
                      (hint == MemoryHint::temporary || hint == MemoryHint::persistent);
  if (!cached) [[unlikely]]
    return allocate_upstream(bytes, alignment, hint);
  Cache* const cache = cache_of_this_thread();
  const std::size_t size_class = SizeClasses::index_of(bytes);
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  if (cache != nullptr) [[likely]] {
    Cache::Stack& stack = cache->stacks[size_class];
    if (stack.count != 0 && cache->epoch == epoch_.load(std::memory_order_relaxed)) [[likely]] {
      void* const block = stack.blocks[--stack.count];
      cache->hits.add(1);
      cache->kept_bytes.subtract(block_bytes);
      cache->unused_bytes.add(block_bytes - bytes);
      unpoison_memory(block, bytes);
      return block;
    }
  }
  return allocate_slowly(bytes, alignment, hint, cache);
}

void* ThreadCachingAllocator::allocate_slowly(std::size_t bytes, std::size_t alignment, MemoryHint hint,
                                              Cache* cache) {
  if (const std::uint64_t epoch = epoch_.load(std::memory_order_relaxed);
      cache != nullptr && cache->epoch != epoch) {
    flush(*cache);
    cache->epoch = epoch;
  }
  // By the size of its class, so that it does not matter which request of the class it serves later.
  const std::size_t block_bytes = SizeClasses::bytes_of(SizeClasses::index_of(bytes));
  void* const block = allocate_upstream(block_bytes, alignment, hint);
  if (cache != nullptr) {
    cache->unused_bytes.add(block_bytes - bytes);
  } else {
    unused_bytes_.fetch_add(block_bytes - bytes, std::memory_order_relaxed);
  }
  poison_memory(static_cast<std::byte*>(block) + bytes, block_bytes - bytes);
  return block;
}

// What threads keep counts as live upstream: before an allocation fails, it goes back.
void* ThreadCachingAllocator::allocate_upstream(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  try {
    return upstream_.allocate(bytes, alignment, hint);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory) throw;
  }
  flush_threads();
  return upstream_.allocate(bytes, alignment, hint);
}

void ThreadCachingAllocator::deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (block == nullptr) return;
  if (bytes - 1 >= largest_cached_bytes || alignment != default_alignment) [[unlikely]]
    return upstream_.deallocate(block, bytes, alignment);
  Cache* const cache = cache_of_this_thread();
  const std::size_t size_class = SizeClasses::index_of(bytes);
  if (cache != nullptr && cache->stacks[size_class].count < capacities[size_class]) [[likely]] {
    const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
    Cache::Stack& stack = cache->stacks[size_class];
    stack.blocks[stack.count++] = block;
    cache->kept.add(1);
    cache->kept_bytes.add(block_bytes);
    cache->unused_bytes.subtract(block_bytes - bytes);
    poison_memory(block, block_bytes);
    return;
  }
  deallocate_slowly(block, bytes, cache);
}

void ThreadCachingAllocator::deallocate_slowly(void* block, std::size_t bytes, Cache* cache) noexcept {
  const std::size_t size_class = SizeClasses::index_of(bytes);
  if (cache != nullptr) {
    flush_class(*cache, size_class, capacities[size_class] / 2);
    return deallocate(block, bytes, default_alignment);
  }
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  unused_bytes_.fetch_sub(block_bytes - bytes, std::memory_order_relaxed);
  upstream_.deallocate(block, block_bytes, default_alignment);
}

void ThreadCachingAllocator::flush_class(Cache& cache, std::size_t size_class, std::size_t keep) noexcept {
  Cache::Stack& stack = cache.stacks[size_class];
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  while (stack.count > keep) {
    upstream_.deallocate(stack.blocks[--stack.count], block_bytes, default_alignment);
    cache.kept.subtract(1);
    cache.kept_bytes.subtract(block_bytes);
  }
}

void ThreadCachingAllocator::flush(Cache& cache) noexcept {
  for (std::size_t i = 0; i < class_count; ++i) flush_class(cache, i, 0);
}

void ThreadCachingAllocator::flush_threads() noexcept {
  epoch_.fetch_add(1, std::memory_order_relaxed);
  if (Cache* const cache = cache_of_this_thread()) flush(*cache);
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
