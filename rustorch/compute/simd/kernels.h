#pragma once

#include <cstddef>

#include "rustorch/compute/op.h"

namespace rustorch::simd {

/// Applies an op to contiguous arrays of its compute type; operands beyond its arity are ignored. `out` may
/// be exactly one of the operands.
using ElementwiseKernel = void (*)(const void* x, const void* y, const void* z, void* out, std::size_t n);

/// The kernel of an op for a compute type, made for the selected instruction set; nullptr if the op's domain
/// lacks the type or it is no compute type.
ElementwiseKernel elementwise_kernel(Op op, DType compute);

/// Converts a contiguous array of one dtype to another that does not overlap it.
using ConversionKernel = void (*)(const void* in, void* out, std::size_t n);

/// The conversion between two dtypes, as convert_element does it: complex to real takes the real part, bool
/// is 0 or 1 and true for anything but zero, float16 and bfloat16 round to nearest even.
ConversionKernel conversion_kernel(DType from, DType to);

/// Collects `n` elements of `item_bytes` (1, 2, 4, 8 or 16) bytes each, `stride` elements apart, to `out`.
void gather_strided(const void* in, std::ptrdiff_t stride, std::size_t item_bytes, void* out, std::size_t n);
/// Spreads `n` elements, `stride` elements apart, over `out`.
void scatter_strided(const void* in, void* out, std::ptrdiff_t stride, std::size_t item_bytes, std::size_t n);
/// Writes `n` copies of one element to `out`.
void fill(const void* value, std::size_t item_bytes, void* out, std::size_t n);

}  // namespace rustorch::simd
