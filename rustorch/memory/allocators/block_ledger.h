#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rustorch/core/dtype.h"
#include "rustorch/memory/allocators/size_classes.h"
#include "rustorch/memory/fork_order.h"
#include "rustorch/memory/memory_allocator.h"
#include "rustorch/memory/memory_tag.h"
#include "rustorch/memory/object_pool.h"
#include "rustorch/memory/spin_lock.h"

namespace rustorch {

/// Who holds which blocks: by tag and by shape, as MemoryTag and BlockShape told when a block was taken.
/// Recorded are large blocks, and smaller ones that have a tag or an unusual hint; others cost one look at a
/// counter. Lies in several parts with a lock each, so that threads seldom meet.
class BlockLedger final : private ForkHandler {
 public:
  BlockLedger() = default;
  ~BlockLedger();
  BlockLedger(const BlockLedger&) = delete;
  BlockLedger& operator=(const BlockLedger&) = delete;

  /// Records a live block, with what this thread says of it. Throws std::bad_alloc.
  void record(void* block, std::size_t bytes, MemoryHint hint);
  /// Forgets a block that returns; nothing if it was not recorded, else its hint.
  std::optional<MemoryHint> forget(void* block) noexcept;

  /// Whether blocks of this size are recorded in any case.
  static bool records(std::size_t bytes) noexcept { return bytes > SizeClasses::largest_bytes; }
  /// Whether smaller blocks are recorded at this moment, so that each that returns must be looked up.
  bool has_small() const noexcept { return small_blocks_.load(std::memory_order_relaxed) != 0; }

  std::vector<TagStatistics> statistics_by_tag() const;
  /// "2 blocks for conv1 float32 [8, 64, 28, 28] (3.1 MiB), …": those that hold the most together, as far as
  /// they are recorded; empty if none are.
  std::string largest_holders(std::size_t count) const;

 private:
  static constexpr std::size_t part_count = 16;
  static constexpr std::size_t list_count = 256;  // in each part
  static constexpr std::size_t most_dims = 6;
  static constexpr std::uint8_t no_shape = 0xff;

  struct Record : PooledObject {
    Record* next = nullptr;
    void* block = nullptr;
    const std::string* tag = nullptr;
    std::size_t bytes = 0;
    MemoryHint hint{};
    DType dtype{};
    std::uint8_t rank = no_shape;
    std::array<std::int64_t, most_dims> dims;  // `rank` of them

    void describe(const BlockContext& context) noexcept;
    std::string to_string() const;
  };
  /// Records in lists by their block's address.
  struct alignas(64) Part {
    mutable SpinLock lock;
    std::array<Record*, list_count> lists{};
  };
  struct Place {
    Part& part;
    Record*& first;
  };

  Place place_of(const void* block) noexcept;
  void count_taken(const std::string& tag, std::size_t bytes);
  void count_returned(const std::string& tag, std::size_t bytes) noexcept;
  void before_fork() noexcept override;
  void after_fork(bool in_child) noexcept override;

  std::array<Part, part_count> parts_;
  alignas(64) std::atomic<std::uint64_t> small_blocks_{0};
  alignas(64) mutable SpinLock tags_lock_;
  std::map<const std::string*, TagStatistics> tags_;
  ForkRegistration registration_{*this, ForkOrder::leaf};
};

}  // namespace rustorch
