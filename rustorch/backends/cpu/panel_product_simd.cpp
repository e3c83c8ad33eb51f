#include "rustorch/backends/cpu/panel_product.h"

#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/panel_product_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <array>
#include <utility>

#include "rustorch/backends/cpu/gemm_packed-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {

using Tile = void (*)(const PanelProduct&, const float* const*, float*, std::int64_t, const float*,
                      std::int64_t);

template <int rows, int vectors>
void run_tile(const PanelProduct& work, const float* const* a, float* c, std::int64_t c_row,
              const float* start, std::int64_t start_row) {
  AnyRows<rows, float> a_rows;
#pragma GCC unroll 16
  for (int row = 0; row < rows; ++row) a_rows.first[row] = a[row];
  tile_of<rows, vectors, false, float>(work.depth, a_rows, work.a_step, work.b, tile_columns<float>(), c,
                                       c_row, start, start_row, 0, work.runs, work.a_run);
}

template <int vectors, int... heights>
constexpr std::array<Tile, sizeof...(heights)> tiles_of(std::integer_sequence<int, heights...>) {
  return {run_tile<heights + 1, vectors>...};
}

/// Rows [begin, end) in tiles of about equal height: short ones wait for their own sums.
template <int vectors>
void run_panel(const PanelProduct& work, std::int64_t begin, std::int64_t end, float* c, std::int64_t c_row,
               const float* start, std::int64_t start_row) {
  static constexpr auto tiles = tiles_of<vectors>(std::make_integer_sequence<int, tile_rows<float>>());
  const std::int64_t rows = end - begin, count = (rows + tile_rows<float> - 1) / tile_rows<float>;
  std::int64_t in_line = begin % work.line_rows;
  const float* next = work.a + begin / work.line_rows * work.a_line + in_line * work.a_row;
  std::int64_t row = 0;
  for (std::int64_t i = 1; i <= count; ++i) {
    const std::int64_t tile_end = rows * i / count;
    const float* a[tile_rows<float>];
    for (std::int64_t k = 0; k < tile_end - row; ++k) {
      a[k] = next;
      next += work.a_row;
      if (++in_line == work.line_rows) {
        in_line = 0;
        next += work.a_line - work.line_rows * work.a_row;
      }
    }
    tiles[static_cast<std::size_t>(tile_end - row - 1)](
        work, a, c + row * c_row, c_row, start == nullptr ? nullptr : start + row * start_row, start_row);
    row = tile_end;
  }
}

void panel_product(const PanelProduct& work) {
  constexpr std::int64_t width = tile_columns<float>();
  if (work.columns == width)
    return run_panel<tile_vectors>(work, 0, work.rows, work.c, work.c_row, work.start, work.start_row);
  // What lies beside the panel's columns in c is not ours: the sums go through a buffer.
  constexpr std::int64_t most_rows = 10 * tile_rows<float>;
  float sums[most_rows * width];
  const bool one_vector = work.columns * tile_vectors <= width;
  for (std::int64_t begin = 0; begin < work.rows; begin += most_rows) {
    const std::int64_t end = std::min(work.rows, begin + most_rows);
    (one_vector ? run_panel<1> : run_panel<tile_vectors>)(work, begin, end, sums, width, nullptr, 0);
    for (std::int64_t row = begin; row < end; ++row) {
      const float* sum = sums + (row - begin) * width;
      const float* start = work.start == nullptr ? nullptr : work.start + row * work.start_row;
      float* c = work.c + row * work.c_row;
      for (std::int64_t column = 0; column < work.columns; ++column)
        c[column] = start == nullptr ? sum[column] : start[column] + sum[column];
    }
  }
}

std::int64_t panel_width() { return tile_columns<float>(); }

void pack_panels(const float* from, std::int64_t row_step, std::int64_t column_step, std::int64_t rows,
                 std::int64_t columns, float* panels) {
  pack_columns<float>(from, row_step, column_step, rows, columns, panels);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(panel_product);
void panel_product(const PanelProduct& work) { RUSTORCH_DISPATCH(panel_product)(work); }

HWY_EXPORT(panel_width);
std::int64_t panel_width() { return RUSTORCH_DISPATCH(panel_width)(); }

HWY_EXPORT(pack_panels);
void pack_panels(const float* from, std::int64_t row_step, std::int64_t column_step, std::int64_t rows,
                 std::int64_t columns, float* panels) {
  RUSTORCH_DISPATCH(pack_panels)(from, row_step, column_step, rows, columns, panels);
}

}  // namespace rustorch::cpu
#endif
