#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/transpose_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "rustorch/backends/cpu/transpose.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// 16 bytes as one element.
struct Wide {
  std::uint64_t parts[2];
};

/// Turns `rows` × `columns` elements, both whole multiples of what a 16-byte register holds, where there are
/// registers.
template <class T>
HWY_INLINE void turn(const T* from, std::int64_t from_step, T* to, std::int64_t to_step, std::int64_t rows,
                     std::int64_t columns) {
  for (std::int64_t c = 0; c < columns; ++c) {
    for (std::int64_t r = 0; r < rows; ++r) to[c * to_step + r] = from[r * from_step + c];
  }
}

#if HWY_TARGET != HWY_SCALAR
/// Four rows become four columns.
HWY_INLINE void turn_square(const std::uint32_t* from, std::int64_t from_step, std::uint32_t* to,
                            std::int64_t to_step) {
  const hn::Simd<std::uint32_t, 4, 0> d;
  const hn::Simd<std::uint64_t, 2, 0> pairs;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + from_step);
  const auto c = hn::LoadU(d, from + 2 * from_step), e = hn::LoadU(d, from + 3 * from_step);
  const auto ab_low = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));
  const auto ab_high = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
  const auto ce_low = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));
  const auto ce_high = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab_low, ce_low)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_low, ce_low)), d, to + to_step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab_high, ce_high)), d, to + 2 * to_step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_high, ce_high)), d, to + 3 * to_step);
}
/// Two rows become two columns.
HWY_INLINE void turn_square(const std::uint64_t* from, std::int64_t from_step, std::uint64_t* to,
                            std::int64_t to_step) {
  const hn::Simd<std::uint64_t, 2, 0> d;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + from_step);
  hn::StoreU(hn::InterleaveLower(d, a, b), d, to);
  hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + to_step);
}
template <class T>
HWY_INLINE void turn_squares(const T* from, std::int64_t from_step, T* to, std::int64_t to_step,
                             std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t side = 16 / sizeof(T);
  for (std::int64_t c = 0; c < columns; c += side) {
    for (std::int64_t r = 0; r < rows; r += side)
      turn_square(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
  }
}
template <>
HWY_INLINE void turn(const std::uint32_t* from, std::int64_t from_step, std::uint32_t* to,
                     std::int64_t to_step, std::int64_t rows, std::int64_t columns) {
  turn_squares(from, from_step, to, to_step, rows, columns);
}
template <>
HWY_INLINE void turn(const std::uint64_t* from, std::int64_t from_step, std::uint64_t* to,
                     std::int64_t to_step, std::int64_t rows, std::int64_t columns) {
  turn_squares(from, from_step, to, to_step, rows, columns);
}
#endif

template <std::int64_t count, class T>
HWY_INLINE void copy_line(const T* from, T* to) {
  const hn::CappedTag<std::uint8_t, 64> d;
  const auto* source = reinterpret_cast<const std::uint8_t*>(from);
  auto* destination = reinterpret_cast<std::uint8_t*>(to);
  for (std::size_t i = 0; i < count * sizeof(T); i += hn::Lanes(d))
    hn::StoreU(hn::LoadU(d, source + i), d, destination + i);
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
        for (std::int64_t r = 0; r < side; ++r)
          copy_line<side>(source + r * work.row_step, buffer + r * pitch);
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
