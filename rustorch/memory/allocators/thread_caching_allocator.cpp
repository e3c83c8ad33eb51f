#include "rustorch/memory/allocators/thread_caching_allocator.h"

#include <algorithm>
#include <map>
#include <new>
#include <utility>

#include "rustorch/error/error.h"
#include "rustorch/memory/allocators/size_classes.h"
#include "rustorch/memory/allocators/thread_cache.h"
#include "rustorch/memory/memory_tag.h"
#include "rustorch/memory/poison.h"

namespace rustorch {

namespace {

/// How many holders an out-of-memory Error names.
constexpr std::size_t holders_in_errors = 6;

/// Allocators that are there, by number, for threads that end.
struct Registry final : ForkHandler {
  std::mutex mutex;
  std::map<std::uint64_t, ThreadCachingAllocator*> allocators;
  std::uint64_t next_id = 1;

  static Registry& instance() {
    static Registry& registry = *new Registry;  // threads may end after static destruction
    return registry;
  }
  void before_fork() noexcept override { mutex.lock(); }
  void after_fork(bool /*in_child*/) noexcept override { mutex.unlock(); }

 private:
  ForkRegistration registration_{*this, ForkOrder::threads};
};

[[maybe_unused]] const Registry& made_while_loading = Registry::instance();

bool is_for_anything(MemoryHint hint) noexcept {
  return hint == MemoryHint::temporary || hint == MemoryHint::persistent;
}

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
  const bool usual = is_for_anything(hint) && BlockContext::of_this_thread().tag == nullptr;
  // One comparison for "at least 1 and at most".
  if (usual && bytes - 1 < largest_cached_bytes && alignment == default_alignment) [[likely]]
    return allocate_cached(bytes, hint);
  if ((usual && !BlockLedger::records(bytes)) || bytes == 0) return allocate_upstream(bytes, alignment, hint);
  return allocate_recorded(bytes, alignment, hint);
}

inline void* ThreadCachingAllocator::allocate_cached(std::size_t bytes, MemoryHint hint) {
  Cache* const cache = cache_of_this_thread();
  const std::size_t size_class = SizeClasses::index_of(bytes);
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  if (cache != nullptr) [[likely]] {
    Cache::Stack& stack = cache->stacks[size_class];
    if (stack.count != 0 && cache->epoch == epoch_.load(std::memory_order_relaxed)) [[likely]] {
      void* const block = stack.pop();
      cache->hits.add(1);
      cache->kept_bytes.subtract(block_bytes);
      cache->unused_bytes.add(block_bytes - bytes);
      unpoison_memory(block, bytes);
      return block;
    }
  }
  return allocate_slowly(bytes, hint, cache);
}

void* ThreadCachingAllocator::allocate_slowly(std::size_t bytes, MemoryHint hint, Cache* cache) {
  if (const std::uint64_t epoch = epoch_.load(std::memory_order_relaxed);
      cache != nullptr && cache->epoch != epoch) {
    flush(*cache);
    cache->epoch = epoch;
  }
  // By the size of its class, so that it does not matter which request of the class it serves later.
  const std::size_t block_bytes = SizeClasses::bytes_of(SizeClasses::index_of(bytes));
  void* const block = allocate_upstream(block_bytes, default_alignment, hint);
  if (cache != nullptr) {
    cache->unused_bytes.add(block_bytes - bytes);
  } else {
    unused_bytes_.fetch_add(block_bytes - bytes, std::memory_order_relaxed);
  }
  poison_memory(static_cast<std::byte*>(block) + bytes, block_bytes - bytes);
  return block;
}

[[gnu::noinline]] void* ThreadCachingAllocator::allocate_recorded(std::size_t bytes, std::size_t alignment,
                                                                  MemoryHint hint) {
  const bool cached =
      bytes <= largest_cached_bytes && alignment == default_alignment && is_for_anything(hint);
  void* const block = cached ? allocate_cached(bytes, hint) : allocate_upstream(bytes, alignment, hint);
  try {
    ledger_.record(block, bytes, hint);
  } catch (...) {
    if (cached) {
      deallocate_cached(block, bytes);
    } else {
      upstream_.deallocate(block, bytes, alignment);
    }
    throw;
  }
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
  try {
    return upstream_.allocate(bytes, alignment, hint);
  } catch (const Error& error) {
    const std::string holders = ledger_.largest_holders(holders_in_errors);
    if (error.code() != ErrorCode::out_of_memory || holders.empty()) throw;
    throw Error(error.code(), error.message() + "; the largest holders: " + holders, error.suggestion(),
                error.location());
  }
}

void ThreadCachingAllocator::deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (block == nullptr) return;
  if (ledger_.has_small() || BlockLedger::records(bytes)) [[unlikely]]
    return deallocate_recorded(block, bytes, alignment);
  if (bytes - 1 < largest_cached_bytes && alignment == default_alignment) [[likely]]
    return deallocate_cached(block, bytes);
  upstream_.deallocate(block, bytes, alignment);
}

[[gnu::noinline]] void ThreadCachingAllocator::deallocate_recorded(void* block, std::size_t bytes,
                                                                   std::size_t alignment) noexcept {
  const MemoryHint hint = ledger_.forget(block).value_or(MemoryHint::temporary);
  const bool cached =
      bytes - 1 < largest_cached_bytes && alignment == default_alignment && is_for_anything(hint);
  if (cached) {
    deallocate_cached(block, bytes);
  } else {
    upstream_.deallocate(block, bytes, alignment);
  }
}

inline void ThreadCachingAllocator::deallocate_cached(void* block, std::size_t bytes) noexcept {
  Cache* const cache = cache_of_this_thread();
  const std::size_t size_class = SizeClasses::index_of(bytes);
  if (cache != nullptr && cache->stacks[size_class].count < Cache::capacities[size_class]) [[likely]] {
    const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
    cache->stacks[size_class].push(block);
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
    flush_class(*cache, size_class, Cache::capacities[size_class] / 2);
    return deallocate_cached(block, bytes);
  }
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  unused_bytes_.fetch_sub(block_bytes - bytes, std::memory_order_relaxed);
  upstream_.deallocate(block, block_bytes, default_alignment);
}

void ThreadCachingAllocator::before_fork() noexcept { mutex_.lock(); }

void ThreadCachingAllocator::after_fork(bool in_child) noexcept {
  if (in_child) {
    std::vector<std::pair<std::uint64_t, Cache*>> none;
    const auto& own = thread_has_ended ? none : ThreadEnd::of_this_thread().caches;
    for (const auto& cache : caches_) {
      const bool is_own =
          std::any_of(own.begin(), own.end(), [&](const auto& one) { return one.second == cache.get(); });
      if (!cache->in_use || is_own) continue;
      flush(*cache);
      cache->in_use = false;
    }
  }
  mutex_.unlock();
}

}  // namespace rustorch
