#pragma once

#include <cstdint>

namespace rustorch {

/// How often this process had to wait for a page of memory so far, first uses included.
std::uint64_t page_faults() noexcept;

/// The memory that this process may still take: what the machine has free or can free, or what its control
/// group leaves if that is less. The largest number where nobody knows. Reads files: some ten microseconds.
std::uint64_t available_memory() noexcept;

/// What the system tells, as texts; of the control group empty ones where there is none.
struct MemoryTexts {
  const char* meminfo = "";           ///< /proc/meminfo
  const char* group_limit = "";       ///< memory.max
  const char* group_use = "";         ///< memory.current
  const char* group_statistics = "";  ///< memory.stat: cached files count as used, though they give way
};
/// The same from these.
std::uint64_t available_memory(const MemoryTexts& texts) noexcept;

}  // namespace rustorch
