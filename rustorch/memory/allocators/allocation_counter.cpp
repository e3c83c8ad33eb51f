#include "rustorch/memory/allocators/allocation_counter.h"

#include <cstddef>
#include <limits>
#include <string>

#include "rustorch/error/error.h"
#include "rustorch/memory/format_bytes.h"

namespace rustorch {

void AllocationCounter::check_limit(std::uint64_t bytes, const char* name) const {
  const std::uint64_t live = statistics_.live_bytes;
  if (bytes >= live) return;
  fail_with_suggestion(ErrorCode::invalid_argument, "free tensors first, or set a higher limit",
                       "{} memory: a limit of {} ({} bytes) is below the {} ({} bytes) that are live", name,
                       format_bytes(bytes), bytes, format_bytes(live), live);
}

void check_allocation_request(std::size_t bytes, std::size_t alignment, const char* name) {
  RUSTORCH_CHECK(is_power_of_two(alignment), invalid_argument,
                 "{} memory: alignment {} is not a power of two", name, alignment);
  // Pointer differences must fit, also after rounding up.
  constexpr auto largest = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 2;
  RUSTORCH_CHECK(alignment <= largest, invalid_argument, "{} memory: alignment {} is too large", name,
                 alignment);
  RUSTORCH_CHECK(bytes <= largest, out_of_memory,
                 "{} memory: cannot allocate {} bytes: no machine has as much", name, bytes);
}

void fail_out_of_memory(std::size_t bytes, const AllocationCounter& counter, const char* name,
                        const std::string& largest_holders) {
  const MemoryStatistics& now = counter.statistics();
  const bool limited = counter.limit() != MemoryAllocator::no_limit;
  fail_with_suggestion(ErrorCode::out_of_memory,
                       limited
                           ? "use smaller batches, free tensors that are no longer needed, or raise the limit"
                           : "use smaller batches, or free tensors that are no longer needed",
                       "{} memory: cannot allocate {} ({} bytes): {} ({} bytes) in {} blocks are live, {} "
                       "({} bytes) cached, the limit is {}{}{}",
                       name, format_bytes(bytes), bytes, format_bytes(now.live_bytes), now.live_bytes,
                       now.allocations - now.deallocations, format_bytes(now.cached_bytes), now.cached_bytes,
                       limited ? fmt::format("{} ({} bytes)", format_bytes(counter.limit()), counter.limit())
                               : std::string("not set"),
                       largest_holders.empty() ? "" : "; the largest holders: ", largest_holders);
}

}  // namespace rustorch
