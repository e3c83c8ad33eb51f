// A vector times a matrix, for *_simd.cpp files (toggled include guard, as Highway's own).
#if defined(RUSTORCH_BACKENDS_CPU_GEMM_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_BACKENDS_CPU_GEMM_VECTOR_INL_H_
#undef RUSTORCH_BACKENDS_CPU_GEMM_VECTOR_INL_H_
#else
#define RUSTORCH_BACKENDS_CPU_GEMM_VECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "rustorch/backends/cpu/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// c += Σ x[i]·b[i][…] over `count` rows of b at once: so many loads of c and stores are saved.
template <int count, class T>
HWY_INLINE void add_rows(const T* HWY_RESTRICT x, std::int64_t x_step, const T* HWY_RESTRICT b,
                         std::int64_t b_row, std::int64_t columns, T* HWY_RESTRICT c) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t column = 0;
  for (; column + lanes <= columns; column += lanes) {
    auto sum = hn::LoadU(d, c + column);
#pragma GCC unroll 8
    for (int i = 0; i < count; ++i)
      sum = hn::MulAdd(hn::Set(d, x[i * x_step]), hn::LoadU(d, b + i * b_row + column), sum);
    hn::StoreU(sum, d, c + column);
  }
  for (; column < columns; ++column) {
    for (int i = 0; i < count; ++i) c[column] += x[i * x_step] * b[i * b_row + column];
  }
}

/// Where columns of b are adjacent: rows are added to c, a piece of it at a time, which stays in the cache.
template <class T>
void vector_times_rows(const Gemm& work) {
  const T* x = static_cast<const T*>(work.a);
  const T* start = static_cast<const T*>(work.row_bias);
  constexpr std::int64_t piece = 2048;
  for (std::int64_t column = 0; column < work.n; column += piece) {
    const std::int64_t columns = std::min(piece, work.n - column);
    T* c = static_cast<T*>(work.c) + column;
    const T* b = static_cast<const T*>(work.b) + column;
    if (start != nullptr) {
      std::memcpy(c, start + column, static_cast<std::size_t>(columns) * sizeof(T));
    } else if (!work.accumulate) {
      std::fill(c, c + columns, T{0});
    }
    std::int64_t i = 0;
    for (; i + 8 <= work.k; i += 8)
      add_rows<8>(x + i * work.a_column, work.a_column, b + i * work.b_row, work.b_row, columns, c);
    for (; i < work.k; ++i)
      add_rows<1>(x + i * work.a_column, work.a_column, b + i * work.b_row, work.b_row, columns, c);
  }
}

/// `count` scalar products of x with columns of b whose elements are adjacent.
template <int count, class T>
HWY_INLINE void scalar_products(const T* HWY_RESTRICT x, const T* HWY_RESTRICT b, std::int64_t b_column,
                                std::int64_t k, T* HWY_RESTRICT sums) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sum[count][2];
#pragma GCC unroll 8
  for (int j = 0; j < count; ++j) sum[j][0] = sum[j][1] = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 2 * lanes <= k; i += 2 * lanes) {
    const auto x0 = hn::LoadU(d, x + i), x1 = hn::LoadU(d, x + i + lanes);
#pragma GCC unroll 8
    for (int j = 0; j < count; ++j) {
      sum[j][0] = hn::MulAdd(x0, hn::LoadU(d, b + j * b_column + i), sum[j][0]);
      sum[j][1] = hn::MulAdd(x1, hn::LoadU(d, b + j * b_column + i + lanes), sum[j][1]);
    }
  }
#pragma GCC unroll 8
  for (int j = 0; j < count; ++j) {
    sums[j] = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[j][0], sum[j][1])));
    for (std::int64_t rest = i; rest < k; ++rest) sums[j] += x[rest] * b[j * b_column + rest];
  }
}

/// Where rows of b are adjacent (its columns' elements), and those of x.
template <class T>
void vector_times_columns(const Gemm& work) {
  const T* x = static_cast<const T*>(work.a);
  const T* b = static_cast<const T*>(work.b);
  T* c = static_cast<T*>(work.c);
  const T* start = work.accumulate ? c : static_cast<const T*>(work.row_bias);
  const std::int64_t start_step = work.accumulate ? work.c_column : 1;
  const bool starts = work.accumulate || work.row_bias != nullptr;
  std::int64_t column = 0;
  const auto run = [&]<int count>() HWY_ATTR {
    for (; column + count <= work.n; column += count) {
      T sums[count];
      scalar_products<count>(x, b + column * work.b_column, work.b_column, work.k, sums);
      for (int j = 0; j < count; ++j) {
        const T first = starts ? start[(column + j) * start_step] : T{0};
        c[(column + j) * work.c_column] = first + sums[j];
      }
    }
  };
  run.template operator()<4>();
  run.template operator()<1>();
}

template <class T>
void vector_product(const Gemm& work) {
  const bool as_columns = work.b_row == 1 && (work.a_column == 1 || work.k == 1);
  if (work.b_column == 1 && work.c_column == 1 && (work.n > 1 || !as_columns)) {
    vector_times_rows<T>(work);
  } else {
    vector_times_columns<T>(work);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#endif
