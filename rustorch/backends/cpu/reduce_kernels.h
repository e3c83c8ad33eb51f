#pragma once

#include <cmath>
#include <cstddef>

#include "rustorch/backends/compute_backend.h"

namespace rustorch::cpu {

/// The running state of a float sum: what was rounded away is kept beside it, so that the sum of any number
/// of blocks is as good as one rounding.
struct SumState {
  double sum = 0, error = 0;

  void add(double value) noexcept {
    const double total = sum + value;
    const double part = total - sum;
    error += (sum - (total - part)) + (value - part);
    sum = total;
  }
  /// Infinities and NaN make the error term NaN: then the plain sum is the answer.
  double value() const noexcept { return std::isfinite(sum) ? sum + error : sum; }
};

struct ComplexSumState {
  SumState real, imaginary;
};

/// Count, mean and sum of squared distances from the mean; two of them merge exactly (Chan et al.).
struct VarianceState {
  double count = 0, mean = 0, squares = 0;

  void merge(double other_count, double other_mean, double other_squares) noexcept {
    if (other_count == 0) return;
    const double total = count + other_count;
    const double distance = other_mean - mean;
    mean += distance * (other_count / total);
    squares += other_squares + distance * distance * (count * other_count / total);
    count = total;
  }
};

/// The loops of a reduction over one run type, for the selected instruction set. They fold elements into
/// states; both take `rows` × `n` elements whose rows are `row_stride` elements apart.
struct ReduceLoops {
  /// states[r] ← row r
  void (*rows)(const void* x, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
               void* states) = nullptr;
  /// states[j] ← column j
  void (*columns)(const void* x, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                  void* states) = nullptr;
};

/// How an op reduces elements of a run type: a type with loops of its own, to which elements are converted.
struct ReduceKernels {
  static constexpr std::size_t max_state_bytes = 32;

  DType run;    ///< what elements are converted to before they are folded
  DType value;  ///< what finish writes
  std::size_t state_bytes;
  ReduceLoops loops;
  alignas(16) std::byte identity[max_state_bytes];  ///< the state of no elements
  /// Makes `n` states of no elements, given `identity`.
  void (*start)(const void* identity, void* states, std::size_t n);
  void (*merge)(void* states, const void* others, std::size_t n);
  void (*finish)(const void* states, std::size_t n, double correction, void* values);
};

/// The kernels of `op` for elements of `dtype`; an Error for a dtype that the op does not take.
ReduceKernels reduce_kernels(ReduceOp op, DType dtype);

/// The vector loops behind them; run types are int32, int64, float32, float64, complex64, complex128 and
/// bool.
ReduceLoops reduce_loops(ReduceOp op, DType run);

}  // namespace rustorch::cpu
