#pragma once

#include "rustorch/backends/cpu/gemm.h"

namespace rustorch::cpu {

/// One matrix product of float32, float64 or integers, by whatever is fastest for its sizes and strides: tiny
/// ones by a loop in place, a vector times a matrix by its own, the rest over packed panels on all threads.
void matrix_product(DType dtype, const Gemm& work);

}  // namespace rustorch::cpu
