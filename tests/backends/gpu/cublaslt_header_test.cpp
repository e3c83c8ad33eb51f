// What we declare of cuBLASLt, beside NVIDIA's header and library where the toolkit is installed; needs no
// GPU.
#include "rustorch/backends/gpu/cuda/cublaslt_api.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/header_comparison.h"

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>

namespace rustorch::gpu::cuda {
namespace {

using testing::called_alike;
using testing::SameValue;

static_assert(SameValue<BlasStatus::success, CUBLAS_STATUS_SUCCESS>);
static_assert(SameValue<BlasStatus::alloc_failed, CUBLAS_STATUS_ALLOC_FAILED>);
static_assert(SameValue<BlasStatus::not_supported, CUBLAS_STATUS_NOT_SUPPORTED>);
static_assert(SameValue<BlasDataType::float32, CUDA_R_32F>);
static_assert(SameValue<BlasDataType::float64, CUDA_R_64F>);
static_assert(SameValue<BlasDataType::float16, CUDA_R_16F>);
static_assert(SameValue<BlasDataType::bfloat16, CUDA_R_16BF>);
static_assert(SameValue<BlasComputeType::float32, CUBLAS_COMPUTE_32F>);
static_assert(SameValue<BlasComputeType::float64, CUBLAS_COMPUTE_64F>);
static_assert(SameValue<BlasComputeType::tf32, CUBLAS_COMPUTE_32F_FAST_TF32>);
static_assert(SameValue<BlasOperation::none, CUBLAS_OP_N>);
static_assert(SameValue<BlasOperation::transpose, CUBLAS_OP_T>);
static_assert(SameValue<BlasEpilogue::none, CUBLASLT_EPILOGUE_DEFAULT>);
static_assert(SameValue<BlasEpilogue::bias, CUBLASLT_EPILOGUE_BIAS>);
static_assert(SameValue<BlasEpilogue::relu, CUBLASLT_EPILOGUE_RELU>);
static_assert(SameValue<BlasEpilogue::relu_bias, CUBLASLT_EPILOGUE_RELU_BIAS>);
static_assert(SameValue<BlasEpilogue::gelu, CUBLASLT_EPILOGUE_GELU>);
static_assert(SameValue<BlasEpilogue::gelu_bias, CUBLASLT_EPILOGUE_GELU_BIAS>);
static_assert(SameValue<ProductAttribute::transpose_a, CUBLASLT_MATMUL_DESC_TRANSA>);
static_assert(SameValue<ProductAttribute::transpose_b, CUBLASLT_MATMUL_DESC_TRANSB>);
static_assert(SameValue<ProductAttribute::epilogue, CUBLASLT_MATMUL_DESC_EPILOGUE>);
static_assert(SameValue<ProductAttribute::bias_pointer, CUBLASLT_MATMUL_DESC_BIAS_POINTER>);
static_assert(SameValue<MatrixAttribute::batch_count, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT>);
static_assert(SameValue<MatrixAttribute::batch_stride, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET>);
static_assert(SameValue<PreferenceAttribute::workspace_bytes, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES>);
static_assert(SameValue<PreferenceAttribute::reduction_schemes, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK>);
static_assert(SameValue<PreferenceAttribute::alignment_a, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES>);
static_assert(SameValue<PreferenceAttribute::alignment_b, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES>);
static_assert(SameValue<PreferenceAttribute::alignment_c, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES>);
static_assert(SameValue<PreferenceAttribute::alignment_d, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES>);
static_assert(SameValue<reduction_in_compute_type, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE>);

static_assert(sizeof(BlasAlgorithm) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(HeuristicResult) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(HeuristicResult, workspace_bytes) ==
              offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(HeuristicResult, state) == offsetof(cublasLtMatmulHeuristicResult_t, state));
static_assert(offsetof(HeuristicResult, waves) == offsetof(cublasLtMatmulHeuristicResult_t, wavesCount));

static_assert(called_alike(&CublasLtApi::cublasLtGetStatusName, &::cublasLtGetStatusName));
static_assert(called_alike(&CublasLtApi::cublasLtGetVersion, &::cublasLtGetVersion));
static_assert(called_alike(&CublasLtApi::cublasLtGetCudartVersion, &::cublasLtGetCudartVersion));
static_assert(called_alike(&CublasLtApi::cublasLtCreate, &::cublasLtCreate));
static_assert(called_alike(&CublasLtApi::cublasLtMatmulDescCreate, &::cublasLtMatmulDescCreate));
static_assert(called_alike(&CublasLtApi::cublasLtMatmulDescDestroy, &::cublasLtMatmulDescDestroy));
static_assert(called_alike(&CublasLtApi::cublasLtMatmulDescSetAttribute, &::cublasLtMatmulDescSetAttribute));
static_assert(called_alike(&CublasLtApi::cublasLtMatrixLayoutCreate, &::cublasLtMatrixLayoutCreate));
static_assert(called_alike(&CublasLtApi::cublasLtMatrixLayoutDestroy, &::cublasLtMatrixLayoutDestroy));
static_assert(called_alike(&CublasLtApi::cublasLtMatrixLayoutSetAttribute,
                           &::cublasLtMatrixLayoutSetAttribute));
static_assert(called_alike(&CublasLtApi::cublasLtMatmulPreferenceCreate, &::cublasLtMatmulPreferenceCreate));
static_assert(called_alike(&CublasLtApi::cublasLtMatmulPreferenceDestroy,
                           &::cublasLtMatmulPreferenceDestroy));
static_assert(called_alike(&CublasLtApi::cublasLtMatmulPreferenceSetAttribute,
                           &::cublasLtMatmulPreferenceSetAttribute));
static_assert(called_alike(&CublasLtApi::cublasLtMatmulAlgoGetHeuristic, &::cublasLtMatmulAlgoGetHeuristic));
static_assert(called_alike(&CublasLtApi::cublasLtMatmul, &::cublasLtMatmul));

TEST(CublasLtDeclarations, AgreeWithTheHeader) { SUCCEED() << "checked by the compiler"; }

}  // namespace
}  // namespace rustorch::gpu::cuda

#else

TEST(CublasLtDeclarations, AgreeWithTheHeader) { GTEST_SKIP() << "cublasLt.h is not installed"; }

#endif

namespace rustorch::gpu::cuda {
namespace {

// The library checks the numbers and sizes of attributes, without a device.
TEST(CublasLtDeclarations, AreTakenByTheLibrary) {
  if (testing::sanitizer_runs) GTEST_SKIP() << "the library is not made for sanitizers";
  std::string absence;
  const CublasLtApi* api = cublaslt_api(absence);
  if (api == nullptr) GTEST_SKIP() << absence;
  EXPECT_GE(api->cublasLtGetVersion(), 120000U);

  ProductHandle product = nullptr;
  check(*api, api->cublasLtMatmulDescCreate(&product, BlasComputeType::float64, BlasDataType::float64),
        "cublasLtMatmulDescCreate");
  const auto set = [&](ProductAttribute attribute, const auto& value) {
    return api->cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof value);
  };
  EXPECT_EQ(set(ProductAttribute::transpose_a, BlasOperation::transpose), BlasStatus::success);
  EXPECT_EQ(set(ProductAttribute::transpose_b, BlasOperation::none), BlasStatus::success);
  EXPECT_EQ(set(ProductAttribute::epilogue, BlasEpilogue::bias), BlasStatus::success);
  EXPECT_EQ(set(ProductAttribute::bias_pointer, DevicePointer{4096}), BlasStatus::success);
  EXPECT_NE(set(ProductAttribute::bias_pointer, '?'), BlasStatus::success);
  EXPECT_EQ(api->cublasLtMatmulDescDestroy(product), BlasStatus::success);

  for (const BlasDataType type :
       {BlasDataType::float32, BlasDataType::float64, BlasDataType::float16, BlasDataType::bfloat16}) {
    MatrixHandle matrix = nullptr;
    check(*api, api->cublasLtMatrixLayoutCreate(&matrix, type, 10, 20, 12), "cublasLtMatrixLayoutCreate");
    const auto set_of_matrix = [&](MatrixAttribute attribute, const auto& value) {
      return api->cublasLtMatrixLayoutSetAttribute(matrix, attribute, &value, sizeof value);
    };
    EXPECT_EQ(set_of_matrix(MatrixAttribute::batch_count, std::int32_t{3}), BlasStatus::success);
    EXPECT_EQ(set_of_matrix(MatrixAttribute::batch_stride, std::int64_t{240}), BlasStatus::success);
    EXPECT_EQ(api->cublasLtMatrixLayoutDestroy(matrix), BlasStatus::success);
  }

  PreferenceHandle preference = nullptr;
  check(*api, api->cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
  const auto prefer = [&](PreferenceAttribute attribute, const auto& value) {
    return api->cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value);
  };
  EXPECT_EQ(prefer(PreferenceAttribute::workspace_bytes, std::uint64_t{1} << 25), BlasStatus::success);
  EXPECT_EQ(prefer(PreferenceAttribute::reduction_schemes, reduction_in_compute_type), BlasStatus::success);
  for (const auto operand : {PreferenceAttribute::alignment_a, PreferenceAttribute::alignment_b,
                             PreferenceAttribute::alignment_c, PreferenceAttribute::alignment_d})
    EXPECT_EQ(prefer(operand, std::uint32_t{16}), BlasStatus::success);
  EXPECT_EQ(api->cublasLtMatmulPreferenceDestroy(preference), BlasStatus::success);
}

}  // namespace
}  // namespace rustorch::gpu::cuda
