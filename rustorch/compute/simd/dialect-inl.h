// Everything that formulas of the op table may use, for files that are compiled once per target (targets.h).
// No include guard: each of these headers has its own, which lets it in once per target.
#include "rustorch/compute/simd/math-inl.h"
#include "rustorch/compute/simd/ops/arithmetic/complex-inl.h"
#include "rustorch/compute/simd/ops/arithmetic/integer-inl.h"
#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"
#include "rustorch/compute/simd/ops/derived-inl.h"
