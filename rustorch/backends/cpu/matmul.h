#pragma once

#include "rustorch/backends/cpu/gemm.h"

namespace rustorch::cpu {

/// One matrix product of float32, float64 or integers, by whatever is fastest for its sizes and strides: tiny
/// ones by a loop of ours, large float32 ones by oneDNN, the rest by our packed product on all threads.
void matrix_product(DType dtype, const Gemm& work);

}  // namespace rustorch::cpu
