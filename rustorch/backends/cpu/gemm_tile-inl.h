// The innermost loop of matrix products, for *_simd.cpp files (toggled include guard, as Highway's own).
#if defined(RUSTORCH_BACKENDS_CPU_GEMM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_BACKENDS_CPU_GEMM_TILE_INL_H_
#undef RUSTORCH_BACKENDS_CPU_GEMM_TILE_INL_H_
#else
#define RUSTORCH_BACKENDS_CPU_GEMM_TILE_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#include "rustorch/compute/simd/arch/features-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A tile of accumulators fills the registers: 24 of 32, or 12 of 16. Products of integers are rare, and
// theirs by many instructions: short tiles, for the time that compilers take.
template <class T>
inline constexpr int tile_rows = !std::is_floating_point_v<T>                  ? 4
                                 : simd::HWY_NAMESPACE::vector_registers == 32 ? 12
                                                                               : 6;
inline constexpr int tile_vectors = 2;

template <class T>
constexpr std::int64_t tile_columns() {
  return static_cast<std::int64_t>(hn::MaxLanes(hn::ScalableTag<T>())) * tile_vectors;
}

template <class D, class V>
HWY_INLINE V multiply_add(D, V a, V b, V sum) {
  if constexpr (std::is_floating_point_v<hn::TFromD<D>>) {
    return hn::MulAdd(a, b, sum);
  } else {
    return hn::Add(hn::Mul(a, b), sum);
  }
}

/// Rows of a that lie anywhere, of which tiles read one element after the other.
template <int rows, class T>
struct AnyRows {
  const T* first[rows];
  std::int64_t at = 0;

  HWY_INLINE T value(int row) const { return first[row][at]; }
  HWY_INLINE void advance(std::int64_t step) { at += step; }
};

/// Rows that are `distance` apart. A register for every third one: an address takes one or two distances for
/// nothing, and 12 rows do not fit into the processor's registers.
template <int rows, class T>
struct EvenRows {
  const T* thirds[(rows + 2) / 3];
  std::int64_t distance;

  HWY_INLINE EvenRows(const T* a, std::int64_t distance_) : distance(distance_) {
#pragma GCC unroll 16
    for (int i = 0; i < (rows + 2) / 3; ++i) thirds[i] = a + 3 * i * distance;
  }
  HWY_INLINE T value(int row) const { return thirds[row / 3][row % 3 * distance]; }
  HWY_INLINE void advance(std::int64_t step) {
#pragma GCC unroll 16
    for (int i = 0; i < (rows + 2) / 3; ++i) thirds[i] += step;
  }
};

/// c[rows][vectors] = start + a·b for operands in place: elements of a's rows a_step apart, vectors of b at
/// k·b_step. `start` (rows start_row apart: those of c, or 0 to repeat a bias) may be nullptr.
/// `masked`: only the first `tail` lanes of the last vector exist. The sums may go over several `runs` of k:
/// those of a begin a_run apart, those of b follow one another.
template <int rows, int vectors, bool masked, class T, class Rows>
HWY_INLINE void tile_of(std::int64_t k, Rows a, std::int64_t a_step, const T* HWY_RESTRICT b,
                        std::int64_t b_step, T* c, std::int64_t c_row, const T* start, std::int64_t start_row,
                        std::size_t tail, std::int64_t runs, std::int64_t a_run) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr std::int64_t lanes = tile_columns<T>() / tile_vectors;
  const auto mask = hn::FirstN(d, tail);
  const auto load = [&](const T* from, int v) HWY_ATTR {
    if constexpr (masked) {
      if (v == vectors - 1) return hn::MaskedLoad(mask, d, from + v * lanes);
    }
    return hn::LoadU(d, from + v * lanes);
  };
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[row][v] = hn::Zero(d);
  }
  if (start != nullptr && k >= 64) {  // read at the end: on their way meanwhile
#pragma GCC unroll 16
    for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) hwy::Prefetch(start + row * start_row + v * lanes);
    }
  }
  for (std::int64_t run = 0; run < runs; ++run) {
    for (std::int64_t i = 0; i < k; ++i) {
      V b_vectors[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) b_vectors[v] = load(b, v);
#pragma GCC unroll 16
      for (int row = 0; row < rows; ++row) {
        const V a_value = hn::Set(d, a.value(row));
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sum[row][v] = multiply_add(d, a_value, b_vectors[v], sum[row][v]);
      }
      a.advance(a_step);
      b += b_step;
    }
    a.advance(a_run - k * a_step);
  }
  if (start != nullptr) {
#pragma GCC unroll 16
    for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[row][v] = hn::Add(load(start + row * start_row, v), sum[row][v]);
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      if constexpr (masked) {
        if (v == vectors - 1) {
          hn::BlendedStore(sum[row][v], mask, d, c + row * c_row + v * lanes);
          continue;
        }
      }
      hn::StoreU(sum[row][v], d, c + row * c_row + v * lanes);
    }
  }
}

/// The same for rows of a that are a_row apart.
template <int rows, int vectors, bool masked, class T>
HWY_INLINE void tile(std::int64_t k, const T* a, std::int64_t a_row, std::int64_t a_step, const T* b,
                     std::int64_t b_step, T* c, std::int64_t c_row, const T* start, std::int64_t start_row,
                     std::size_t tail = 0) {
  tile_of<rows, vectors, masked, T>(k, EvenRows<rows, T>(a, a_row), a_step, b, b_step, c, c_row, start,
                                    start_row, tail, 1, 0);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#endif
