#pragma once

#include <cstdint>

#include "rustorch/core/dtype.h"

namespace rustorch::cpu {

/// Neighbouring windows of one row of results that have the same cells, in all channels. Strides and offsets
/// are in elements. `large` is the larger tensor (the input or its gradient), `small` the pooled one.
struct WindowRun {
  std::int64_t windows = 0;
  std::int64_t channels = 0;
  std::int64_t cells = 0;
  const std::int64_t* offsets = nullptr;    ///< each cell's place in `large`, from the first window's
  const std::int32_t* positions = nullptr;  ///< each cell's number
  void* large = nullptr;
  std::int64_t large_window = 0, large_channel = 0;  ///< strides from window to window, channel to channel
  void* small = nullptr;
  std::int64_t small_window = 0, small_channel = 0;
  void* winners =
      nullptr;  ///< max: the numbers of the cells that won, uint8 or int32; may be null in forward
  std::int64_t winner_window = 0, winner_channel = 0;
  double scale = 1;  ///< average: one over the divisor
};

/// small = the largest of its cells, winners = its number. The last NaN wins over all, the first of equals.
void max_pool(DType dtype, DType winner_dtype, const WindowRun& run);
/// small = scale · Σ cells; floating point only, as all that follow.
void average_pool(DType dtype, const WindowRun& run);
/// The cell that won gets small's value. Without `add` all other cells of the window become zero, with it
/// they keep their sums.
void max_pool_backward(DType dtype, DType winner_dtype, bool add, const WindowRun& run);
/// Every cell gets scale · small.
void average_pool_backward(DType dtype, bool add, const WindowRun& run);

}  // namespace rustorch::cpu
