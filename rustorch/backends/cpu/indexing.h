#pragma once

#include "rustorch/backends/indexed_loops.h"

namespace rustorch::cpu {

using rustorch::IndexedLoops;

/// Base offsets of elements are computed this many at a time.
inline constexpr std::int64_t index_tile = 256;

/// The offsets in the base of `count` ≤ index_tile elements along the innermost outer loop, `start` steps
/// after the place that `at` gives: base offset + Σ wrap(index)·stride. An index out of range is an Error
/// that names `op`.
void indexed_offsets(const IndexedLoops::Nest& outer, const IndexedLoops::Nest::Offsets& at,
                     std::int64_t start, std::int64_t count, std::span<const IndexOperand> indices,
                     const char* op, std::int64_t* offsets);

/// Calls `visit(element_offset, element_stride, offsets, count)` for the tiles of the row-major outer range
/// [begin, end), in order.
template <class Visit>
void for_each_index_tile(const IndexedLoops::Nest& outer, std::int64_t begin, std::int64_t end,
                         std::span<const IndexOperand> indices, const char* op, Visit&& visit) {
  std::array<std::int64_t, index_tile> offsets;
  const std::int64_t stride = outer.inner_stride(IndexedLoops::elements);
  outer.for_each_run(begin, end, [&](const IndexedLoops::Nest::Offsets& at, std::int64_t length) {
    for (std::int64_t start = 0; start < length; start += index_tile) {
      const std::int64_t count = std::min(index_tile, length - start);
      indexed_offsets(outer, at, start, count, indices, op, offsets.data());
      visit(at[IndexedLoops::elements] + start * stride, stride, offsets.data(), count);
    }
  });
}

}  // namespace rustorch::cpu
