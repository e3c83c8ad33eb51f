// Small blocks of a matrix turned in registers, for *_simd.cpp files (toggled include guard, as Highway's
// own).
#if defined(RUSTORCH_BACKENDS_CPU_TURN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_BACKENDS_CPU_TURN_INL_H_
#undef RUSTORCH_BACKENDS_CPU_TURN_INL_H_
#else
#define RUSTORCH_BACKENDS_CPU_TURN_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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
#endif

/// Writes the rows of a block as columns; for elements of 4 and 8 bytes in registers of 16.
template <class T>
HWY_INLINE void turn(const T* from, std::int64_t from_step, T* to, std::int64_t to_step, std::int64_t rows,
                     std::int64_t columns) {
  std::int64_t whole_rows = 0, whole_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (sizeof(T) == 4 || sizeof(T) == 8) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr std::int64_t side = 16 / sizeof(T);
    whole_rows = rows / side * side;
    whole_columns = columns / side * side;
    for (std::int64_t c = 0; c < whole_columns; c += side) {
      for (std::int64_t r = 0; r < whole_rows; r += side) {
        turn_square(reinterpret_cast<const Bits*>(from + r * from_step + c), from_step,
                    reinterpret_cast<Bits*>(to + c * to_step + r), to_step);
      }
    }
  }
#endif
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c) {
      to[c * to_step + r] = from[r * from_step + c];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#endif
