// The functions of real vectors that the dialect's formulas may use, for files that are compiled once per
// target (targets.h). No include guard: each of these headers has its own, which lets it in once per target.
#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"
#include "rustorch/compute/simd/ops/transcendental/error_function-inl.h"
#include "rustorch/compute/simd/ops/transcendental/exponential-inl.h"
#include "rustorch/compute/simd/ops/transcendental/hyperbolic-inl.h"
#include "rustorch/compute/simd/ops/transcendental/logarithm-inl.h"
#include "rustorch/compute/simd/ops/transcendental/power-inl.h"
#include "rustorch/compute/simd/ops/transcendental/trigonometric-inl.h"
