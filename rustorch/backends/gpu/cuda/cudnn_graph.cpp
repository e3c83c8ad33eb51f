#include "rustorch/backends/gpu/cuda/cudnn_graph.h"

namespace rustorch::gpu::cuda {
namespace {

/// Of a floating-point dtype.
DnnDataType data_type(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return DnnDataType::float64;
    case DType::float16:
      return DnnDataType::float16;
    case DType::bfloat16:
      return DnnDataType::bfloat16;
    default:
      return DnnDataType::float32;
  }
}

DnnDataType compute_type(DType dtype) {
  return dtype == DType::float64 ? DnnDataType::float64 : DnnDataType::float32;
}

/// What the library calls the parts of an operation.
struct OperationNames {
  DnnObjectKind kind;
  DnnAttribute parameters, input, weight, output, alpha, beta;
};

OperationNames names_of(ConvolutionDirection direction) {
  using enum DnnAttribute;
  switch (direction) {
    case ConvolutionDirection::forward:
      return {DnnObjectKind::convolution_forward,
              forward_convolution,
              forward_x,
              forward_w,
              forward_y,
              forward_alpha,
              forward_beta};
    case ConvolutionDirection::backward_input:
      return {DnnObjectKind::convolution_backward_data,
              backward_data_convolution,
              backward_data_dx,
              backward_data_w,
              backward_data_dy,
              backward_data_alpha,
              backward_data_beta};
    case ConvolutionDirection::backward_weight:
      break;
  }
  return {DnnObjectKind::convolution_backward_filter,
          backward_filter_convolution,
          backward_filter_x,
          backward_filter_dw,
          backward_filter_dy,
          backward_filter_alpha,
          backward_filter_beta};
}

}  // namespace

ConvolutionGraph::ConvolutionGraph(const CudnnApi& api, DnnHandle handle, const ConvolutionForm& form)
    : api_(api), form_(form), graph_(api, DnnObjectKind::operation_graph) {
  const DnnObject input = tensor(form.input, DnnTensor::input);
  const DnnObject weight = tensor(form.weight, DnnTensor::weight);
  const DnnObject output = tensor(form.output, DnnTensor::output);
  std::vector<DnnObject> operations;
  if (form.has_bias) {
    const DnnObject sum = tensor(form.output, DnnTensor::sum);
    const DnnObject bias = tensor({1, form.output[1], 1, 1, 1}, DnnTensor::bias);
    operations.push_back(convolution(input, weight, sum));
    operations.push_back(addition(sum, bias, output));
  } else {
    operations.push_back(convolution(input, weight, output));
  }
  std::vector<DnnObjectHandle> handles;
  handles.reserve(operations.size());
  for (const DnnObject& each : operations) handles.push_back(each.handle());
  graph_.set(DnnAttribute::graph_handle, handle);
  graph_.set(DnnAttribute::graph_operations, std::span<const DnnObjectHandle>(handles));
  is_supported_ = graph_.try_finalize();
}

std::vector<DnnObject> ConvolutionGraph::engine_configs(DnnHeuristics mode) const {
  if (!is_supported_) return {};
  DnnObject heuristics(api_, DnnObjectKind::engine_heuristics);
  heuristics.set(DnnAttribute::heuristics_graph, graph_);
  heuristics.set(DnnAttribute::heuristics_mode, mode);
  if (!heuristics.try_finalize()) return {};
  return heuristics.get_objects(DnnAttribute::heuristics_results, DnnObjectKind::engine_config);
}

DnnObject ConvolutionGraph::tensor(const ConvolutionForm::Sizes& sizes, DnnTensor id) const {
  const Shape shape(std::span<const std::int64_t>(sizes).first(form_.rank));
  const Layout layout = form_.channels_last ? Layout::channels_last(shape) : Layout::contiguous(shape);
  const bool is_virtual = id == DnnTensor::sum;  // it goes from operation to operation, as it is computed
  DnnObject object(api_, DnnObjectKind::tensor);
  object.set(DnnAttribute::tensor_data_type, is_virtual ? compute_type(form_.dtype) : data_type(form_.dtype));
  object.set(DnnAttribute::tensor_sizes, std::span<const std::int64_t>(shape.begin(), shape.size()));
  object.set(DnnAttribute::tensor_strides,
             std::span<const std::int64_t>(layout.strides.begin(), layout.strides.size()));
  object.set(DnnAttribute::tensor_id, id_of(id));
  object.set(DnnAttribute::tensor_alignment, static_cast<std::int64_t>(graph_alignment));
  if (is_virtual) object.set(DnnAttribute::tensor_is_virtual, true);
  object.finalize();
  return object;
}

DnnObject ConvolutionGraph::convolution(const DnnObject& input, const DnnObject& weight,
                                        const DnnObject& output) const {
  const auto of_dims = [&](const std::array<std::int64_t, 3>& values) {
    return std::span<const std::int64_t>(values).first(form_.rank - 2);
  };
  DnnObject parameters(api_, DnnObjectKind::convolution);
  parameters.set(DnnAttribute::convolution_compute_type, compute_type(form_.dtype));
  parameters.set(DnnAttribute::convolution_mode, DnnConvolutionMode::cross_correlation);
  parameters.set(DnnAttribute::convolution_spatial_dims, static_cast<std::int64_t>(form_.rank - 2));
  parameters.set(DnnAttribute::convolution_strides, of_dims(form_.stride));
  parameters.set(DnnAttribute::convolution_pre_paddings, of_dims(form_.padding));
  parameters.set(DnnAttribute::convolution_post_paddings, of_dims(form_.padding));
  parameters.set(DnnAttribute::convolution_dilations, of_dims(form_.dilation));
  parameters.finalize();

  const OperationNames names = names_of(form_.direction);
  DnnObject operation(api_, names.kind);
  operation.set(names.parameters, parameters);
  operation.set(names.input, input);
  operation.set(names.weight, weight);
  operation.set(names.output, output);
  const auto set_factors = [&](auto one, auto zero) {
    operation.set(names.alpha, one);
    operation.set(names.beta, zero);
  };
  form_.dtype == DType::float64 ? set_factors(1.0, 0.0) : set_factors(1.0F, 0.0F);
  operation.finalize();
  return operation;
}

DnnObject ConvolutionGraph::addition(const DnnObject& a, const DnnObject& b, const DnnObject& sum) const {
  DnnObject add(api_, DnnObjectKind::pointwise);
  add.set(DnnAttribute::pointwise_mode, DnnPointwiseMode::add);
  add.set(DnnAttribute::pointwise_math_precision, compute_type(form_.dtype));
  add.finalize();
  DnnObject object(api_, DnnObjectKind::pointwise_operation);
  object.set(DnnAttribute::pointwise_descriptor, add);
  object.set(DnnAttribute::pointwise_x, a);
  object.set(DnnAttribute::pointwise_b, b);
  object.set(DnnAttribute::pointwise_y, sum);
  object.finalize();
  return object;
}

}  // namespace rustorch::gpu::cuda
