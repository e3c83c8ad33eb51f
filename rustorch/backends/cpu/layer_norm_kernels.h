#pragma once

#include <cstddef>

namespace rustorch::cpu {

/// The loops behind layer norm for one compute type, for the selected instruction set. Rows are adjacent
/// elements; `weight` and `bias` may be null, results that are null are not wanted.
struct LayerNormLoops {
  struct Statistics {
    double mean, inverse_std;
  };
  Statistics (*forward_row)(const void* x, const void* weight, const void* bias, void* y, std::size_t n,
                            double epsilon);
  /// Adds the row's share to `d_weight` and `d_bias`.
  void (*backward_row)(const void* x, const void* dy, const void* weight, Statistics statistics, void* dx,
                       void* d_weight, void* d_bias, std::size_t n);
};

const LayerNormLoops& layer_norm_loops(bool double_precision);

}  // namespace rustorch::cpu
