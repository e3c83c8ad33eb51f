#pragma once

#include <cstdint>

#include "rustorch/compute/simd/kernels.h"
#include "rustorch/core/dtype.h"

namespace rustorch::cpu {

/// One matrix product on the calling thread: c = activation(±a·b (+ c)). Any strides, in elements.
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  const void* a = nullptr;
  std::int64_t a_row = 0, a_column = 0;
  const void* b = nullptr;
  std::int64_t b_row = 0, b_column = 0;
  void* c = nullptr;
  std::int64_t c_row = 0, c_column = 0;
  bool accumulate = false;         ///< c holds a summand already
  bool negate = false;             ///< -a·b
  const void* row_bias = nullptr;  ///< n adjacent values to add to every row; not together with accumulate
  simd::ElementwiseKernel activation = nullptr;  ///< of one operand, for float32 and float64; nullptr: none
};

/// Applies the activation of a product to finished rows of c that begin at `first`.
void activate(DType dtype, const Gemm& work, void* first, std::int64_t rows, std::int64_t columns);

/// The product of float32, float64 and integers (which wrap). m, n and k are at least 1; integers have no
/// row_bias.
void gemm(DType dtype, const Gemm& work);

/// The same for float32 and float64 without packing, for matrices that fit in the inner caches: a few
/// nanoseconds of overhead. Columns of c are adjacent, negate is not set and k is at most small_gemm_depth.
/// Does not activate.
void small_gemm(DType dtype, const Gemm& work);
inline constexpr std::int64_t small_gemm_depth = 4096;

/// The same for float32 and float64 where m is 1, negate is not set, and either columns of b and of c are
/// adjacent, or columns of a and rows of b are. Does not activate.
void vector_gemm(DType dtype, const Gemm& work);

// One function for each family of types, so that they compile side by side.
void gemm_floating(DType dtype, const Gemm& work);
void gemm_integer(DType dtype, const Gemm& work);

}  // namespace rustorch::cpu
