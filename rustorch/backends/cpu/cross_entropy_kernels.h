#pragma once

#include <cstddef>

namespace rustorch::cpu {

/// The loops behind cross entropy for one compute type, for the selected instruction set. Rows are adjacent
/// elements.
struct CrossEntropyLoops {
  struct Exponentials {
    double largest, sum;  ///< the largest element, and the sum of e^(x - largest)
  };
  Exponentials (*exponentials)(const void* x, std::size_t n);
  /// Σ weight · (x - largest); without weights (null) they count as 1.
  double (*distances)(const void* x, const void* weight, double largest, std::size_t n);
  /// dx = probability_factor · softmax(x) - weight_factor · weight, with softmax(x) from `log_sum_exp`;
  /// without weights they count as 1.
  void (*backward_row)(const void* x, const void* weight, double log_sum_exp, double probability_factor,
                       double weight_factor, void* dx, std::size_t n);
};

const CrossEntropyLoops& cross_entropy_loops(bool double_precision);

}  // namespace rustorch::cpu
