// The matrix product over packed panels, for *_simd.cpp files (toggled include guard, as Highway's own).
#if defined(RUSTORCH_BACKENDS_CPU_GEMM_PACKED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_BACKENDS_CPU_GEMM_PACKED_INL_H_
#undef RUSTORCH_BACKENDS_CPU_GEMM_PACKED_INL_H_
#else
#define RUSTORCH_BACKENDS_CPU_GEMM_PACKED_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "rustorch/backends/cpu/gemm.h"
#include "rustorch/backends/cpu/gemm_tile-inl.h"
#include "rustorch/backends/cpu/temporary.h"
#include "rustorch/backends/cpu/turn-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Copies a block of a into panels of tile_rows rows, k-major, zero beyond the last row; converts to the
/// compute type.
template <class T, class Stored>
void pack_rows(const Stored* a, std::int64_t a_row, std::int64_t a_column, std::int64_t rows,
               std::int64_t depth, bool negate, T* HWY_RESTRICT packed) {
  for (std::int64_t first = 0; first < rows; first += tile_rows<T>, packed += tile_rows<T> * depth) {
    const std::int64_t present = std::min<std::int64_t>(tile_rows<T>, rows - first);
    const Stored* from = a + first * a_row;
    if constexpr (std::is_same_v<T, Stored>) {
      if (a_row == 1 && present == tile_rows<T> && !negate) {
        for (std::int64_t i = 0; i < depth; ++i)
          std::memcpy(packed + i * tile_rows<T>, from + i * a_column, tile_rows<T> * sizeof(T));
        continue;
      }
    }
    for (std::int64_t row = 0; row < tile_rows<T>; ++row) {
      T* HWY_RESTRICT to = packed + row;
      for (std::int64_t i = 0; i < depth; ++i) {
        const T value = row < present ? static_cast<T>(from[row * a_row + i * a_column]) : T{0};
        to[i * tile_rows<T>] = negate ? static_cast<T>(T{0} - value) : value;
      }
    }
  }
}

/// The same for a block of b: panels of tile_columns columns.
template <class T, class Stored>
void pack_columns(const Stored* HWY_RESTRICT b, std::int64_t b_row, std::int64_t b_column, std::int64_t depth,
                  std::int64_t columns, T* HWY_RESTRICT packed) {
  constexpr std::int64_t width = tile_columns<T>();
  const std::int64_t whole = columns / width * width;
  if (b_column == 1) {  // whole rows of b at a time: they are adjacent
    for (std::int64_t i = 0; i < depth; ++i) {
      const Stored* HWY_RESTRICT from = b + i * b_row;
      for (std::int64_t first = 0; first < whole; first += width) {
        T* HWY_RESTRICT to = packed + first * depth + i * width;
        for (std::int64_t column = 0; column < width; ++column)
          to[column] = static_cast<T>(from[first + column]);  // NOLINT(bugprone-signed-char-misuse): wraps
      }
    }
  } else {
    for (std::int64_t first = 0; first < whole; first += width) {
      const Stored* from = b + first * b_column;
      T* HWY_RESTRICT to = packed + first * depth;
      if constexpr (std::is_same_v<T, Stored>) {
        if (b_row == 1) {
          turn(from, b_column, to, width, width, depth);
          continue;
        }
      }
      for (std::int64_t column = 0; column < width; ++column) {
        for (std::int64_t i = 0; i < depth; ++i) {
          const Stored value = from[i * b_row + column * b_column];
          to[i * width + column] = static_cast<T>(value);  // NOLINT(bugprone-signed-char-misuse): wraps
        }
      }
    }
  }
  if (whole == columns) return;
  T* HWY_RESTRICT to = packed + whole * depth;
  for (std::int64_t i = 0; i < depth; ++i) {
    for (std::int64_t column = 0; column < width; ++column) {
      to[i * width + column] =
          whole + column < columns ? static_cast<T>(b[i * b_row + (whole + column) * b_column]) : T{0};
    }
  }
}

/// A block of a as the tiles read it: element (row, k) of the tile that begins at row `first` (a multiple of
/// tile_rows) at first·next + row·row_step + k·step.
template <class T>
struct TileRows {
  const T* data = nullptr;
  std::int64_t next = 0, row_step = 0, step = 0;
};

/// Whether rows so far apart fall on few sets of the first-level cache.
template <class T>
bool rows_collide(std::int64_t row_step) {
  return row_step * static_cast<std::int64_t>(sizeof(T)) % 2048 == 0;
}

/// Elements from row to row in copies of rows: not a multiple of the cache's sets.
inline std::int64_t pitch_of(std::int64_t depth) { return depth + 16; }

/// Rows with adjacent elements are read where they are, or copied if they push each other out of the cache;
/// all others are packed.
template <class T, class Stored>
TileRows<T> place_rows(const Stored* a, std::int64_t a_row, std::int64_t a_column, std::int64_t rows,
                       std::int64_t depth, bool negate, T* packed) {
  if constexpr (std::is_same_v<T, Stored>) {
    if (a_column == 1 && !negate) {
      if (!rows_collide<T>(a_row)) return {a, a_row, a_row, 1};
      const std::int64_t pitch = pitch_of(depth);
      for (std::int64_t row = 0; row < rows; ++row) {
        std::memcpy(packed + row * pitch, a + row * a_row, static_cast<std::size_t>(depth) * sizeof(T));
      }
      return {packed, pitch, pitch, 1};
    }
  }
  pack_rows<T>(a, a_row, a_column, rows, depth, negate, packed);
  return {packed, depth, 1, tile_rows<T>};
}

/// Writes a part of a finished tile to where it belongs, added to what it starts from (unless nullptr).
template <class T, class Stored>
void store_tile(const T* HWY_RESTRICT sums, std::int64_t rows, std::int64_t columns, const void* start_data,
                std::int64_t start_row, std::int64_t start_column, void* c_data, std::int64_t c_row,
                std::int64_t c_column) {
  const auto* start = static_cast<const Stored*>(start_data);
  auto* c = static_cast<Stored*>(c_data);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      T sum = sums[row * tile_columns<T>() + column];
      if (start != nullptr)
        sum = static_cast<T>(sum + static_cast<T>(start[row * start_row + column * start_column]));
      c[row * c_row + column * c_column] = static_cast<Stored>(sum);
    }
  }
}

/// How a product computed in T reads and writes matrices stored as another type. Function pointers, so that
/// the loops and tiles are compiled once for each T and not for each stored type.
template <class T>
struct Conversions {
  std::int64_t item_bytes;
  TileRows<T> (*place_rows)(const void* a, std::int64_t a_row, std::int64_t a_column, std::int64_t rows,
                            std::int64_t depth, bool negate, T* packed);
  void (*pack_rows)(const void* a, std::int64_t a_row, std::int64_t a_column, std::int64_t rows,
                    std::int64_t depth, bool negate, T* packed);
  void (*pack_columns)(const void* b, std::int64_t b_row, std::int64_t b_column, std::int64_t depth,
                       std::int64_t columns, T* packed);
  void (*store_tile)(const T* sums, std::int64_t rows, std::int64_t columns, const void* start,
                     std::int64_t start_row, std::int64_t start_column, void* c, std::int64_t c_row,
                     std::int64_t c_column);
};
template <class T, class Stored>
constexpr Conversions<T> conversions_of() {
  return {sizeof(Stored),
          [](const void* a, std::int64_t a_row, std::int64_t a_column, std::int64_t rows, std::int64_t depth,
             bool negate, T* packed) {
            return place_rows<T>(static_cast<const Stored*>(a), a_row, a_column, rows, depth, negate, packed);
          },
          [](const void* a, std::int64_t a_row, std::int64_t a_column, std::int64_t rows, std::int64_t depth,
             bool negate, T* packed) {
            pack_rows<T>(static_cast<const Stored*>(a), a_row, a_column, rows, depth, negate, packed);
          },
          [](const void* b, std::int64_t b_row, std::int64_t b_column, std::int64_t depth,
             std::int64_t columns, T* packed) {
            pack_columns<T>(static_cast<const Stored*>(b), b_row, b_column, depth, columns, packed);
          },
          &store_tile<T, Stored>};
}

/// A tile with as few rows as hold `height`.
template <class T, int vectors>
auto tile_of_height(std::int64_t height) {
  if constexpr (tile_rows < T >> 4) {
    if (height <= 4) return tile<4, vectors, false, T>;
  }
  if constexpr (tile_rows < T >> 8) {
    if (height <= 8) return tile<8, vectors, false, T>;
  }
  return tile<tile_rows<T>, vectors, false, T>;
}

/// c (+)= ±a·b in blocks: a block of a stays in the second-level cache, a panel of b in the first. `direct`:
/// c is stored as T, so that whole tiles are written where they belong. An activation follows on each tile
/// that is finished, while it is in the first-level cache.
template <class T, bool direct>
void gemm_blocks(const Gemm& work, const Conversions<T>& stored) {
  constexpr std::int64_t width = tile_columns<T>();
  constexpr std::int64_t most_depth =
      std::clamp<std::int64_t>(32768 / (width * static_cast<std::int64_t>(sizeof(T))), 128, 512);
  // Blocks of about equal depth: a short last one would pay for reading and writing c.
  const std::int64_t depth_blocks = (work.k + most_depth - 1) / most_depth;
  const std::int64_t depth_block = (work.k + depth_blocks - 1) / depth_blocks;
  const auto whole_tiles = [](std::int64_t elements, std::int64_t tile_size) {
    return std::max(tile_size, elements / tile_size * tile_size);
  };
  const std::int64_t row_block = std::min(whole_tiles(32768 / depth_block, tile_rows<T>),
                                          (work.m + tile_rows<T> - 1) / tile_rows<T> * tile_rows<T>);
  const std::int64_t column_block =
      std::min(whole_tiles(262144 / depth_block, width), (work.n + width - 1) / width * width);
  const Scratch<T> a_packed(row_block * pitch_of(depth_block) + tile_rows<T> * depth_block);
  const Scratch<T> b_packed(column_block * depth_block);
  T* const last_rows_packed = a_packed.data() + row_block * pitch_of(depth_block);
  const auto at = [&stored](const void* data, std::int64_t element) {
    return static_cast<std::byte*>(const_cast<void*>(data)) + element * stored.item_bytes;
  };

  for (std::int64_t column = 0; column < work.n; column += column_block) {
    const std::int64_t columns = std::min(column_block, work.n - column);
    for (std::int64_t k = 0; k < work.k; k += depth_block) {
      const std::int64_t depth = std::min(depth_block, work.k - k);
      // The sums start from c, from a bias for every row, or from nothing.
      const bool from_c = work.accumulate || k > 0;
      const bool activates = work.activation != nullptr && k + depth == work.k;
      const void* start = from_c ? work.c : work.row_bias;
      const std::int64_t start_row = from_c ? work.c_row : 0, start_column = from_c ? work.c_column : 1;
      stored.pack_columns(at(work.b, k * work.b_row + column * work.b_column), work.b_row, work.b_column,
                          depth, columns, b_packed.data());
      for (std::int64_t row = 0; row < work.m; row += row_block) {
        const std::int64_t rows = std::min(row_block, work.m - row);
        const std::int64_t whole_rows = rows / tile_rows<T> * tile_rows<T>;
        const std::byte* a_block = at(work.a, row * work.a_row + k * work.a_column);
        const TileRows<T> whole = stored.place_rows(a_block, work.a_row, work.a_column, whole_rows, depth,
                                                    work.negate, a_packed.data());
        stored.pack_rows(at(a_block, whole_rows * work.a_row), work.a_row, work.a_column, rows - whole_rows,
                         depth, work.negate, last_rows_packed);
        for (std::int64_t j = 0; j < columns; j += width) {
          const std::int64_t tile_width = std::min(width, columns - j);
          const T* b_panel = b_packed.data() + j * depth;
          const auto run = [&](std::int64_t i, std::int64_t height, const TileRows<T>& from) HWY_ATTR {
            void* target = at(work.c, (row + i) * work.c_row + (column + j) * work.c_column);
            const T* a_tile = from.data + i * from.next;
            const void* tile_start =
                start == nullptr ? nullptr : at(start, (row + i) * start_row + (column + j) * start_column);
            if constexpr (direct) {
              if (height == tile_rows<T> && tile_width == width && work.c_column == 1) {
                tile<tile_rows<T>, tile_vectors, false>(depth, a_tile, from.row_step, from.step, b_panel,
                                                        width, static_cast<T*>(target), work.c_row,
                                                        static_cast<const T*>(tile_start), start_row);
                if (activates) activate(dtype_of<T>, work, target, height, tile_width);
                return;
              }
            }
            alignas(64) T sums[tile_rows<T> * tile_columns<T>()];
            const bool narrow = direct && tile_width * tile_vectors <= width;
            const auto fill = narrow ? tile_of_height<T, 1>(height) : tile_of_height<T, tile_vectors>(height);
            fill(depth, a_tile, from.row_step, from.step, b_panel, width, sums, width, nullptr, 0, 0);
            stored.store_tile(sums, height, tile_width, tile_start, start_row, start_column, target,
                              work.c_row, work.c_column);
            if constexpr (direct) {
              if (activates) activate(dtype_of<T>, work, target, height, tile_width);
            }
          };
          for (std::int64_t i = 0; i < whole_rows; i += tile_rows<T>) run(i, tile_rows<T>, whole);
          if (whole_rows < rows) run(whole_rows, rows - whole_rows, {last_rows_packed, 0, 1, tile_rows<T>});
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#endif
