// Matrix products that need no packing, for *_simd.cpp files (toggled include guard, as Highway's own).
#if defined(RUSTORCH_BACKENDS_CPU_GEMM_SMALL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_BACKENDS_CPU_GEMM_SMALL_INL_H_
#undef RUSTORCH_BACKENDS_CPU_GEMM_SMALL_INL_H_
#else
#define RUSTORCH_BACKENDS_CPU_GEMM_SMALL_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "rustorch/backends/cpu/gemm.h"
#include "rustorch/backends/cpu/gemm_tile-inl.h"
#include "rustorch/backends/cpu/turn-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// All rows of a strip of columns, in tiles of 8 or 6, 4, 2 and 1 rows.
template <int vectors, bool masked, class T>
void small_strip(const Gemm& work, const T* HWY_RESTRICT b, std::int64_t b_row, T* HWY_RESTRICT c,
                 std::int64_t c_row, const T* start, std::int64_t start_row, std::size_t tail) {
  constexpr int most_rows = tile_rows<T> >= 8 ? 8 : tile_rows<T>;
  const T* a = static_cast<const T*>(work.a);
  std::int64_t row = 0;
  const auto run = [&]<int rows>() HWY_ATTR {
    for (; row + rows <= work.m; row += rows) {
      tile<rows, vectors, masked>(work.k, a + row * work.a_row, work.a_row, work.a_column, b, b_row,
                                  c + row * c_row, c_row,
                                  start == nullptr ? nullptr : start + row * start_row, start_row, tail);
    }
  };
  run.template operator()<most_rows>();
  if constexpr (most_rows > 4) run.template operator()<4>();
  run.template operator()<2>();
  run.template operator()<1>();
}

/// c (+)= a·b where b and c have adjacent columns and everything is near: no packing.
template <class T>
void small_gemm_rows(const Gemm& work, const T* HWY_RESTRICT b, std::int64_t b_row) {
  constexpr std::int64_t lanes = tile_columns<T>() / tile_vectors;
  T* c = static_cast<T*>(work.c);
  // What the sums start from: a bias for every row, c itself, or nothing.
  const T* start = static_cast<const T*>(work.row_bias);
  if (work.accumulate) start = c;
  const std::int64_t start_row = work.accumulate ? work.c_row : 0;
  const auto strip = [&]<int vectors, bool masked>(std::int64_t column, std::size_t tail) HWY_ATTR {
    small_strip<vectors, masked>(work, b + column, b_row, c + column, work.c_row,
                                 start == nullptr ? nullptr : start + column, start_row, tail);
  };
  std::int64_t column = 0;
  for (; column + 2 * lanes <= work.n; column += 2 * lanes) strip.template operator()<2, false>(column, 0);
  if (column + lanes <= work.n && (!simd::HWY_NAMESPACE::has_masked_memory || column + lanes == work.n)) {
    strip.template operator()<1, false>(column, 0);
    column += lanes;
  }
  if (column == work.n) return;
  const std::int64_t rest = work.n - column;
  if constexpr (simd::HWY_NAMESPACE::has_masked_memory) {
    if (rest > lanes) {
      strip.template operator()<2, true>(column, static_cast<std::size_t>(rest - lanes));
    } else {
      strip.template operator()<1, true>(column, static_cast<std::size_t>(rest));
    }
  } else {
    // Less than a vector is left.
    for (std::int64_t row = 0; row < work.m; ++row) {
      const T* a = static_cast<const T*>(work.a) + row * work.a_row;
      T sums[lanes] = {};
      for (std::int64_t i = 0; i < work.k; ++i) {
        for (std::int64_t j = 0; j < rest; ++j) sums[j] += a[i * work.a_column] * b[i * b_row + column + j];
      }
      for (std::int64_t j = 0; j < rest; ++j) {
        const T first = start == nullptr ? T{0} : start[row * start_row + column + j];
        c[row * work.c_row + column + j] = first + sums[j];
      }
    }
  }
}

/// The same for any strides of b, at most small_depth · small_width elements of it at once.
template <class T>
void small_gemm_any(const Gemm& work) {
  const T* b = static_cast<const T*>(work.b);
  if (work.b_column == 1 || work.n == 1) return small_gemm_rows(work, b, work.b_row);
  constexpr std::int64_t capacity = 4096;
  alignas(64) T turned[capacity];
  const std::int64_t width = std::min(work.n, std::max<std::int64_t>(1, capacity / work.k));
  for (std::int64_t column = 0; column < work.n; column += width) {
    Gemm part = work;
    part.n = std::min(width, work.n - column);
    part.c = static_cast<T*>(work.c) + column;
    if (work.row_bias != nullptr) part.row_bias = static_cast<const T*>(work.row_bias) + column;
    if (work.b_row == 1) {
      turn(b + column * work.b_column, work.b_column, turned, part.n, part.n, work.k);
    } else {
      for (std::int64_t i = 0; i < work.k; ++i) {
        for (std::int64_t j = 0; j < part.n; ++j)
          turned[i * part.n + j] = b[i * work.b_row + (column + j) * work.b_column];
      }
    }
    small_gemm_rows(part, turned, part.n);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#endif
