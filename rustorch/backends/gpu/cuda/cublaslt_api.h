#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "rustorch/backends/gpu/cuda/driver_api.h"

namespace rustorch::gpu::cuda {

// The part of cuBLASLt, NVIDIA's library of matrix products, that we call, declared here so that the library
// builds where no CUDA is installed. Values and layouts are those of cublasLt.h, cublas_api.h and
// library_types.h of CUDA 12 and 13 (tests/backends/gpu/cublaslt_header_test.cpp).

/// cublasStatus_t: the values that we tell apart; others occur too.
enum class BlasStatus : int { success = 0, alloc_failed = 3, not_supported = 15 };

/// cudaDataType: CUDA_R_32F and so on.
enum class BlasDataType : int { float32 = 0, float64 = 1, float16 = 2, bfloat16 = 14 };

/// cublasComputeType_t: CUBLAS_COMPUTE_32F, which rounds no operand, CUBLAS_COMPUTE_32F_FAST_TF32 and
/// CUBLAS_COMPUTE_64F.
enum class BlasComputeType : int { float32 = 68, float64 = 70, tf32 = 77 };

/// cublasOperation_t: CUBLAS_OP_N, CUBLAS_OP_T.
enum class BlasOperation : std::int32_t { none = 0, transpose = 1 };

/// cublasLtEpilogue_t: a bias is a vector along the rows of the result's columns; GELU is the form with tanh.
enum class BlasEpilogue : std::uint32_t {
  none = 1,
  relu = 2,
  bias = 4,
  relu_bias = 6,
  gelu = 32,
  gelu_bias = 36
};

/// cublasLtMatmulDescAttributes_t.
enum class ProductAttribute : int { transpose_a = 3, transpose_b = 4, epilogue = 7, bias_pointer = 8 };

/// cublasLtMatrixLayoutAttribute_t.
enum class MatrixAttribute : int { batch_count = 5, batch_stride = 6 };

/// cublasLtMatmulPreferenceAttributes_t.
enum class PreferenceAttribute : int {
  workspace_bytes = 1,
  reduction_schemes = 3,
  alignment_a = 5,
  alignment_b = 6,
  alignment_c = 7,
  alignment_d = 8,
};

/// CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, a bit of the mask: sums of parts of the depth are kept in the
/// compute type and added by a second kernel, in order. The other schemes round them to the result's type.
inline constexpr std::uint32_t reduction_in_compute_type = 2;

/// cublasLtMatmulAlgo_t.
struct BlasAlgorithm {
  std::array<std::uint64_t, 8> data;
};

/// cublasLtMatmulHeuristicResult_t.
struct HeuristicResult {
  BlasAlgorithm algorithm;
  std::size_t workspace_bytes;
  BlasStatus state;
  float waves;
  std::array<int, 4> reserved;
};

using BlasHandle = struct BlasObject*;              ///< cublasLtHandle_t
using ProductHandle = struct ProductObject*;        ///< cublasLtMatmulDesc_t
using MatrixHandle = struct MatrixObject*;          ///< cublasLtMatrixLayout_t
using PreferenceHandle = struct PreferenceObject*;  ///< cublasLtMatmulPreference_t

/// The library's functions, by the names of its documentation. Matrices lie by columns.
struct CublasLtApi {
  const char* (*cublasLtGetStatusName)(BlasStatus);
  std::size_t (*cublasLtGetVersion)();        ///< 10000 * major + 100 * minor + patch
  std::size_t (*cublasLtGetCudartVersion)();  ///< 1000 * major + 10 * minor, of CUDA
  BlasStatus (*cublasLtCreate)(BlasHandle*);

  BlasStatus (*cublasLtMatmulDescCreate)(ProductHandle*, BlasComputeType, BlasDataType scale);
  BlasStatus (*cublasLtMatmulDescDestroy)(ProductHandle);
  BlasStatus (*cublasLtMatmulDescSetAttribute)(ProductHandle, ProductAttribute, const void* value,
                                               std::size_t bytes);
  BlasStatus (*cublasLtMatrixLayoutCreate)(MatrixHandle*, BlasDataType, std::uint64_t rows,
                                           std::uint64_t columns, std::int64_t leading);
  BlasStatus (*cublasLtMatrixLayoutDestroy)(MatrixHandle);
  BlasStatus (*cublasLtMatrixLayoutSetAttribute)(MatrixHandle, MatrixAttribute, const void* value,
                                                 std::size_t bytes);
  BlasStatus (*cublasLtMatmulPreferenceCreate)(PreferenceHandle*);
  BlasStatus (*cublasLtMatmulPreferenceDestroy)(PreferenceHandle);
  BlasStatus (*cublasLtMatmulPreferenceSetAttribute)(PreferenceHandle, PreferenceAttribute, const void* value,
                                                     std::size_t bytes);

  BlasStatus (*cublasLtMatmulAlgoGetHeuristic)(BlasHandle, ProductHandle, MatrixHandle a, MatrixHandle b,
                                               MatrixHandle c, MatrixHandle d, PreferenceHandle, int wanted,
                                               HeuristicResult* results, int* found);
  BlasStatus (*cublasLtMatmul)(BlasHandle, ProductHandle, const void* alpha, const void* a, MatrixHandle,
                               const void* b, MatrixHandle, const void* beta, const void* c, MatrixHandle,
                               void* d, MatrixHandle, const BlasAlgorithm*, void* workspace,
                               std::size_t workspace_bytes, StreamHandle);
};

/// The library, opened by the first call (it has half a gigabyte): the first of libcublasLt.so.13,
/// libcublasLt.so.12, libcublasLt.so, and libcublasLt.so in lib64 of $CUDA_PATH and $CUDA_HOME that works and
/// is of no newer major version of CUDA than the driver, where there is one. nullptr if there is none; then
/// `absence` says why.
const CublasLtApi* cublaslt_api(std::string& absence);

/// Throws an Error that names the call and the status: out_of_memory for alloc_failed, else internal.
[[noreturn]] void fail_call(const CublasLtApi& api, BlasStatus status, const char* call);

/// Throws that Error unless the status is success.
inline void check(const CublasLtApi& api, BlasStatus status, const char* call) {
  if (status != BlasStatus::success) [[unlikely]]
    fail_call(api, status, call);
}

}  // namespace rustorch::gpu::cuda
