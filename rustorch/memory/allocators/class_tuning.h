#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rustorch/memory/allocators/size_classes.h"
#include "rustorch/memory/memory_allocator.h"

namespace rustorch {

/// Watches how well the size classes fit what a program asks for. Where the fresh blocks of a class wasted
/// more than a sixteenth of their bytes, the class becomes exact: from then on its fresh blocks are as large
/// as asked for, in whole pages. Only fresh blocks are looked at, which a steady loop does not take.
class ClassTuning {
 public:
  /// Smaller blocks are not worth a record of their own.
  static constexpr std::size_t smallest_exact_bytes = 32 * 1024;
  static constexpr std::uint64_t fresh_before_tuning = 4;

  /// A fresh block of a class was needed for `bytes`, and will have `block_bytes`.
  void observe(std::size_t size_class, std::size_t bytes, std::size_t block_bytes) noexcept {
    Seen& seen = seen_[size_class];
    const std::size_t class_bytes = SizeClasses::bytes_of(size_class);
    ++seen.fresh;
    seen.requested += bytes;
    saved_ += class_bytes - block_bytes;
    if (!seen.exact && class_bytes > smallest_exact_bytes && seen.fresh >= fresh_before_tuning &&
        seen.requested < seen.fresh * (class_bytes - class_bytes / 16)) {
      seen.exact = true;
      ++exact_count_;
    }
  }
  bool is_exact(std::size_t size_class) const noexcept { return seen_[size_class].exact; }

  std::uint64_t exact_count() const noexcept { return exact_count_; }
  std::uint64_t saved_bytes() const noexcept { return saved_; }
  std::vector<SizeClassStatistics> statistics() const {
    std::vector<SizeClassStatistics> used;
    for (std::size_t i = 0; i < SizeClasses::count; ++i) {
      const Seen& seen = seen_[i];
      if (seen.fresh > 0) used.push_back({SizeClasses::bytes_of(i), seen.fresh, seen.requested, seen.exact});
    }
    return used;
  }

 private:
  struct Seen {
    std::uint64_t fresh = 0;
    std::uint64_t requested = 0;
    bool exact = false;
  };
  std::array<Seen, SizeClasses::count> seen_{};
  std::uint64_t exact_count_ = 0;
  std::uint64_t saved_ = 0;
};

}  // namespace rustorch
