// The matrix product over packed panels, for *_simd.cpp files (toggled include guard, as Highway's own).
#if defined(RUSTORCH_BACKENDS_CPU_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_BACKENDS_CPU_GEMM_INL_H_
#undef RUSTORCH_BACKENDS_CPU_GEMM_INL_H_
#else
#define RUSTORCH_BACKENDS_CPU_GEMM_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "rustorch/backends/cpu/gemm.h"
#include "rustorch/backends/cpu/temporary.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The type that a stored type is computed in: products and sums of integers wrap, so unsigned ones serve.
template <class Stored>
struct ComputeType {
  using type = Stored;
};
template <>
struct ComputeType<std::uint8_t> {
  using type = std::uint32_t;
};
template <>
struct ComputeType<std::int8_t> {
  using type = std::uint32_t;
};
template <>
struct ComputeType<std::int16_t> {
  using type = std::uint32_t;
};
template <>
struct ComputeType<std::int32_t> {
  using type = std::uint32_t;
};
template <>
struct ComputeType<std::int64_t> {
  using type = std::uint64_t;
};

// A tile of accumulators fills the registers: 24 of 32, or 12 of 16.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
inline constexpr int tile_rows = 12;
#else
inline constexpr int tile_rows = 6;
#endif
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

// Whether a load or store under a mask leaves what the mask excludes untouched (elsewhere it may fault).
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
inline constexpr bool has_masks = true;
#else
inline constexpr bool has_masks = false;
#endif

/// c[rows][vectors] = start + a·b for operands in place: element (row, k) of a at row·a_row + k·a_step,
/// vectors of b at k·b_step. `start` (rows start_row apart: those of c, or 0 to repeat a bias) may be
/// nullptr. `masked`: only the first `tail` lanes of the last vector exist.
template <int rows, int vectors, bool masked, class T>
HWY_INLINE void tile(std::int64_t k, const T* HWY_RESTRICT a, std::int64_t a_row, std::int64_t a_step,
                     const T* HWY_RESTRICT b, std::int64_t b_step, T* c, std::int64_t c_row, const T* start,
                     std::int64_t start_row, std::size_t tail = 0) {
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
  if (start != nullptr) {
#pragma GCC unroll 16
    for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[row][v] = load(start + row * start_row, v);
    }
  }
  for (std::int64_t i = 0; i < k; ++i) {
    V b_vectors[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) b_vectors[v] = load(b, v);
#pragma GCC unroll 16
    for (int row = 0; row < rows; ++row) {
      const V a_value = hn::Set(d, a[row * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[row][v] = multiply_add(d, a_value, b_vectors[v], sum[row][v]);
    }
    a += a_step;
    b += b_step;
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

/// Converts to the compute type while copying a block of a into panels of tile_rows rows, k-major, zero
/// beyond the last row.
template <class T, class Stored>
void pack_rows(const Stored* a, std::int64_t a_row, std::int64_t a_column, std::int64_t rows, std::int64_t k,
               bool negate, T* HWY_RESTRICT packed) {
  for (std::int64_t first = 0; first < rows; first += tile_rows) {
    const std::int64_t present = std::min<std::int64_t>(tile_rows, rows - first);
    for (std::int64_t row = 0; row < tile_rows; ++row) {
      T* HWY_RESTRICT to = packed + row;
      if (row >= present) {
        for (std::int64_t i = 0; i < k; ++i) to[i * tile_rows] = T{0};
        continue;
      }
      const Stored* from = a + (first + row) * a_row;
      for (std::int64_t i = 0; i < k; ++i) {
        const T value = static_cast<T>(from[i * a_column]);
        to[i * tile_rows] = negate ? static_cast<T>(T{0} - value) : value;
      }
    }
    packed += tile_rows * k;
  }
}

/// The same for a block of b: panels of tile_columns columns.
template <class T, class Stored>
void pack_columns(const Stored* b, std::int64_t b_row, std::int64_t b_column, std::int64_t k,
                  std::int64_t columns, T* HWY_RESTRICT packed) {
  constexpr std::int64_t width = tile_columns<T>();
  for (std::int64_t first = 0; first < columns; first += width) {
    const std::int64_t present = std::min(width, columns - first);
    const Stored* from = b + first * b_column;
    if (b_row == 1 && b_column != 1) {  // transposed: read along k
      for (std::int64_t column = 0; column < width; ++column) {
        for (std::int64_t i = 0; i < k; ++i) {
          packed[i * width + column] = column < present ? static_cast<T>(from[column * b_column + i]) : T{0};
        }
      }
    } else {
      for (std::int64_t i = 0; i < k; ++i) {
        T* HWY_RESTRICT to = packed + i * width;
        if (b_column == 1) {
          for (std::int64_t column = 0; column < present; ++column)
            to[column] = static_cast<T>(from[i * b_row + column]);
        } else {
          for (std::int64_t column = 0; column < present; ++column) {
            to[column] = static_cast<T>(from[i * b_row + column * b_column]);
          }
        }
        for (std::int64_t column = present; column < width; ++column) to[column] = T{0};
      }
    }
    packed += width * k;
  }
}

/// Writes a part of a finished tile to where it belongs.
template <class T, class Stored>
void store_tile(const T* HWY_RESTRICT sums, std::int64_t rows, std::int64_t columns, bool accumulate,
                Stored* c, std::int64_t c_row, std::int64_t c_column) {
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      Stored& target = c[row * c_row + column * c_column];
      const T sum = sums[row * tile_columns<T>() + column];
      target = static_cast<Stored>(accumulate ? static_cast<T>(static_cast<T>(target) + sum) : sum);
    }
  }
}

/// c (+)= ±a·b in blocks: a block of a stays in the second-level cache, a panel of b in the first.
template <class Stored>
void gemm_packed(const Gemm& work) {
  using T = typename ComputeType<Stored>::type;
  constexpr std::int64_t width = tile_columns<T>();
  const std::int64_t k_block = std::min<std::int64_t>(work.k, 320);
  const auto whole_tiles = [](std::int64_t elements, std::int64_t tile_size) {
    return std::max(tile_size, elements / tile_size * tile_size);
  };
  const std::int64_t row_block =
      std::min(whole_tiles(65536 / k_block, tile_rows), (work.m + tile_rows - 1) / tile_rows * tile_rows);
  const std::int64_t column_block =
      std::min(whole_tiles(262144 / k_block, width), (work.n + width - 1) / width * width);
  const Scratch<T> a_packed(row_block * k_block);
  const Scratch<T> b_packed(column_block * k_block);
  const auto* a = static_cast<const Stored*>(work.a);
  const auto* b = static_cast<const Stored*>(work.b);
  auto* c = static_cast<Stored*>(work.c);
  constexpr bool direct_type = std::is_same_v<Stored, T>;

  for (std::int64_t column = 0; column < work.n; column += column_block) {
    const std::int64_t columns = std::min(column_block, work.n - column);
    for (std::int64_t k = 0; k < work.k; k += k_block) {
      const std::int64_t depth = std::min(k_block, work.k - k);
      const bool accumulate = work.accumulate || k > 0;
      pack_columns<T>(b + k * work.b_row + column * work.b_column, work.b_row, work.b_column, depth, columns,
                      b_packed.data());
      for (std::int64_t row = 0; row < work.m; row += row_block) {
        const std::int64_t rows = std::min(row_block, work.m - row);
        pack_rows<T>(a + row * work.a_row + k * work.a_column, work.a_row, work.a_column, rows, depth,
                     work.negate, a_packed.data());
        for (std::int64_t j = 0; j < columns; j += width) {
          const std::int64_t tile_width = std::min(width, columns - j);
          for (std::int64_t i = 0; i < rows; i += tile_rows) {
            const std::int64_t tile_height = std::min<std::int64_t>(tile_rows, rows - i);
            Stored* target = c + (row + i) * work.c_row + (column + j) * work.c_column;
            const T* a_panel = a_packed.data() + i * depth;
            const T* b_panel = b_packed.data() + j * depth;
            if constexpr (direct_type) {
              if (tile_height == tile_rows && tile_width == width && work.c_column == 1) {
                tile<tile_rows, tile_vectors, false>(depth, a_panel, 1, tile_rows, b_panel, width, target,
                                                     work.c_row, accumulate ? target : nullptr, work.c_row);
                continue;
              }
            }
            alignas(64) T sums[tile_rows * tile_columns<T>()];
            tile<tile_rows, tile_vectors, false>(depth, a_panel, 1, tile_rows, b_panel, width, sums, width,
                                                 static_cast<const T*>(nullptr), 0);
            store_tile(sums, tile_height, tile_width, accumulate, target, work.c_row, work.c_column);
          }
        }
      }
    }
  }
}

/// All rows of a strip of columns, in tiles of 8 (or 4), 4, 2 and 1 rows.
template <int vectors, bool masked, class T>
void small_strip(const Gemm& work, const T* HWY_RESTRICT b, std::int64_t b_row, T* HWY_RESTRICT c,
                 std::int64_t c_row, const T* start, std::int64_t start_row, std::size_t tail) {
  constexpr int most_rows = tile_rows >= 8 ? 8 : 4;
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
  if (column + lanes <= work.n && (!has_masks || column + lanes == work.n)) {
    strip.template operator()<1, false>(column, 0);
    column += lanes;
  }
  if (column == work.n) return;
  const std::int64_t rest = work.n - column;
  if constexpr (has_masks) {
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
    for (std::int64_t j = 0; j < part.n; ++j) {
      const T* from = b + (column + j) * work.b_column;
      for (std::int64_t i = 0; i < work.k; ++i) turned[i * part.n + j] = from[i * work.b_row];
    }
    small_gemm_rows(part, turned, part.n);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#endif
