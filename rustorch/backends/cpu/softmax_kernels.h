#pragma once

#include <cstddef>

namespace rustorch::cpu {

/// The loops behind softmax for one compute type, for the selected instruction set. Rows lie adjacent;
/// columns are `width` adjacent elements in each of `n` rows, whose starts are the strides apart. Results may
/// be the inputs.
struct SoftmaxLoops {
  static constexpr std::size_t max_width = 256;

  void (*forward_row)(const void* x, void* y, std::size_t n, bool logarithm);
  void (*forward_columns)(const void* x, std::ptrdiff_t x_stride, void* y, std::ptrdiff_t y_stride,
                          std::size_t n, std::size_t width, bool logarithm);
  /// `y` is what forward wrote.
  void (*backward_row)(const void* y, const void* dy, void* dx, std::size_t n, bool logarithm);
  void (*backward_columns)(const void* y, std::ptrdiff_t y_stride, const void* dy, std::ptrdiff_t dy_stride,
                           void* dx, std::ptrdiff_t dx_stride, std::size_t n, std::size_t width,
                           bool logarithm);
};

const SoftmaxLoops& softmax_loops(bool double_precision);

}  // namespace rustorch::cpu
