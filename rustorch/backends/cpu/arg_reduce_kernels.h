#pragma once

#include <cstddef>
#include <cstdint>

#include "rustorch/backends/compute_backend.h"

namespace rustorch::cpu {

/// The loops behind arg_reduce for one run type (int32, int64, float32, float64), for the selected
/// instruction set. They go on from what was found before: `best` has the extreme so far and `index` where it
/// was, -1 before the first element.
struct ArgReduceLoops {
  /// A row of `n` adjacent elements, whose first has the index `first`.
  void (*row)(const void* x, std::size_t n, std::int64_t first, void* best, std::int64_t* index);
  /// `n` columns of `rows` elements; best and index are arrays.
  void (*columns)(const void* x, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                  std::int64_t first, void* best, std::int64_t* index);
  /// best, index ← other, which was found behind.
  void (*merge)(void* best, std::int64_t* index, const void* other, std::int64_t other_index);
};

ArgReduceLoops arg_reduce_loops(ArgReduceOp op, DType run);

}  // namespace rustorch::cpu
