#include "rustorch/memory/allocators/pool_allocator.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

#include "rustorch/error/error.h"
#include "rustorch/memory/poison.h"

namespace rustorch {

namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

// The block without the part that nobody asked for, which nobody may touch.
void* handed_out(void* block, std::size_t bytes, std::size_t block_bytes) noexcept {
  unpoison_memory(block, bytes);
  poison_memory(static_cast<std::byte*>(block) + bytes, block_bytes - bytes);
  return block;
}

bool needs_record(MemoryHint hint) noexcept {
  return hint == MemoryHint::pinned || hint == MemoryHint::huge_pages;
}

}  // namespace

PoolAllocator::PoolAllocator(MemoryAllocator& upstream, std::string name, AvailableMemory available_memory)
    : upstream_(upstream), name_(std::move(name)), available_memory_(available_memory) {}

PoolAllocator::~PoolAllocator() { trim(0); }

void* PoolAllocator::allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  if (bytes == 0) return nullptr;
  if (is_small(bytes, alignment) && is_power_of_two(alignment) && !needs_record(hint)) [[likely]]
    return allocate_small(bytes, hint);
  check_allocation_request(bytes, alignment, name_.c_str());
  return allocate_recorded(bytes, alignment, hint);
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
  return allocate_small_fresh(bytes, size_class, hint);
}

[[gnu::noinline]] void* PoolAllocator::allocate_small_fresh(std::size_t bytes, std::size_t size_class,
                                                            MemoryHint hint) {
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  bool exact = false;
  {
    const std::lock_guard guard(lock_);
    exact = tuning_.is_exact(size_class);
    if (!exact) tuning_.observe(size_class, bytes, block_bytes);
  }
  if (exact) return allocate_recorded(bytes, default_alignment, hint);
  return handed_out(allocate_fresh(bytes, block_bytes, default_alignment, hint), bytes, block_bytes);
}

void* PoolAllocator::allocate_recorded(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  const std::size_t block_alignment = std::max(alignment, default_alignment);
  const bool small = is_small(bytes, alignment);
  const MemoryHint kind = needs_record(hint) ? hint : MemoryHint::temporary;
  // A huge page backs only what fills it.
  const std::size_t block_bytes =
      round_up(bytes, hint == MemoryHint::huge_pages ? huge_page_bytes : LargeBlocks::granule);
  {
    const std::lock_guard guard(lock_);
    if (const auto* const block = large_.take(
            {block_bytes, block_alignment, kind, counter_.room(), hint == MemoryHint::temporary})) {
      counter_.reused(block->bytes);
      counter_.taken(block->bytes, bytes);
      if (small) ++recorded_[SizeClasses::index_of(bytes)];
      return handed_out(block->data, bytes, block->bytes);
    }
  }
  void* const block = allocate_fresh(bytes, block_bytes, block_alignment, hint);
  try {  // without room for a record there is no way to fail later
    const std::lock_guard guard(lock_);
    large_.add({.data = static_cast<std::byte*>(block),
                .bytes = block_bytes,
                .alignment = block_alignment,
                .hint = kind});
    if (small) ++recorded_[SizeClasses::index_of(bytes)];
    if (small && kind == MemoryHint::temporary) {
      tuning_.observe(SizeClasses::index_of(bytes), bytes, block_bytes);
    }
  } catch (...) {
    upstream_.deallocate(block, block_bytes, block_alignment);
    give_up_reserved(bytes, block_bytes);
    throw;
  }
  return handed_out(block, bytes, block_bytes);
}

bool PoolAllocator::reserve(std::size_t bytes, std::size_t block_bytes) {
  const std::lock_guard guard(lock_);
  if (!counter_.fits_beside_cached(block_bytes)) return false;
  counter_.taken(block_bytes, bytes);
  counter_.asked_system();
  return true;
}

void PoolAllocator::give_up_reserved(std::size_t bytes, std::size_t block_bytes) noexcept {
  const std::lock_guard guard(lock_);
  counter_.returned(block_bytes, bytes);
}

void* PoolAllocator::allocate_fresh(std::size_t bytes, std::size_t block_bytes, std::size_t alignment,
                                    MemoryHint hint) {
  make_room(block_bytes);
  if (!reserve(bytes, block_bytes)) {
    const AllocationCounter now = counter();
    const std::uint64_t needed = now.statistics().live_bytes + block_bytes;
    trim(static_cast<std::size_t>(now.limit() > needed ? now.limit() - needed : 0));
    if (!reserve(bytes, block_bytes)) fail_out_of_memory(bytes, counter(), name_.c_str());
  }
  const auto try_upstream = [&]() -> void* {
    try {
      return upstream_.allocate(block_bytes, alignment, hint);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::out_of_memory) return nullptr;
      give_up_reserved(bytes, block_bytes);
      throw;
    }
  };
  void* block = try_upstream();
  if (block == nullptr) {
    trim(0);
    block = try_upstream();
  }
  if (block == nullptr) {
    give_up_reserved(bytes, block_bytes);
    fail_out_of_memory(bytes, counter(), name_.c_str());
  }
  keep_on_purpose(block);
  return block;
}

void PoolAllocator::deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (block == nullptr) return;
  const std::lock_guard guard(lock_);
  if (!is_small(bytes, alignment)) [[unlikely]] {
    deallocate_recorded(block, bytes);  // no block of this pool is better lost than handed out
    return;
  }
  const std::size_t size_class = SizeClasses::index_of(bytes);
  if (recorded_[size_class] != 0 && deallocate_recorded(block, bytes)) [[unlikely]] {
    --recorded_[size_class];
    return;
  }
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  unpoison_memory(block, sizeof(FreeBlock));  // the link may reach beyond what was asked for
  free_[size_class] = ::new (block) FreeBlock{free_[size_class], clock_.current()};
  counter_.returned(block_bytes, bytes);
  counter_.kept(block_bytes);
  poison_memory(block, block_bytes);
}

// With the lock held.
[[gnu::noinline]] bool PoolAllocator::deallocate_recorded(void* block, std::size_t bytes) noexcept {
  LargeBlocks::Block* const record = large_.find_live(block);
  if (record == nullptr) return false;
  counter_.returned(record->bytes, bytes);
  counter_.kept(record->bytes);
  poison_memory(block, record->bytes);
  large_.give_back(*record, clock_.current());
  return true;
}

AllocationCounter PoolAllocator::counter() const noexcept {
  const std::lock_guard guard(lock_);
  return counter_;
}

MemoryStatistics PoolAllocator::statistics() const {
  const std::uint64_t faults = upstream_.statistics().page_faults;
  const std::lock_guard guard(lock_);
  MemoryStatistics now = counter_.statistics();
  now.splits = large_.splits();
  now.merges = large_.merges();
  now.exact_classes = tuning_.exact_count();
  now.exact_saved_bytes = tuning_.saved_bytes();
  now.page_faults = faults;
  return now;
}

std::vector<SizeClassStatistics> PoolAllocator::size_classes() const {
  const std::lock_guard guard(lock_);
  return tuning_.statistics();
}

void PoolAllocator::reset_peak() {
  const std::lock_guard guard(lock_);
  counter_.reset_peak();
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
