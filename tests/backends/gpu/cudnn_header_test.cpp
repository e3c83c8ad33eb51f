// What we declare of cuDNN, beside NVIDIA's header and library where they are installed; needs no GPU.
#include <gtest/gtest.h>

#include <array>
#include <span>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/header_comparison.h"
#include "rustorch/backends/gpu/cuda/cudnn_object.h"
#include "rustorch/error/error.h"

#if __has_include(<cudnn_graph.h>)
#include <cudnn_graph.h>

namespace rustorch::gpu::cuda {
namespace {

using testing::called_alike;
using testing::SameValue;

static_assert(SameValue<DnnStatus::success, CUDNN_STATUS_SUCCESS>);
static_assert(
    SameValue<DnnStatus::host_allocation_failed, CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED>);
static_assert(
    SameValue<DnnStatus::device_allocation_failed, CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED>);
static_assert(SameValue<DnnDataType::float32, CUDNN_DATA_FLOAT>);
static_assert(SameValue<DnnDataType::float64, CUDNN_DATA_DOUBLE>);
static_assert(SameValue<DnnDataType::float16, CUDNN_DATA_HALF>);
static_assert(SameValue<DnnDataType::bfloat16, CUDNN_DATA_BFLOAT16>);
static_assert(SameValue<DnnConvolutionMode::cross_correlation, CUDNN_CROSS_CORRELATION>);
static_assert(SameValue<DnnPointwiseMode::add, CUDNN_POINTWISE_ADD>);
static_assert(SameValue<DnnHeuristics::fallback, CUDNN_HEUR_MODE_FALLBACK>);
static_assert(SameValue<DnnHeuristics::a, CUDNN_HEUR_MODE_A>);
static_assert(SameValue<DnnNote::tensor_core, CUDNN_NUMERICAL_NOTE_TENSOR_CORE>);
static_assert(SameValue<DnnNote::down_convert_inputs, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS>);
static_assert(
    SameValue<DnnNote::reduced_precision_reduction, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION>);
static_assert(SameValue<DnnNote::fft, CUDNN_NUMERICAL_NOTE_FFT>);
static_assert(SameValue<DnnNote::nondeterministic, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC>);
static_assert(SameValue<DnnNote::winograd, CUDNN_NUMERICAL_NOTE_WINOGRAD>);
static_assert(SameValue<DnnNote::winograd_4x4, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4>);
static_assert(SameValue<DnnNote::winograd_6x6, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6>);
static_assert(SameValue<DnnNote::winograd_13x13, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13>);
static_assert(SameValue<DnnObjectKind::pointwise, CUDNN_BACKEND_POINTWISE_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::convolution, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::engine, CUDNN_BACKEND_ENGINE_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::engine_config, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::engine_heuristics, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::execution_plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR>);
static_assert(
    SameValue<DnnObjectKind::convolution_forward, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::convolution_backward_filter,
                        CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::convolution_backward_data,
                        CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::pointwise_operation, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::operation_graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::variant_pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR>);
static_assert(SameValue<DnnObjectKind::tensor, CUDNN_BACKEND_TENSOR_DESCRIPTOR>);
static_assert(SameValue<DnnAttribute::pointwise_mode, CUDNN_ATTR_POINTWISE_MODE>);
static_assert(SameValue<DnnAttribute::pointwise_math_precision, CUDNN_ATTR_POINTWISE_MATH_PREC>);
static_assert(SameValue<DnnAttribute::convolution_compute_type, CUDNN_ATTR_CONVOLUTION_COMP_TYPE>);
static_assert(SameValue<DnnAttribute::convolution_mode, CUDNN_ATTR_CONVOLUTION_CONV_MODE>);
static_assert(SameValue<DnnAttribute::convolution_dilations, CUDNN_ATTR_CONVOLUTION_DILATIONS>);
static_assert(SameValue<DnnAttribute::convolution_strides, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES>);
static_assert(SameValue<DnnAttribute::convolution_post_paddings, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS>);
static_assert(SameValue<DnnAttribute::convolution_pre_paddings, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS>);
static_assert(SameValue<DnnAttribute::convolution_spatial_dims, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS>);
static_assert(SameValue<DnnAttribute::heuristics_mode, CUDNN_ATTR_ENGINEHEUR_MODE>);
static_assert(SameValue<DnnAttribute::heuristics_graph, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH>);
static_assert(SameValue<DnnAttribute::heuristics_results, CUDNN_ATTR_ENGINEHEUR_RESULTS>);
static_assert(SameValue<DnnAttribute::config_engine, CUDNN_ATTR_ENGINECFG_ENGINE>);
static_assert(SameValue<DnnAttribute::plan_handle, CUDNN_ATTR_EXECUTION_PLAN_HANDLE>);
static_assert(SameValue<DnnAttribute::plan_engine_config, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG>);
static_assert(SameValue<DnnAttribute::plan_workspace_size, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE>);
static_assert(SameValue<DnnAttribute::forward_alpha, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA>);
static_assert(SameValue<DnnAttribute::forward_beta, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA>);
static_assert(
    SameValue<DnnAttribute::forward_convolution, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC>);
static_assert(SameValue<DnnAttribute::forward_w, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W>);
static_assert(SameValue<DnnAttribute::forward_x, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X>);
static_assert(SameValue<DnnAttribute::forward_y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y>);
static_assert(SameValue<DnnAttribute::backward_data_alpha, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA>);
static_assert(SameValue<DnnAttribute::backward_data_beta, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA>);
static_assert(
    SameValue<DnnAttribute::backward_data_convolution, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC>);
static_assert(SameValue<DnnAttribute::backward_data_w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W>);
static_assert(SameValue<DnnAttribute::backward_data_dx, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX>);
static_assert(SameValue<DnnAttribute::backward_data_dy, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY>);
static_assert(
    SameValue<DnnAttribute::backward_filter_alpha, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA>);
static_assert(
    SameValue<DnnAttribute::backward_filter_beta, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA>);
static_assert(SameValue<DnnAttribute::backward_filter_convolution,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC>);
static_assert(SameValue<DnnAttribute::backward_filter_dw, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW>);
static_assert(SameValue<DnnAttribute::backward_filter_x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X>);
static_assert(SameValue<DnnAttribute::backward_filter_dy, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY>);
static_assert(SameValue<DnnAttribute::pointwise_descriptor, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR>);
static_assert(SameValue<DnnAttribute::pointwise_x, CUDNN_ATTR_OPERATION_POINTWISE_XDESC>);
static_assert(SameValue<DnnAttribute::pointwise_b, CUDNN_ATTR_OPERATION_POINTWISE_BDESC>);
static_assert(SameValue<DnnAttribute::pointwise_y, CUDNN_ATTR_OPERATION_POINTWISE_YDESC>);
static_assert(SameValue<DnnAttribute::graph_handle, CUDNN_ATTR_OPERATIONGRAPH_HANDLE>);
static_assert(SameValue<DnnAttribute::graph_operations, CUDNN_ATTR_OPERATIONGRAPH_OPS>);
static_assert(SameValue<DnnAttribute::tensor_alignment, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT>);
static_assert(SameValue<DnnAttribute::tensor_data_type, CUDNN_ATTR_TENSOR_DATA_TYPE>);
static_assert(SameValue<DnnAttribute::tensor_sizes, CUDNN_ATTR_TENSOR_DIMENSIONS>);
static_assert(SameValue<DnnAttribute::tensor_strides, CUDNN_ATTR_TENSOR_STRIDES>);
static_assert(SameValue<DnnAttribute::tensor_id, CUDNN_ATTR_TENSOR_UNIQUE_ID>);
static_assert(SameValue<DnnAttribute::tensor_is_virtual, CUDNN_ATTR_TENSOR_IS_VIRTUAL>);
static_assert(SameValue<DnnAttribute::pack_ids, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS>);
static_assert(SameValue<DnnAttribute::pack_pointers, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS>);
static_assert(SameValue<DnnAttribute::pack_workspace, CUDNN_ATTR_VARIANT_PACK_WORKSPACE>);
static_assert(SameValue<DnnAttribute::engine_notes, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE>);
static_assert(SameValue<DnnAttributeType::handle, CUDNN_TYPE_HANDLE>);
static_assert(SameValue<DnnAttributeType::data_type, CUDNN_TYPE_DATA_TYPE>);
static_assert(SameValue<DnnAttributeType::boolean, CUDNN_TYPE_BOOLEAN>);
static_assert(SameValue<DnnAttributeType::int64, CUDNN_TYPE_INT64>);
static_assert(SameValue<DnnAttributeType::float32, CUDNN_TYPE_FLOAT>);
static_assert(SameValue<DnnAttributeType::float64, CUDNN_TYPE_DOUBLE>);
static_assert(SameValue<DnnAttributeType::pointer, CUDNN_TYPE_VOID_PTR>);
static_assert(SameValue<DnnAttributeType::convolution_mode, CUDNN_TYPE_CONVOLUTION_MODE>);
static_assert(SameValue<DnnAttributeType::heuristics, CUDNN_TYPE_HEUR_MODE>);
static_assert(SameValue<DnnAttributeType::note, CUDNN_TYPE_NUMERICAL_NOTE>);
static_assert(SameValue<DnnAttributeType::pointwise_mode, CUDNN_TYPE_POINTWISE_MODE>);
static_assert(SameValue<DnnAttributeType::object, CUDNN_TYPE_BACKEND_DESCRIPTOR>);

static_assert(called_alike(&CudnnApi::cudnnGetVersion, &::cudnnGetVersion));
static_assert(called_alike(&CudnnApi::cudnnGetCudartVersion, &::cudnnGetCudartVersion));
static_assert(called_alike(&CudnnApi::cudnnGetErrorString, &::cudnnGetErrorString));
static_assert(called_alike(&CudnnApi::cudnnGetLastErrorString, &::cudnnGetLastErrorString));
static_assert(called_alike(&CudnnApi::cudnnCreate, &::cudnnCreate));
static_assert(called_alike(&CudnnApi::cudnnSetStream, &::cudnnSetStream));
static_assert(called_alike(&CudnnApi::cudnnBackendCreateDescriptor, &::cudnnBackendCreateDescriptor));
static_assert(called_alike(&CudnnApi::cudnnBackendDestroyDescriptor, &::cudnnBackendDestroyDescriptor));
static_assert(called_alike(&CudnnApi::cudnnBackendSetAttribute, &::cudnnBackendSetAttribute));
static_assert(called_alike(&CudnnApi::cudnnBackendGetAttribute, &::cudnnBackendGetAttribute));
static_assert(called_alike(&CudnnApi::cudnnBackendFinalize, &::cudnnBackendFinalize));
static_assert(called_alike(&CudnnApi::cudnnBackendExecute, &::cudnnBackendExecute));

TEST(CudnnDeclarations, AgreeWithTheHeader) { SUCCEED() << "checked by the compiler"; }

}  // namespace
}  // namespace rustorch::gpu::cuda

#else

TEST(CudnnDeclarations, AgreeWithTheHeader) { GTEST_SKIP() << "cudnn_graph.h is not installed"; }

#endif

namespace rustorch::gpu::cuda {
namespace {

// The library checks attributes of tensors and parameters without a device.
TEST(CudnnDeclarations, AreTakenByTheLibrary) {
  if (testing::sanitizer_runs) GTEST_SKIP() << "the library is not made for sanitizers";
  std::string absence;
  const CudnnApi* api = cudnn_api(absence);
  if (api == nullptr) GTEST_SKIP() << absence;
  EXPECT_GE(api->cudnnGetVersion(), 90000U);

  constexpr std::array<std::int64_t, 4> sizes{2, 8, 5, 6}, strides{240, 30, 6, 1};
  for (const DnnDataType type :
       {DnnDataType::float32, DnnDataType::float64, DnnDataType::float16, DnnDataType::bfloat16}) {
    DnnObject tensor(*api, DnnObjectKind::tensor);
    tensor.set(DnnAttribute::tensor_data_type, type);
    tensor.set(DnnAttribute::tensor_sizes, std::span<const std::int64_t>(sizes));
    tensor.set(DnnAttribute::tensor_strides, std::span<const std::int64_t>(strides));
    tensor.set(DnnAttribute::tensor_id, std::int64_t{1});
    tensor.set(DnnAttribute::tensor_alignment, std::int64_t{16});
    tensor.set(DnnAttribute::tensor_is_virtual, true);
    tensor.finalize();
    EXPECT_EQ(tensor.get<std::int64_t>(DnnAttribute::tensor_sizes, 8),
              std::vector<std::int64_t>(sizes.begin(), sizes.end()));
    EXPECT_THROW(tensor.set(DnnAttribute::tensor_id, std::int64_t{2}), Error) << "it is finalized";
  }

  constexpr std::array<std::int64_t, 2> ones{1, 1};
  DnnObject convolution(*api, DnnObjectKind::convolution);
  convolution.set(DnnAttribute::convolution_compute_type, DnnDataType::float32);
  convolution.set(DnnAttribute::convolution_mode, DnnConvolutionMode::cross_correlation);
  convolution.set(DnnAttribute::convolution_spatial_dims, std::int64_t{2});
  for (const DnnAttribute attribute :
       {DnnAttribute::convolution_strides, DnnAttribute::convolution_pre_paddings,
        DnnAttribute::convolution_post_paddings, DnnAttribute::convolution_dilations})
    convolution.set(attribute, std::span<const std::int64_t>(ones));
  EXPECT_TRUE(convolution.try_finalize());

  DnnObject addition(*api, DnnObjectKind::pointwise);
  addition.set(DnnAttribute::pointwise_mode, DnnPointwiseMode::add);
  addition.set(DnnAttribute::pointwise_math_precision, DnnDataType::float32);
  EXPECT_TRUE(addition.try_finalize());

  DnnObject empty(*api, DnnObjectKind::tensor);
  EXPECT_FALSE(empty.try_finalize());
  try {
    empty.set(DnnAttribute::tensor_id, 1.0);
    FAIL() << "a number of the wrong type was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("CUDNN_STATUS_BAD_PARAM"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rustorch::gpu::cuda
