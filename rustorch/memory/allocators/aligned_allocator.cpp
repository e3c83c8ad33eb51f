#include "rustorch/memory/allocators/aligned_allocator.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>

#include "rustorch/error/error.h"
#include "rustorch/memory/process_memory.h"

namespace rustorch {

void* AlignedAllocator::allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  check_allocation_request(bytes, alignment, "aligned");
  if (bytes == 0) return nullptr;
  const std::size_t boundary = std::max(alignment, alignof(std::max_align_t));
  const std::size_t block_bytes = round_up(bytes, boundary);  // as aligned_alloc wants it
  if (!reserve(bytes, block_bytes)) fail_out_of_memory(bytes, counter(), "aligned");
  void* block = nullptr;
  try {
    const bool paged =
        bytes >= paged_from_bytes || hint == MemoryHint::pinned || hint == MemoryHint::huge_pages;
    block = paged ? allocate_pages(bytes, alignment, hint) : std::aligned_alloc(boundary, block_bytes);
  } catch (...) {
    give_up_reserved(bytes, block_bytes);
    throw;
  }
  if (block == nullptr) {
    give_up_reserved(bytes, block_bytes);
    fail_out_of_memory(bytes, counter(), "aligned");
  }
  return block;
}

// nullptr where there is no memory, which is told with the numbers of both kinds.
void* AlignedAllocator::allocate_pages(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  void* block = nullptr;
  try {
    block = pages_.allocate(bytes, alignment, hint);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory) throw;
    return nullptr;
  }
  if (bytes >= paged_from_bytes) return block;
  try {
    const std::lock_guard guard(lock_);
    small_with_pages_.insert(block);
  } catch (const std::bad_alloc&) {
    pages_.deallocate(block, bytes, alignment);
    return nullptr;
  }
  return block;
}

void AlignedAllocator::deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (block == nullptr) return;
  bool paged = bytes >= paged_from_bytes;
  {
    const std::lock_guard guard(lock_);
    counter_.returned(round_up(bytes, std::max(alignment, alignof(std::max_align_t))), bytes);
    if (!paged && !small_with_pages_.empty()) paged = small_with_pages_.erase(block) > 0;
  }
  if (paged) {
    pages_.deallocate(block, bytes, alignment);
  } else {
    std::free(block);
  }
}

bool AlignedAllocator::reserve(std::size_t bytes, std::size_t block_bytes) noexcept {
  const std::lock_guard guard(lock_);
  if (!counter_.fits(block_bytes)) return false;
  counter_.taken(block_bytes, bytes);
  counter_.asked_system();
  return true;
}

void AlignedAllocator::give_up_reserved(std::size_t bytes, std::size_t block_bytes) noexcept {
  const std::lock_guard guard(lock_);
  counter_.returned(block_bytes, bytes);
}

AllocationCounter AlignedAllocator::counter() const noexcept {
  const std::lock_guard guard(lock_);
  return counter_;
}

MemoryStatistics AlignedAllocator::statistics() const {
  MemoryStatistics now = counter().statistics();
  now.page_faults = page_faults();
  return now;
}

void AlignedAllocator::reset_peak() {
  const std::lock_guard guard(lock_);
  counter_.reset_peak();
}

std::size_t AlignedAllocator::trim(std::size_t /*keep_bytes*/) { return 0; }  // nothing is kept

void AlignedAllocator::set_limit(std::uint64_t bytes) {
  counter().check_limit(bytes, "aligned");
  const std::lock_guard guard(lock_);
  counter_.set_limit(bytes);
}

std::uint64_t AlignedAllocator::limit() const noexcept { return counter().limit(); }

}  // namespace rustorch
