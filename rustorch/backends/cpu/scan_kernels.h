#pragma once

#include <cstddef>
#include <cstdint>

#include "rustorch/backends/compute_backend.h"

namespace rustorch::cpu {

/// Where rows are scanned from and to, which may be the same; pitches are elements from one row to the next.
struct ScanRows {
  const void* in;
  std::int64_t in_pitch;
  void* out;
  std::int64_t out_pitch;
};

/// The loops behind scan for one op and run type, for the selected instruction set. They replace adjacent
/// elements by their scans, going on from states: one for each row or column, at most max_state_bytes large.
/// Sums and products are carried in double precision (complex double, int64).
struct ScanLoops {
  static constexpr std::size_t max_state_bytes = 16;

  std::size_t state_bytes = 0;
  /// The states of no elements. `where` is the index of a row's extreme so far, -1 before the first element.
  void (*start)(void* states, std::int64_t* where, std::size_t n) = nullptr;
  /// One row of `n` elements, whose first has the index `first`. `indices` may be null.
  void (*row)(void* x, std::size_t n, std::int64_t first, void* state, std::int64_t* where,
              std::int64_t* indices) = nullptr;
  /// `rows` adjacent rows of `n` elements, scanned downwards.
  void (*columns)(void* x, std::size_t rows, std::size_t n, std::int64_t first, void* states,
                  std::int64_t* where, std::int64_t* indices) = nullptr;
  /// rows_at_once rows side by side: each element waits for the one before it, so that one row alone leaves
  /// the processor idle. Null where there is no such loop.
  static constexpr std::size_t rows_at_once = 4;
  void (*rows)(const ScanRows& rows, std::size_t n, void* states) = nullptr;
};

/// Run types: int64, float32, float64, complex64 and complex128 for sums and products, float32 and float64
/// for log_sum_exp, int32, int64, float32 and float64 for the extremes. Null functions where there is no such
/// scan.
ScanLoops scan_loops(ScanOp op, DType run);

}  // namespace rustorch::cpu
