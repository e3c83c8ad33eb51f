#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace rustorch {

/// What a block is for; allocators may place it accordingly.
enum class MemoryHint : std::uint8_t {
  temporary,   ///< goes soon: may be a part of a larger kept block
  persistent,  ///< stays long: is not cut from a larger block, which could not be released then
  pinned,      ///< never swapped out; an Error unsupported where the system does not allow it
  huge_pages,  ///< starts at a huge page, which backs it where the system has them
};

/// Counters of one allocator; bytes are of blocks as handed out (rounded up to the allocator's classes).
struct MemoryStatistics {
  std::uint64_t live_bytes = 0;       ///< handed out and not yet returned
  std::uint64_t peak_bytes = 0;       ///< the most that live_bytes ever was since reset_peak
  std::uint64_t cached_bytes = 0;     ///< returned, kept for reuse
  std::uint64_t requested_bytes = 0;  ///< what callers asked for of live_bytes, without rounding
  std::uint64_t allocations = 0;      ///< calls to allocate
  std::uint64_t deallocations = 0;
  std::uint64_t cache_hits = 0;          ///< allocations served from kept blocks
  std::uint64_t system_allocations = 0;  ///< times that the system was asked
  std::uint64_t splits = 0;              ///< kept large blocks that were cut to serve a smaller request
  std::uint64_t merges = 0;              ///< returned blocks that were joined with a kept neighbour
  std::uint64_t exact_classes = 0;       ///< size classes that were tuned: see size_classes()
  std::uint64_t exact_saved_bytes = 0;   ///< what tuning saved, in all fresh blocks of those classes
  std::uint64_t page_faults = 0;         ///< of the whole process so far; 0 for memory of other devices

  double hit_rate() const noexcept {
    return allocations == 0 ? 0.0 : static_cast<double>(cache_hits) / static_cast<double>(allocations);
  }
  /// The part of held memory (live and cached) that no caller asked for.
  double fragmentation() const noexcept {
    const std::uint64_t held = live_bytes + cached_bytes;
    return held == 0 ? 0.0 : 1.0 - static_cast<double>(requested_bytes) / static_cast<double>(held);
  }
};

/// What the blocks of one MemoryTag count up to; bytes as asked for.
struct TagStatistics {
  std::string tag;
  std::uint64_t live_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t allocations = 0;
  std::uint64_t deallocations = 0;
};

/// What a pool saw of one of its size classes.
struct SizeClassStatistics {
  std::size_t block_bytes = 0;        ///< the class's size
  std::uint64_t fresh_blocks = 0;     ///< times that the system was asked for one
  std::uint64_t requested_bytes = 0;  ///< what callers asked for of those
  bool is_exact = false;  ///< tuned: so much was wasted that fresh blocks are now as large as asked for
};

/// Hands out memory of one device. All members may be called from any thread, and a block may be returned by
/// another thread than the one that took it.
class MemoryAllocator {
 public:
  static constexpr std::size_t default_alignment = 64;  // a cache line, and the widest vector
  static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

  virtual ~MemoryAllocator() = default;
  virtual std::string_view name() const noexcept = 0;

  /// At least `bytes` bytes, aligned to `alignment` (a power of two, else an Error). Zero bytes give nullptr.
  /// On exhaustion, or beyond the limit, kept blocks are released and it is tried again; then an Error
  /// out_of_memory that names the size, what is live, the limit, and, where they are known, the largest
  /// holders.
  virtual void* allocate(std::size_t bytes, std::size_t alignment = default_alignment,
                         MemoryHint hint = MemoryHint::temporary) = 0;
  /// Returns a block; `bytes` and `alignment` as at its allocation. nullptr is fine.
  virtual void deallocate(void* block, std::size_t bytes,
                          std::size_t alignment = default_alignment) noexcept = 0;

  virtual MemoryStatistics statistics() const = 0;
  virtual void reset_peak() = 0;
  /// Releases kept blocks until at most `keep_bytes` stay; returns the bytes released.
  virtual std::size_t trim(std::size_t keep_bytes = 0) = 0;
  /// Releases kept blocks that nobody used for at least this long; returns the bytes released. Ages are known
  /// to the time between two calls (pools make one themselves now and then, when they ask the system).
  virtual std::size_t trim_unused(double /*seconds*/) { return 0; }
  /// By MemoryTag, the largest first; empty where tags are not counted.
  virtual std::vector<TagStatistics> statistics_by_tag() const { return {}; }
  /// The size classes that were used, smallest first; empty where there are none.
  virtual std::vector<SizeClassStatistics> size_classes() const { return {}; }
  /// The most that may be live at once; below what is live now is an Error.
  virtual void set_limit(std::uint64_t bytes) = 0;
  virtual std::uint64_t limit() const noexcept = 0;
};

/// The allocator of CPU tensors: a pool that lives as long as the process.
MemoryAllocator& cpu_allocator();

}  // namespace rustorch
