#include "rustorch/backends/gpu/cuda/cudnn_plan.h"

#include <algorithm>

#include "rustorch/backends/gpu/cuda/device_address.h"

namespace rustorch::gpu::cuda {
namespace {

/// Numbers by which the graph's tensors are known when it runs.
enum TensorId : std::int64_t { input_id = 1, weight_id, output_id, bias_id, sum_id };

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

/// The sizes of a tensor, with one of two spatial dims put in where there is one.
ConvolutionForm::Sizes sizes_of(const View& view) {
  const Shape& shape = view.layout->shape;
  ConvolutionForm::Sizes sizes{shape[0], shape[1], 1, 1, 1};
  const std::size_t first = shape.size() == 3 ? 3 : 2;
  for (std::size_t dim = 2; dim < shape.size(); ++dim) sizes[first + dim - 2] = shape[dim];
  return sizes;
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

/// A graph of one convolution, and the addition of a bias to it.
class Graph {
 public:
  Graph(const CudnnApi& api, DnnHandle handle, const ConvolutionForm& form)
      : api_(api), form_(form), graph_(api, DnnObjectKind::operation_graph) {
    const DnnObject input = tensor(form.input, input_id, form.alignment[0]);
    const DnnObject weight = tensor(form.weight, weight_id, form.alignment[1]);
    const DnnObject output = tensor(form.output, output_id, form.alignment[2]);
    std::vector<DnnObject> operations;
    if (form.has_bias) {
      const DnnObject sum = tensor(form.output, sum_id, form.alignment[2]);
      const DnnObject bias = tensor({1, form.output[1], 1, 1, 1}, bias_id, form.alignment[3]);
      operations.push_back(convolution(input, weight, sum));
      operations.push_back(addition(sum, bias, output));
    } else {
      operations.push_back(convolution(input, weight, output));
    }
    std::vector<DnnObjectHandle> handles;
    for (const DnnObject& each : operations) handles.push_back(each.handle());
    graph_.set(DnnAttribute::graph_handle, handle);
    graph_.set(DnnAttribute::graph_operations, std::span<const DnnObjectHandle>(handles));
    is_supported_ = graph_.try_finalize();
  }

  /// What may make it, the fastest first as far as the library knows; nothing where it knows none.
  std::vector<DnnObject> engine_configs(DnnHeuristics mode) const {
    if (!is_supported_) return {};
    DnnObject heuristics(api_, DnnObjectKind::engine_heuristics);
    heuristics.set(DnnAttribute::heuristics_graph, graph_);
    heuristics.set(DnnAttribute::heuristics_mode, mode);
    if (!heuristics.try_finalize()) return {};
    return heuristics.get_objects(DnnAttribute::heuristics_results, DnnObjectKind::engine_config);
  }

 private:
  /// Of the form's order, without gaps.
  DnnObject tensor(const ConvolutionForm::Sizes& sizes, std::int64_t id, std::int64_t alignment) const {
    const Shape shape(std::span<const std::int64_t>(sizes).first(form_.rank));
    const Layout layout = form_.channels_last ? Layout::channels_last(shape) : Layout::contiguous(shape);
    const bool is_virtual = id == sum_id;  // it goes from operation to operation, as it is computed
    DnnObject object(api_, DnnObjectKind::tensor);
    object.set(DnnAttribute::tensor_data_type,
               is_virtual ? compute_type(form_.dtype) : data_type(form_.dtype));
    object.set(DnnAttribute::tensor_sizes, std::span<const std::int64_t>(shape.begin(), shape.size()));
    object.set(DnnAttribute::tensor_strides,
               std::span<const std::int64_t>(layout.strides.begin(), layout.strides.size()));
    object.set(DnnAttribute::tensor_id, id);
    object.set(DnnAttribute::tensor_alignment, alignment);
    if (is_virtual) object.set(DnnAttribute::tensor_is_virtual, true);
    object.finalize();
    return object;
  }

  /// The operation of the form's direction; one of the tensors is its result.
  DnnObject convolution(const DnnObject& input, const DnnObject& weight, const DnnObject& output) const {
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

  DnnObject addition(const DnnObject& a, const DnnObject& b, const DnnObject& sum) const {
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

  const CudnnApi& api_;
  const ConvolutionForm& form_;
  DnnObject graph_;
  bool is_supported_ = false;
};

/// Whether an engine with these notes keeps the form's precision and gives the same bits each time.
bool is_allowed(const ConvolutionForm& form, const std::vector<DnnNote>& notes) {
  return std::ranges::all_of(notes, [&](DnnNote note) {
    switch (note) {
      case DnnNote::nondeterministic:
      case DnnNote::reduced_precision_reduction:
      case DnnNote::fft:
      case DnnNote::winograd:  // sums of differences: as fft, they lose digits where numbers cancel
      case DnnNote::winograd_4x4:
      case DnnNote::winograd_6x6:
      case DnnNote::winograd_13x13:
        return false;
      case DnnNote::tensor_core:
        return form.dtype != DType::float32 || form.rounds_to_tf32;
      case DnnNote::down_convert_inputs:
        return form.dtype == DType::float32 && form.rounds_to_tf32;
    }
    return true;
  });
}

}  // namespace

void* address_of(const View& view) {
  return reinterpret_cast<void*>(address(view.data, view.layout->offset, view.dtype));
}

ConvolutionForm::ConvolutionForm(const LibraryConvolution& work)
    : direction(work.direction),
      dtype(work.input.dtype),
      rounds_to_tf32(dtype == DType::float32 && work.precision == Float32Precision::high),
      channels_last(work.channels_last),
      has_bias(work.bias.has_value()),
      rank(std::max<std::size_t>(work.parameters.spatial_rank, 2) + 2),
      input(sizes_of(work.input)),
      weight(sizes_of(work.weight)),
      output(sizes_of(work.output)),
      stride(work.parameters.stride),
      padding(work.parameters.padding),
      dilation(work.parameters.dilation) {
  if (work.parameters.spatial_rank == 1) {
    stride = {1, stride[0], 1};
    padding = {0, padding[0], 0};
    dilation = {1, dilation[0], 1};
  }
  constexpr DevicePointer most = 16;  // bytes that a thread reads at once
  const auto its_alignment = [](const View& view) {
    return static_cast<std::int64_t>(
        address_alignment(reinterpret_cast<DevicePointer>(address_of(view)), most));
  };
  alignment = {its_alignment(work.input), its_alignment(work.weight), its_alignment(work.output),
               work.bias ? its_alignment(*work.bias) : 0};
}

double ConvolutionForm::multiply_adds() const {
  double count = 1;
  for (const std::int64_t size : output) count *= static_cast<double>(size);
  for (std::size_t dim = 1; dim < weight.size(); ++dim) count *= static_cast<double>(weight[dim]);
  return count;
}

std::optional<ConvolutionPlan> ConvolutionPlan::make(const CudnnApi& api, DnnHandle handle,
                                                     const ConvolutionForm& form,
                                                     std::size_t most_workspace) {
  const Graph graph(api, handle, form);
  for (const DnnHeuristics mode : {DnnHeuristics::a, DnnHeuristics::fallback}) {
    for (DnnObject& config : graph.engine_configs(mode)) {
      const std::vector<DnnObject> engines =
          config.get_objects(DnnAttribute::config_engine, DnnObjectKind::engine);
      constexpr std::size_t most_notes = 32;
      if (engines.empty() ||
          !is_allowed(form, engines.front().get<DnnNote>(DnnAttribute::engine_notes, most_notes)))
        continue;
      DnnObject plan(api, DnnObjectKind::execution_plan);
      plan.set(DnnAttribute::plan_handle, handle);
      plan.set(DnnAttribute::plan_engine_config, config);
      if (!plan.try_finalize()) continue;
      const auto workspace = plan.get<std::int64_t>(DnnAttribute::plan_workspace_size, 1);
      const std::size_t bytes = workspace.empty() ? 0 : static_cast<std::size_t>(workspace.front());
      if (bytes <= most_workspace) return ConvolutionPlan(std::move(config), std::move(plan), bytes);
    }
  }
  return std::nullopt;
}

void ConvolutionPlan::run(const CudnnApi& api, DnnHandle handle, const LibraryConvolution& work,
                          void* workspace) const {
  constexpr std::array<std::int64_t, 4> ids{input_id, weight_id, output_id, bias_id};
  const std::array<void*, 4> pointers{address_of(work.input), address_of(work.weight),
                                      address_of(work.output), work.bias ? address_of(*work.bias) : nullptr};
  const std::size_t count = work.bias ? 4 : 3;
  DnnObject pack(api, DnnObjectKind::variant_pack);
  pack.set(DnnAttribute::pack_ids, std::span<const std::int64_t>(ids).first(count));
  pack.set(DnnAttribute::pack_pointers, std::span<void* const>(pointers).first(count));
  pack.set(DnnAttribute::pack_workspace, workspace);
  pack.finalize();
  check(api, api.cudnnBackendExecute(handle, plan_.handle(), pack.handle()), "cudnnBackendExecute");
}

}  // namespace rustorch::gpu::cuda
