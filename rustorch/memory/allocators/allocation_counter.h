#pragma once

#include <algorithm>
#include <cstdint>

#include "rustorch/memory/memory_allocator.h"

namespace rustorch {

/// The statistics and the limit of an allocator, kept up to date. Not synchronized: guard it with the
/// allocator's lock, but raise errors from a copy without it, since their contexts run the caller's code.
class AllocationCounter {
 public:
  const MemoryStatistics& statistics() const noexcept { return statistics_; }
  std::uint64_t limit() const noexcept { return limit_; }

  /// How many bytes more may be live.
  std::uint64_t room() const noexcept { return limit_ - std::min(limit_, statistics_.live_bytes); }
  bool fits(std::uint64_t bytes) const noexcept { return bytes <= room(); }
  /// Whether `bytes` more may be held, kept blocks included.
  bool fits_beside_cached(std::uint64_t bytes) const noexcept {
    const std::uint64_t held = statistics_.live_bytes + statistics_.cached_bytes;
    return held <= limit_ && bytes <= limit_ - held;
  }

  void taken(std::uint64_t block_bytes, std::uint64_t requested) noexcept {
    ++statistics_.allocations;
    statistics_.requested_bytes += requested;
    statistics_.live_bytes += block_bytes;
    statistics_.peak_bytes = std::max(statistics_.peak_bytes, statistics_.live_bytes);
  }
  void returned(std::uint64_t block_bytes, std::uint64_t requested) noexcept {
    ++statistics_.deallocations;
    statistics_.requested_bytes -= requested;
    statistics_.live_bytes -= block_bytes;
  }
  void asked_system() noexcept { ++statistics_.system_allocations; }
  void kept(std::uint64_t block_bytes) noexcept { statistics_.cached_bytes += block_bytes; }
  void reused(std::uint64_t block_bytes) noexcept {
    ++statistics_.cache_hits;
    statistics_.cached_bytes -= block_bytes;
  }
  void released(std::uint64_t block_bytes) noexcept { statistics_.cached_bytes -= block_bytes; }

  void reset_peak() noexcept { statistics_.peak_bytes = statistics_.live_bytes; }
  void set_limit(std::uint64_t bytes) noexcept { limit_ = bytes; }
  /// An Error if more than `bytes` is live already; `name` is the allocator's.
  void check_limit(std::uint64_t bytes, const char* name) const;

 private:
  MemoryStatistics statistics_;
  std::uint64_t limit_ = MemoryAllocator::no_limit;
};

/// An Error unless `alignment` is a power of two that `bytes` can be rounded up to without overflow.
void check_allocation_request(std::size_t bytes, std::size_t alignment, const char* name);

/// The Error for an allocation that failed: names the size, what is live and kept, the limit, and the largest
/// holders where they are known.
[[noreturn]] void fail_out_of_memory(std::size_t bytes, const AllocationCounter& counter, const char* name,
                                     const std::string& largest_holders = {});

/// Without the instruction for it, std::has_single_bit is a call.
constexpr bool is_power_of_two(std::size_t value) noexcept {
  return value != 0 && (value & (value - 1)) == 0;
}

/// `bytes` rounded up to a multiple of `alignment`, a power of two.
constexpr std::size_t round_up(std::size_t bytes, std::size_t alignment) noexcept {
  return (bytes + alignment - 1) & ~(alignment - 1);
}

}  // namespace rustorch
