#include "rustorch/memory/allocators/tracking_allocator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "rustorch/error/error.h"

namespace rustorch {

namespace {

constexpr std::byte guard_fill{0xfd};
constexpr std::size_t guard_bytes = 64;

bool is_filled(const std::byte* first, std::size_t bytes, std::byte fill) noexcept {
  return std::all_of(first, first + bytes, [fill](std::byte b) { return b == fill; });
}

}  // namespace

std::size_t TrackingAllocator::Block::front_bytes() const noexcept {
  return std::max(guard_bytes, alignment);  // so that the block is aligned as its guard is
}

std::size_t TrackingAllocator::Block::all_bytes() const noexcept {
  return front_bytes() + bytes + guard_bytes;
}

std::string TrackingAllocator::Block::describe() const {
  return fmt::format("{} bytes at {}, taken in {}", bytes, fmt::ptr(data), taken.to_string());
}

TrackingAllocator::TrackingAllocator(MemoryAllocator& upstream, std::size_t quarantine_bytes)
    : upstream_(upstream), quarantine_bytes_(quarantine_bytes) {}

TrackingAllocator::~TrackingAllocator() { release_quarantine(0); }

void* TrackingAllocator::allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  check_allocation_request(bytes, alignment, "tracking");
  if (bytes == 0) return nullptr;
  Block block;
  block.bytes = bytes;
  block.alignment = alignment;
  block.taken = CallStack::here(1);
  {
    std::unique_lock lock(mutex_);
    if (!counter_.fits(bytes)) {
      const AllocationCounter now = counter_;
      lock.unlock();  // an error's contexts run the caller's code
      fail_out_of_memory(bytes, now, "tracking");
    }
    counter_.taken(bytes, bytes);
    counter_.asked_system();
  }
  std::byte* start = nullptr;
  try {
    start = take_upstream(block.all_bytes(), alignment, hint);
    block.data = start + block.front_bytes();
    fill_guards(block);
    std::memset(block.data, static_cast<int>(fresh_fill), bytes);
    const std::lock_guard guard(mutex_);
    blocks_.emplace(block.data, block);
  } catch (...) {
    upstream_.deallocate(start, block.all_bytes(), alignment);
    const std::lock_guard guard(mutex_);
    counter_.returned(bytes, bytes);
    throw;
  }
  return block.data;
}

// Before an allocation fails, what is in quarantine goes back.
std::byte* TrackingAllocator::take_upstream(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  try {
    return static_cast<std::byte*>(upstream_.allocate(bytes, alignment, hint));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory || trim(0) == 0) throw;
  }
  return static_cast<std::byte*>(upstream_.allocate(bytes, alignment, hint));
}

void TrackingAllocator::deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (block == nullptr) return;
  const CallStack here = CallStack::here(1);
  const std::lock_guard guard(mutex_);
  const auto found = blocks_.find(block);
  if (found == blocks_.end()) {
    report(fmt::format("{} bytes at {} were returned in {}: no block of this allocator", bytes,
                       fmt::ptr(block), here.to_string()));
    return;
  }
  Block& known = found->second;
  if (!known.is_live) {
    report(fmt::format("returned twice: {}, returned first in {}, again in {}", known.describe(),
                       known.returned.to_string(), here.to_string()));
    return;
  }
  known.returned = here;
  if (known.bytes != bytes || known.alignment != alignment) {
    report(fmt::format("returned as {} bytes at a multiple of {} in {}: {}", bytes, alignment,
                       here.to_string(), known.describe()));
  }
  look_at(known);
  quarantine(known);
}

void TrackingAllocator::quarantine(Block& block) noexcept {
  block.is_live = false;
  if (std::exchange(block.was_reported, false)) fill_guards(block);  // what was found is not found again
  std::memset(block.data, static_cast<int>(returned_fill), block.bytes);
  counter_.returned(block.bytes, block.bytes);
  counter_.kept(block.bytes);
  quarantined_.push_back(block.data);
  release_quarantine(quarantine_bytes_);
}

std::size_t TrackingAllocator::release_quarantine(std::size_t keep_bytes) noexcept {
  std::size_t total = 0;
  while (!quarantined_.empty() && counter_.statistics().cached_bytes > keep_bytes) {
    const auto oldest = blocks_.find(quarantined_.front());
    quarantined_.pop_front();
    Block& block = oldest->second;
    look_at(block);
    counter_.released(block.bytes);
    total += block.bytes;
    upstream_.deallocate(block.data - block.front_bytes(), block.all_bytes(), block.alignment);
    blocks_.erase(oldest);
  }
  return total;
}

void TrackingAllocator::fill_guards(const Block& block) noexcept {
  std::memset(block.data - block.front_bytes(), static_cast<int>(guard_fill), block.front_bytes());
  std::memset(block.data + block.bytes, static_cast<int>(guard_fill), guard_bytes);
}

void TrackingAllocator::look_at(Block& block) {
  if (block.was_reported) return;
  if (!is_filled(block.data - block.front_bytes(), block.front_bytes(), guard_fill)) {
    report(block, "written before its start");
  } else if (!is_filled(block.data + block.bytes, guard_bytes, guard_fill)) {
    report(block, "written beyond its end");
  } else if (!block.is_live && !is_filled(block.data, block.bytes, returned_fill)) {
    report(block, "written after it was returned");
  }
}

void TrackingAllocator::report(Block& block, const char* what) {
  block.was_reported = true;
  report(block.is_live
             ? fmt::format("{}: {}", what, block.describe())
             : fmt::format("{}: {}, returned in {}", what, block.describe(), block.returned.to_string()));
}

void TrackingAllocator::report(std::string mistake) {
  if (mistakes_.size() < most_mistakes) mistakes_.push_back(std::move(mistake));
}

void TrackingAllocator::check() {
  const std::lock_guard guard(mutex_);
  for (auto& [data, block] : blocks_) look_at(block);
}

std::vector<std::string> TrackingAllocator::mistakes() const {
  const std::lock_guard guard(mutex_);
  return mistakes_;
}

std::vector<std::string> TrackingAllocator::live_blocks() const {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> lines;
  for (const auto& [data, block] : blocks_) {
    if (block.is_live) lines.push_back(block.describe());
  }
  return lines;
}

MemoryStatistics TrackingAllocator::statistics() const {
  const std::uint64_t faults = upstream_.statistics().page_faults;
  const std::lock_guard guard(mutex_);
  MemoryStatistics now = counter_.statistics();
  now.page_faults = faults;
  return now;
}

void TrackingAllocator::reset_peak() {
  const std::lock_guard guard(mutex_);
  counter_.reset_peak();
}

std::size_t TrackingAllocator::trim(std::size_t keep_bytes) {
  const std::lock_guard guard(mutex_);
  return release_quarantine(keep_bytes);
}

void TrackingAllocator::set_limit(std::uint64_t bytes) {
  AllocationCounter now;
  {
    const std::lock_guard guard(mutex_);
    now = counter_;
  }
  now.check_limit(bytes, "tracking");
  const std::lock_guard guard(mutex_);
  counter_.set_limit(bytes);
}

std::uint64_t TrackingAllocator::limit() const noexcept {
  const std::lock_guard guard(mutex_);
  return counter_.limit();
}

}  // namespace rustorch
