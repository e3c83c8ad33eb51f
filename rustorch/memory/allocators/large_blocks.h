#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rustorch/memory/memory_allocator.h"
#include "rustorch/memory/object_pool.h"

namespace rustorch {

/// The blocks of a pool that have a record each: live and kept ones. A kept block serves requests that leave
/// at most a fifth of it unused; a larger one is cut, and joined again when its parts are back. Not
/// synchronized: the pool's lock guards it.
class LargeBlocks {
 public:
  /// Sizes are multiples of a page, so that those which differ by a few bytes share blocks.
  static constexpr std::size_t granule = 4096;
  /// Requests from here on may be cut from a larger block, which keeps at least as much.
  static constexpr std::size_t cut_from_bytes = std::size_t{1} << 20;

  /// One block, or a part of one that was cut.
  struct Block {
    std::byte* data = nullptr;
    std::size_t bytes = 0;
    std::size_t alignment = 0;  ///< at which upstream gave it
    MemoryHint hint{};
    bool is_kept = false;
    std::uint32_t generation = 0;  ///< in which it was returned
    Block* before = nullptr;       ///< neighbours from the same block of upstream
    Block* behind = nullptr;

    bool is_whole() const noexcept { return before == nullptr && behind == nullptr; }
  };

  /// What a request needs.
  struct Request {
    std::size_t bytes;
    std::size_t alignment;
    MemoryHint hint;
    std::uint64_t most_bytes;  ///< a block may have, lest it cross the limit
    bool may_be_cut;           ///< not where it stays: what is left could not go back to the system
  };

  /// A block fresh from upstream, live. Throws std::bad_alloc.
  void add(const Block& block);
  /// A kept block for the request, now live; nullptr if none fits.
  const Block* take(const Request& request) noexcept;
  /// The record of a live block; nullptr for an address that is none.
  Block* find_live(void* data) noexcept;
  /// Keeps a live block.
  void give_back(Block& block, std::uint32_t generation) noexcept;
  /// Takes a kept block that is whole out of the records: the largest that was returned before
  /// `generation`. One without data if there is none.
  Block release_before(std::uint64_t generation) noexcept;

  std::uint64_t splits() const noexcept { return splits_; }
  std::uint64_t merges() const noexcept { return merges_; }

 private:
  using Records = std::unordered_map<void*, Block, std::hash<void*>, std::equal_to<>,
                                     ObjectAllocator<std::pair<void* const, Block>>>;

  Block* take_fitting(const Request& request) noexcept;
  Block* cut(const Request& request) noexcept;
  /// `first` takes over its neighbour behind.
  void merge(Block& first) noexcept;
  void keep(Block& block) noexcept;
  void unkeep(Block& block) noexcept;
  std::vector<Block*>::iterator place_of(std::size_t bytes, const std::byte* data) noexcept;
  void reserve_kept();

  Records records_;
  std::vector<Block*> kept_;  // smallest first; room for all, so that returning cannot fail
  std::uint64_t splits_ = 0;
  std::uint64_t merges_ = 0;
};

}  // namespace rustorch
