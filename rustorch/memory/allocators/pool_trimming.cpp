#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "rustorch/memory/allocators/pool_allocator.h"
#include "rustorch/memory/poison.h"

// What a pool gives back, and when.
namespace rustorch {

namespace {

using Clock = std::chrono::steady_clock;

// Looking at the clock and at the machine's memory costs less than what is asked for between two looks.
constexpr auto between_generations = std::chrono::seconds(5);
constexpr std::uint64_t fresh_bytes_between_looks = std::uint64_t{16} << 20;

}  // namespace

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

}  // namespace rustorch
