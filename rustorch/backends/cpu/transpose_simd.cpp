#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/transpose_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "rustorch/backends/cpu/transpose.h"
#include "rustorch/backends/cpu/turn-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// 16 bytes as one element.
struct Wide {
  std::uint64_t parts[2];
};

template <std::int64_t count, class T>
HWY_INLINE void copy_line(const T* from, T* to) {
  const hn::CappedTag<std::uint8_t, 64> d;
  const auto* source = reinterpret_cast<const std::uint8_t*>(from);
  auto* destination = reinterpret_cast<std::uint8_t*>(to);
  for (std::size_t i = 0; i < count * sizeof(T); i += hn::Lanes(d))
    hn::StoreU(hn::LoadU(d, source + i), d, destination + i);
}

/// Asks for the memory of a line of a block. Lines so far apart are none that the processor asks for by
/// itself.
template <std::int64_t count, bool written, class T>
HWY_INLINE void prefetch_line(const T* line) {
  constexpr int second_level = 2;  // lines whose distance is a power of 2 do not stay in the first
#pragma GCC unroll 8
  for (std::size_t i = 0; i < count * sizeof(T); i += 64)
    __builtin_prefetch(reinterpret_cast<const std::byte*>(line) + i, written ? 1 : 0, second_level);
}

/// Blocks go through a buffer, so that rows of the input and columns of the output are touched in whole cache
/// lines, and lines whose distance is a power of 2 do not push each other out of the cache.
template <class T>
void transpose_as(const T* from, T* to, const Transposition& work, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t side = sizeof(T) >= 8 ? 32 : 64;
  constexpr std::int64_t pitch = side + 16 / static_cast<std::int64_t>(sizeof(T));
  alignas(64) T buffer[side * pitch];
  for (std::int64_t column = begin; column < end; column += side) {
    const std::int64_t columns = std::min(side, end - column);
    for (std::int64_t row = 0; row < work.rows; row += side) {
      const std::int64_t rows = std::min(side, work.rows - row);
      const T* source = from + row * work.row_step + column;
      T* destination = to + column * work.column_step + row;
      if (columns == side && rows == side) {
        const bool goes_on = row + 2 * side <= work.rows;
        for (std::int64_t r = 0; r < side; ++r) {
          prefetch_line<side, true>(destination + r * work.column_step);
          if (goes_on) prefetch_line<side, false>(source + (r + side) * work.row_step);
          copy_line<side>(source + r * work.row_step, buffer + r * pitch);
        }
        turn<T>(buffer, pitch, destination, work.column_step, side, side);
      } else {
        for (std::int64_t c = 0; c < columns; ++c) {
          for (std::int64_t r = 0; r < rows; ++r)
            destination[c * work.column_step + r] = source[r * work.row_step + c];
        }
      }
    }
  }
}

void transpose(const std::byte* from, std::byte* to, std::size_t item_bytes, const Transposition& work,
               std::int64_t begin, std::int64_t end) {
  const auto run = [&](auto item) HWY_ATTR {
    using T = decltype(item);
    transpose_as(reinterpret_cast<const T*>(from), reinterpret_cast<T*>(to), work, begin, end);
  };
  switch (item_bytes) {
    case 1:
      return run(std::uint8_t{});
    case 2:
      return run(std::uint16_t{});
    case 4:
      return run(std::uint32_t{});
    case 8:
      return run(std::uint64_t{});
    default:
      return run(Wide{});
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(transpose);
void transpose(const std::byte* from, std::byte* to, std::size_t item_bytes, const Transposition& work,
               std::int64_t begin, std::int64_t end) {
  RUSTORCH_DISPATCH(transpose)(from, to, item_bytes, work, begin, end);
}

}  // namespace rustorch::cpu
#endif
