#include "rustorch/memory/allocators/pool_allocator.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <new>
#include <utility>

#include "rustorch/error/error.h"
#include "rustorch/memory/poison.h"

namespace rustorch {

namespace {

using Clock = std::chrono::steady_clock;

// Looking at the clock and at the machine's memory costs less than what is asked for between two looks.
constexpr auto between_generations = std::chrono::seconds(5);
constexpr std::uint64_t fresh_bytes_between_looks = std::uint64_t{16} << 20;
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

void PoolAllocator::make_room(std::size_t block_bytes) {
  bool ends_generation = false, looks = false;
  const auto now = Clock::now();
  {
    const std::lock_guard guard(lock_);
    ends_generation = now - clock_.last_end() >= between_generations;
    looks = available_memory_ != nullptr && fresh_bytes_until_look_ < block_bytes;
    if (looks) fresh_bytes_until_look_ = fresh_bytes_between_looks;
    fresh_bytes_until_look_ -= std::min<std::uint64_t>(fresh_bytes_until_look_, block_bytes);
  }
  if (ends_generation) trim_unused(unused_seconds);
  if (!looks) return;
  const std::uint64_t available = available_memory_();
  const std::uint64_t wanted = block_bytes + reserve_bytes;
  if (available >= wanted) return;
  const std::uint64_t cached = counter().statistics().cached_bytes, needed = wanted - available;
  trim(static_cast<std::size_t>(cached > needed ? cached - needed : 0));
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

void PoolAllocator::release(const LargeBlocks::Block& block) noexcept {
  unpoison_memory(block.data, block.bytes);
  upstream_.deallocate(block.data, block.bytes, block.alignment);
}

// With the lock held: a kept block, no longer the pool's; no data if nothing is kept.
LargeBlocks::Block PoolAllocator::pop_kept() noexcept {
  LargeBlocks::Block popped = large_.release_before(every_generation);
  if (popped.data == nullptr) {
    const auto list =
        std::find_if(free_.rbegin(), free_.rend(), [](const FreeBlock* b) { return b != nullptr; });
    if (list == free_.rend()) return popped;
    FreeBlock* const block = *list;
    unpoison_memory(block, sizeof(FreeBlock));
    *list = block->next;
    popped.data = reinterpret_cast<std::byte*>(block);
    popped.bytes = SizeClasses::bytes_of(static_cast<std::size_t>(free_.rend() - list) - 1);
    popped.alignment = default_alignment;
  }
  counter_.released(popped.bytes);
  return popped;
}

std::size_t PoolAllocator::trim(std::size_t keep_bytes) {
  std::size_t total = 0;
  while (true) {
    LargeBlocks::Block block;
    {
      const std::lock_guard guard(lock_);
      if (counter_.statistics().cached_bytes <= keep_bytes) return total;
      block = pop_kept();
    }
    if (block.data == nullptr) return total;
    release(block);
    total += block.bytes;
  }
}

std::size_t PoolAllocator::trim_unused(double seconds) {
  const auto now = Clock::now();
  const auto age = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::uint32_t generation = 0;
  {
    const std::lock_guard guard(lock_);
    clock_.advance(now);
    generation = clock_.first_after(now - age);
  }
  std::size_t total = 0;
  while (true) {
    LargeBlocks::Block block;
    {
      const std::lock_guard guard(lock_);
      block = large_.release_before(generation);
      counter_.released(block.bytes);
    }
    if (block.data == nullptr) break;
    release(block);
    total += block.bytes;
  }
  for (std::size_t i = 0; i < SizeClasses::count; ++i) total += release_small_before(generation, i);
  return total;
}

// The last returned are the first of a list, so that its end is what lay longest.
std::size_t PoolAllocator::release_small_before(std::uint32_t generation, std::size_t size_class) noexcept {
  const std::size_t block_bytes = SizeClasses::bytes_of(size_class);
  FreeBlock* old = nullptr;
  std::size_t total = 0;
  {
    const std::lock_guard guard(lock_);
    FreeBlock** end = &free_[size_class];
    while (*end != nullptr) {
      unpoison_memory(*end, sizeof(FreeBlock));
      if ((*end)->generation < generation) break;
      end = &(*end)->next;
    }
    old = std::exchange(*end, nullptr);
    for (FreeBlock* block = old; block != nullptr; block = block->next) {
      unpoison_memory(block, sizeof(FreeBlock));
      total += block_bytes;
    }
    for (FreeBlock* block = free_[size_class]; block != nullptr;) {
      FreeBlock* const next = block->next;
      poison_memory(block, sizeof(FreeBlock));
      block = next;
    }
    counter_.released(total);
  }
  while (old != nullptr) {
    FreeBlock* const next = old->next;
    unpoison_memory(old, block_bytes);
    upstream_.deallocate(old, block_bytes, default_alignment);
    old = next;
  }
  return total;
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
