#pragma once

#include <cstdint>

#include "rustorch/core/dtype.h"

namespace rustorch::cpu {

// Kernels of batch norm over parts of the data, in float32 or float64. "Rows" are pixels with their channels
// next to each other (channels-last); a "line" is the adjacent pixels of one channel of one image (plain
// order).

/// Mean of some elements and the sum of squared distances from it.
struct Moments {
  double mean = 0, squares = 0;
};

/// What backward sums over a channel: d_output, and d_output times the distance of the input from its mean.
struct GradientSums {
  double gradient = 0, product = 0;
};

/// Rows of a part of a channels-last tensor.
struct NormRows {
  std::int64_t rows = 0, channels = 0;
  std::int64_t input_row = 0, gradient_row = 0;  ///< strides from row to row
  const void* input = nullptr;
  const void* gradient = nullptr;  ///< d_output
};

/// moments[channel] of all rows.
void row_moments(DType dtype, const NormRows& part, Moments* moments);
/// sums[channel] of all rows; `means` in the dtype.
void row_gradient_sums(DType dtype, const NormRows& part, const void* means, GradientSums* sums);

// The same for one line of `count` adjacent elements.
Moments line_moments(DType dtype, const void* input, std::int64_t count);
GradientSums line_gradient_sums(DType dtype, const void* input, const void* gradient, std::int64_t count,
                                double mean);

/// The moments of two sets together.
inline void merge_moments(Moments& a, std::int64_t a_count, const Moments& b, std::int64_t b_count) {
  const double total = static_cast<double>(a_count + b_count);
  if (b_count == 0) return;
  const double distance = b.mean - a.mean;
  a.mean += distance * static_cast<double>(b_count) / total;
  a.squares +=
      b.squares + distance * distance * static_cast<double>(a_count) * static_cast<double>(b_count) / total;
}

}  // namespace rustorch::cpu
