#include "rustorch/backends/gpu/gpu_allocator.h"

#include <algorithm>
#include <bit>

#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

std::size_t block_bytes_of(std::size_t bytes) {
  if (bytes <= SizeClasses::largest_bytes) return SizeClasses::bytes_of(SizeClasses::index_of(bytes));
  const std::size_t step = std::max<std::size_t>(1, std::bit_floor(bytes - 1) / 8);
  return (bytes + step - 1) / step * step;
}

}  // namespace

void* GpuAllocator::allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  if (bytes == 0) return nullptr;
  process_.require_same();
  check_allocation_request(bytes, alignment, name_.c_str());
  const std::size_t block_bytes = block_bytes_of(bytes);
  BufferHandle block = take_kept(block_bytes, bytes);
  if (block == nullptr) block = allocate_fresh(block_bytes, bytes);
  try {
    ledger_.record(block, bytes, hint);
  } catch (...) {
    deallocate(block, bytes, alignment);
    throw;
  }
  return block;
}

BufferHandle GpuAllocator::take_kept(std::size_t block_bytes, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(block_bytes);
  if (found == kept_.end() || found->second.empty() || !counter_.fits(block_bytes)) return nullptr;
  BufferHandle block = found->second.back();
  found->second.pop_back();
  counter_.reused(block_bytes);
  counter_.taken(block_bytes, bytes);
  return block;
}

BufferHandle GpuAllocator::allocate_fresh(std::size_t block_bytes, std::size_t bytes) {
  for (const bool again : {false, true}) {
    {
      const std::lock_guard lock(mutex_);
      if (counter_.fits_beside_cached(block_bytes)) {
        if (BufferHandle block = executor_.allocate(block_bytes)) {
          counter_.asked_system();
          counter_.taken(block_bytes, bytes);
          return block;
        }
      }
    }
    if (again) break;
    trim(0);
    executor_.synchronize();  // what is released comes back when the queued work is done
  }
  fail_exhausted(bytes);
}

void GpuAllocator::fail_exhausted(std::size_t bytes) const {
  AllocationCounter now;
  {
    const std::lock_guard lock(mutex_);
    now = counter_;
  }
  fail_out_of_memory(bytes, now, name_.c_str(), ledger_.largest_holders(5));
}

void GpuAllocator::deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) noexcept {
  if (block == nullptr || !process_.is_same()) return;
  ledger_.forget(block);
  const std::size_t block_bytes = block_bytes_of(bytes);
  const std::lock_guard lock(mutex_);
  counter_.returned(block_bytes, bytes);
  try {
    kept_[block_bytes].push_back(block);
    counter_.kept(block_bytes);
  } catch (const std::bad_alloc&) {
    executor_.release(block);
  }
}

MemoryStatistics GpuAllocator::statistics() const {
  const std::lock_guard lock(mutex_);
  return counter_.statistics();
}

void GpuAllocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  counter_.reset_peak();
}

std::size_t GpuAllocator::trim(std::size_t keep_bytes) {
  const std::lock_guard lock(mutex_);
  std::size_t released = 0;
  // The largest first: few calls.
  for (auto entry = kept_.rbegin(); entry != kept_.rend(); ++entry) {
    auto& [block_bytes, blocks] = *entry;
    while (!blocks.empty() && counter_.statistics().cached_bytes > keep_bytes) {
      executor_.release(blocks.back());
      blocks.pop_back();
      counter_.released(block_bytes);
      released += block_bytes;
    }
  }
  return released;
}

void GpuAllocator::set_limit(std::uint64_t bytes) {
  AllocationCounter now;
  {
    const std::lock_guard lock(mutex_);
    now = counter_;
    if (bytes >= counter_.statistics().live_bytes) counter_.set_limit(bytes);
  }
  now.check_limit(bytes, name_.c_str());
}

std::uint64_t GpuAllocator::limit() const noexcept {
  const std::lock_guard lock(mutex_);
  return counter_.limit();
}

}  // namespace rustorch::gpu
