#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "rustorch/backends/gpu/cuda/driver_api.h"

namespace rustorch::gpu::cuda {

// The part of cuDNN 9, NVIDIA's library of neural networks, that we call: its graph ("backend") API, whose
// graphs of operations are objects that get attributes and are finalized. Declared here so that the library
// builds where no cuDNN is installed; values are those of cudnn_graph.h
// (tests/backends/gpu/cudnn_header_test.cpp).

/// cudnnStatus_t: thousands are kinds of failures.
enum class DnnStatus : int { success = 0, host_allocation_failed = 4003, device_allocation_failed = 4004 };

/// cudnnDataType_t.
enum class DnnDataType : int { float32 = 0, float64 = 1, float16 = 2, bfloat16 = 9 };

/// cudnnConvolutionMode_t: CUDNN_CROSS_CORRELATION, what PyTorch calls a convolution.
enum class DnnConvolutionMode : int { cross_correlation = 1 };

/// cudnnPointwiseMode_t.
enum class DnnPointwiseMode : int { add = 0 };

/// cudnnBackendHeurMode_t: `a` orders engines by their expected time, `fallback` lists those that take nearly
/// everything.
enum class DnnHeuristics : int { fallback = 2, a = 3 };

/// cudnnBackendNumericalNote_t: what an engine does to numbers.
enum class DnnNote : int {
  tensor_core = 0,
  down_convert_inputs = 1,
  reduced_precision_reduction = 2,
  fft = 3,
  nondeterministic = 4,
  winograd = 5,
  winograd_4x4 = 6,
  winograd_6x6 = 7,
  winograd_13x13 = 8,
};

/// cudnnBackendDescriptorType_t.
enum class DnnObjectKind : int {
  pointwise = 0,
  convolution = 1,
  engine = 2,
  engine_config = 3,
  engine_heuristics = 4,
  execution_plan = 5,
  convolution_forward = 10,
  convolution_backward_filter = 11,
  convolution_backward_data = 12,
  pointwise_operation = 13,
  operation_graph = 15,
  variant_pack = 16,
  tensor = 17,
};

/// cudnnBackendAttributeName_t.
enum class DnnAttribute : int {
  pointwise_mode = 0,
  pointwise_math_precision = 1,
  convolution_compute_type = 100,
  convolution_mode = 101,
  convolution_dilations = 102,
  convolution_strides = 103,
  convolution_post_paddings = 104,
  convolution_pre_paddings = 105,
  convolution_spatial_dims = 106,
  heuristics_mode = 200,
  heuristics_graph = 201,
  heuristics_results = 202,
  config_engine = 300,
  plan_handle = 400,
  plan_engine_config = 401,
  plan_workspace_size = 402,
  forward_alpha = 700,
  forward_beta = 701,
  forward_convolution = 702,
  forward_w = 703,
  forward_x = 704,
  forward_y = 705,
  backward_data_alpha = 706,
  backward_data_beta = 707,
  backward_data_convolution = 708,
  backward_data_w = 709,
  backward_data_dx = 710,
  backward_data_dy = 711,
  backward_filter_alpha = 712,
  backward_filter_beta = 713,
  backward_filter_convolution = 714,
  backward_filter_dw = 715,
  backward_filter_x = 716,
  backward_filter_dy = 717,
  pointwise_descriptor = 750,
  pointwise_x = 751,
  pointwise_b = 752,
  pointwise_y = 753,
  graph_handle = 800,
  graph_operations = 801,
  tensor_alignment = 900,
  tensor_data_type = 901,
  tensor_sizes = 902,
  tensor_strides = 903,
  tensor_id = 906,
  tensor_is_virtual = 907,
  pack_ids = 1000,
  pack_pointers = 1001,
  pack_workspace = 1003,
  engine_notes = 1303,
};

/// cudnnBackendAttributeType_t.
enum class DnnAttributeType : int {
  handle = 0,
  data_type = 1,
  boolean = 2,
  int64 = 3,
  float32 = 4,
  float64 = 5,
  pointer = 6,
  convolution_mode = 7,
  heuristics = 8,
  note = 11,
  pointwise_mode = 14,
  object = 15,
};

using DnnHandle = struct DnnContextObject*;      ///< cudnnHandle_t
using DnnObjectHandle = struct DnnGraphObject*;  ///< cudnnBackendDescriptor_t

/// The library's functions, by the names of its documentation.
struct CudnnApi {
  std::size_t (*cudnnGetVersion)();        ///< 10000 * major + 100 * minor + patch
  std::size_t (*cudnnGetCudartVersion)();  ///< 1000 * major + 10 * minor, of CUDA
  const char* (*cudnnGetErrorString)(DnnStatus);
  void (*cudnnGetLastErrorString)(char* text, std::size_t capacity);  ///< of the calling thread
  DnnStatus (*cudnnCreate)(DnnHandle*);
  DnnStatus (*cudnnSetStream)(DnnHandle, StreamHandle);

  DnnStatus (*cudnnBackendCreateDescriptor)(DnnObjectKind, DnnObjectHandle*);
  DnnStatus (*cudnnBackendDestroyDescriptor)(DnnObjectHandle);
  DnnStatus (*cudnnBackendSetAttribute)(DnnObjectHandle, DnnAttribute, DnnAttributeType, std::int64_t count,
                                        const void* values);
  DnnStatus (*cudnnBackendGetAttribute)(DnnObjectHandle, DnnAttribute, DnnAttributeType,
                                        std::int64_t capacity, std::int64_t* count, void* values);
  DnnStatus (*cudnnBackendFinalize)(DnnObjectHandle);
  DnnStatus (*cudnnBackendExecute)(DnnHandle, DnnObjectHandle plan, DnnObjectHandle variant_pack);
};

/// The library, opened by the first call: the first of libcudnn.so.9, and the same in lib and lib64 of
/// $CUDNN_PATH, $CUDA_PATH and $CUDA_HOME, that works and is of no newer major version of CUDA than the
/// driver, where there is one. Its parts, hundreds of megabytes, are opened by cudnnCreate and later. nullptr
/// if there is none; then `absence` says why.
const CudnnApi* cudnn_api(std::string& absence);

/// A failure for people: the status, and what the library says of its reason.
std::string describe(const CudnnApi& api, DnnStatus status);

/// Throws an Error that names the call and the status unless that is success: out_of_memory where memory
/// lacked, else internal.
void check(const CudnnApi& api, DnnStatus status, const char* call);

}  // namespace rustorch::gpu::cuda
