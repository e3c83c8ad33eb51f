#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "rustorch/backends/gpu/counts.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::gpu {

/// Keys of the elements of rows, and the place in its row that each came from, for stable sorting on a device
/// (kernels/radix_sort.h). A kernel of the caller's fills both, and later reads the sorted ones.
class RadixSort {
 public:
  /// Places are 32-bit numbers.
  static constexpr std::int64_t most_length = std::numeric_limits<std::uint32_t>::max();

  /// [rows, length] of keys (u32, or u64 from 33 bits on) that are less than 2^bits, and of places (u32).
  RadixSort(GpuBackend& backend, std::int64_t rows, std::int64_t length, int bits);

  BufferHandle keys() const noexcept { return keys_[0].data(); }
  BufferHandle places() const noexcept { return places_[0].data(); }
  /// Queues the sorting of each row by its keys; equal keys stay in their order.
  void sort();

  /// Blocks of a row, each of which a group counts and moves, and how often all of them are.
  static constexpr std::int64_t blocks_of(std::int64_t length) noexcept {
    return (length + counted_block - 1) / counted_block;
  }
  static constexpr int passes_for(int bits) noexcept { return (bits + digit_bits - 1) / digit_bits; }
  /// Launches of one pass.
  static constexpr int launches_of_pass = 3;
  static constexpr bool has_wide_keys(int bits) noexcept { return bits > 32; }

 private:
  static constexpr int digit_bits = 4;

  GpuBackend& backend_;
  std::int64_t rows_, length_;
  int bits_;
  std::array<Buffer, 2> keys_, places_;
};

}  // namespace rustorch::gpu
