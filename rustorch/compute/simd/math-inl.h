// The functions of real vectors that the dialect's formulas may use, for files that are compiled once per
// target (targets.h). No include guard: each of these headers has its own, which lets it in once per target.
#include "rustorch/compute/simd/float-inl.h"
#include "rustorch/compute/simd/ops/error_function-inl.h"
#include "rustorch/compute/simd/ops/exponential-inl.h"
#include "rustorch/compute/simd/ops/hyperbolic-inl.h"
#include "rustorch/compute/simd/ops/logarithm-inl.h"
#include "rustorch/compute/simd/ops/power-inl.h"
#include "rustorch/compute/simd/ops/trigonometric-inl.h"
