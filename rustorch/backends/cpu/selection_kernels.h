#pragma once

#include <cstdint>

namespace rustorch::cpu {

/// The loops over all elements behind topk, for float or double; adjacent elements.
template <class T>
struct SelectionKernels {
  static constexpr std::int64_t lanes = 16;
  /// The largest (or smallest) of the elements at equal places of `strips` strips of `rows` · lanes elements
  /// each: strips · lanes numbers to `best`. What is not comparable may or may not get there.
  void (*extremes)(const T* elements, std::int64_t strips, std::int64_t rows, bool largest, T* best);
  /// How many elements from the start on are certainly on the far side of `last` (below it where the largest
  /// are wanted, or equal); NaN is not.
  std::int64_t (*passed_over)(const T* elements, std::int64_t n, T last, bool largest);
};

/// For the selected instruction set.
const SelectionKernels<float>& selection_kernels(float);
const SelectionKernels<double>& selection_kernels(double);

}  // namespace rustorch::cpu
