#include "rustorch/memory/allocators/pool_allocator.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <mutex>
#include <new>
#include <tuple>
#include <utility>

#include "rustorch/error/error.h"
#include "rustorch/memory/poison.h"

namespace rustorch {

namespace {

// Large blocks come in multiples of a page, so that sizes which differ by a few bytes share blocks.
constexpr std::size_t large_granule = 4096;

// A kept block may be this much larger than asked for.
constexpr std::size_t largest_fit(std::size_t bytes) noexcept { return bytes + bytes / 4; }

// The block without the part that nobody asked for, which nobody may touch.
void* handed_out(void* block, std::size_t bytes, std::size_t block_bytes) noexcept {
  unpoison_memory(block, bytes);
  poison_memory(static_cast<std::byte*>(block) + bytes, block_bytes - bytes);
  return block;
}

}  // namespace

PoolAllocator::PoolAllocator(MemoryAllocator& upstream, std::string name)
    : upstream_(upstream), name_(std::move(name)) {}

PoolAllocator::~PoolAllocator() { trim(0); }

void* PoolAllocator::allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  if (bytes == 0) return nullptr;
  if (!std::has_single_bit(alignment) || !is_small(bytes, alignment)) {
    check_allocation_request(bytes, alignment, name_.c_str());
    return allocate_large(bytes, alignment, hint);
  }
  return allocate_small(bytes, hint);
}

void* PoolAllocator::allocate_small(std::size_t bytes, MemoryHint hint) {
  const std::size_t size_class = SizeClasses::index_of(bytes);
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  {
    const std::lock_guard guard(lock_);
    FreeBlock* const block = free_[size_class];
    if (block != nullptr && counter_.fits(block_bytes)) {
      unpoison_memory(block, sizeof(FreeBlock));
      free_[size_class] = block->next;
      counter_.reused(block_bytes);
      counter_.taken(block_bytes, bytes);
      return handed_out(block, bytes, block_bytes);
    }
  }
  return handed_out(allocate_fresh(bytes, block_bytes, default_alignment, hint), bytes, block_bytes);
}

void* PoolAllocator::allocate_large(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  const std::size_t block_alignment = std::max(alignment, default_alignment);
  {
    const std::lock_guard guard(lock_);
    if (void* const block = take_kept_large(bytes, block_alignment)) return block;
  }
  // A record must exist before the block: without room for it there is no way to fail later.
  const std::size_t block_bytes = round_up(bytes, large_granule);
  void* const block = allocate_fresh(bytes, block_bytes, block_alignment, hint);
  try {
    const std::lock_guard guard(lock_);
    if (kept_large_.capacity() <= large_.size()) kept_large_.reserve(2 * large_.size() + 16);
    large_.emplace(block, LargeBlock{block, block_bytes, block_alignment});
  } catch (...) {
    upstream_.deallocate(block, block_bytes, block_alignment);
    const std::lock_guard guard(lock_);
    counter_.returned(block_bytes, bytes);
    throw;
  }
  return handed_out(block, bytes, block_bytes);
}

// With the lock held.
void* PoolAllocator::take_kept_large(std::size_t bytes, std::size_t alignment) noexcept {
  const auto smallest =
      std::lower_bound(kept_large_.begin(), kept_large_.end(), bytes,
                       [](const LargeBlock* block, std::size_t size) { return block->bytes < size; });
  const std::size_t largest = largest_fit(round_up(bytes, large_granule));
  for (auto it = smallest; it != kept_large_.end() && (*it)->bytes <= largest; ++it) {
    const LargeBlock& block = **it;
    if (reinterpret_cast<std::uintptr_t>(block.data) % alignment != 0 || !counter_.fits(block.bytes))
      continue;
    kept_large_.erase(it);
    counter_.reused(block.bytes);
    counter_.taken(block.bytes, bytes);
    return handed_out(block.data, bytes, block.bytes);
  }
  return nullptr;
}

void* PoolAllocator::allocate_fresh(std::size_t bytes, std::size_t block_bytes, std::size_t alignment,
                                    MemoryHint hint) {
  const auto reserve = [&] {
    const std::lock_guard guard(lock_);
    if (!counter_.fits_beside_cached(block_bytes)) return false;
    counter_.taken(block_bytes, bytes);
    counter_.asked_system();
    return true;
  };
  const auto try_upstream = [&]() -> void* {
    try {
      return upstream_.allocate(block_bytes, alignment, hint);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::out_of_memory) throw;
      return nullptr;
    }
  };

  if (!reserve()) {
    const AllocationCounter now = counter();
    const std::uint64_t needed = now.statistics().live_bytes + block_bytes;
    trim(static_cast<std::size_t>(now.limit() > needed ? now.limit() - needed : 0));
    if (!reserve()) fail_out_of_memory(bytes, counter(), name_.c_str());
  }
  void* block = try_upstream();
  if (block == nullptr) {
    trim(0);
    block = try_upstream();
  }
  if (block == nullptr) {
    {
      const std::lock_guard guard(lock_);
      counter_.returned(block_bytes, bytes);
    }
    fail_out_of_memory(bytes, counter(), name_.c_str());
  }
  keep_on_purpose(block);
  return block;
}

void PoolAllocator::deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (block == nullptr) return;
  if (is_small(bytes, alignment)) {
    const std::size_t size_class = SizeClasses::index_of(bytes);
    const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
    unpoison_memory(block, sizeof(FreeBlock));  // the link may reach beyond what was asked for
    auto* const kept = ::new (block) FreeBlock{nullptr};
    const std::lock_guard guard(lock_);
    kept->next = free_[size_class];
    free_[size_class] = kept;
    counter_.returned(block_bytes, bytes);
    counter_.kept(block_bytes);
    poison_memory(block, block_bytes);
    return;
  }
  const std::lock_guard guard(lock_);
  const auto found = large_.find(block);
  if (found == large_.end()) return;  // no block of this pool: better lost than handed out
  const LargeBlock& record = found->second;
  const auto place = std::lower_bound(kept_large_.begin(), kept_large_.end(), &record,
                                      [](const LargeBlock* a, const LargeBlock* b) {
                                        return std::tie(a->bytes, a->data) < std::tie(b->bytes, b->data);
                                      });
  kept_large_.insert(place, &record);
  counter_.returned(record.bytes, bytes);
  counter_.kept(record.bytes);
  poison_memory(block, record.bytes);
}

AllocationCounter PoolAllocator::counter() const noexcept {
  const std::lock_guard guard(lock_);
  return counter_;
}

MemoryStatistics PoolAllocator::statistics() const { return counter().statistics(); }

void PoolAllocator::reset_peak() {
  const std::lock_guard guard(lock_);
  counter_.reset_peak();
}

// With the lock held: the largest kept block, no longer the pool's; no data if nothing is kept.
PoolAllocator::LargeBlock PoolAllocator::pop_kept() noexcept {
  LargeBlock released;
  if (!kept_large_.empty()) {
    released = *kept_large_.back();
    kept_large_.pop_back();
    large_.erase(released.data);
  } else {
    const auto list =
        std::find_if(free_.rbegin(), free_.rend(), [](const FreeBlock* b) { return b != nullptr; });
    if (list == free_.rend()) return released;
    FreeBlock* const block = *list;
    unpoison_memory(block, sizeof(FreeBlock));
    *list = block->next;
    const auto size_class = static_cast<std::size_t>(free_.rend() - list) - 1;
    released = {block, SizeClasses::bytes_of(size_class), default_alignment};
  }
  counter_.released(released.bytes);
  return released;
}

std::size_t PoolAllocator::trim(std::size_t keep_bytes) {
  std::size_t total = 0;
  while (true) {
    LargeBlock block;
    {
      const std::lock_guard guard(lock_);
      if (counter_.statistics().cached_bytes <= keep_bytes) return total;
      block = pop_kept();
    }
    if (block.data == nullptr) return total;
    unpoison_memory(block.data, block.bytes);
    upstream_.deallocate(block.data, block.bytes, block.alignment);
    total += block.bytes;
  }
}

void PoolAllocator::set_limit(std::uint64_t bytes) {
  counter().check_limit(bytes, name_.c_str());
  std::uint64_t live = 0;
  {
    const std::lock_guard guard(lock_);
    counter_.set_limit(bytes);
    live = counter_.statistics().live_bytes;
  }
  if (bytes != no_limit) trim(static_cast<std::size_t>(bytes > live ? bytes - live : 0));
}

std::uint64_t PoolAllocator::limit() const noexcept { return counter().limit(); }

}  // namespace rustorch
