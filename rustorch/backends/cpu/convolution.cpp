#include "rustorch/backends/cpu/convolution.h"

#include "rustorch/backends/cpu/channels_last.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/temporary.h"

namespace rustorch {
namespace cpu {
namespace {

ConvolutionSizes sizes_of(ConvolutionWork work, const ConvolutionParameters& parameters, const Shape& input,
                          const Shape& weight, const Shape& output, bool bias) {
  ConvolutionSizes sizes;
  sizes.work = work;
  sizes.bias = bias;
  sizes.spatial_rank = static_cast<std::int32_t>(parameters.spatial_rank);
  sizes.batch = input[0];
  sizes.in_channels = input[1];
  sizes.out_channels = output[1];
  sizes.groups = parameters.groups;
  for (std::size_t i = 0; i < 3; ++i) {
    const bool present = i < parameters.spatial_rank;
    sizes.input[i] = present ? input[i + 2] : 1;
    sizes.output[i] = present ? output[i + 2] : 1;
    sizes.kernel[i] = present ? weight[i + 2] : 1;
    sizes.stride[i] = present ? parameters.stride[i] : 1;
    sizes.padding[i] = present ? parameters.padding[i] : 0;
    sizes.dilation[i] = present ? parameters.dilation[i] : 1;
  }
  return sizes;
}

/// What convolutions compute in: float64 in itself, everything else in float32.
DType convolution_dtype(DType dtype) { return dtype == DType::float64 ? DType::float64 : DType::float32; }

bool is_plain(const View& view, DType dtype) { return view.dtype == dtype && view.layout->is_contiguous(); }

bool is_channels_last(const View& view, DType dtype) {
  return view.dtype == dtype && lies_channels_last(*view.layout);
}

Operand activations(const View& view, DType dtype) {
  return {view, dtype, Layout::channels_last(view.layout->shape), is_channels_last(view, dtype)};
}
ResultOperand activation_result(const View& view, DType dtype) {
  return {view, dtype, Layout::channels_last(view.layout->shape), is_channels_last(view, dtype)};
}
Operand plain(const View& view, DType dtype) {
  return {view, dtype, Layout::contiguous(view.layout->shape), is_plain(view, dtype)};
}
ResultOperand plain_result(const View& view, DType dtype) {
  return {view, dtype, Layout::contiguous(view.layout->shape), is_plain(view, dtype)};
}

void run(DType dtype, const ConvolutionSizes& sizes, const Operand& input, const Operand& weight,
         const Operand* bias, const Operand& output) {
  if (dtype == DType::float64) {
    return convolution_by_windows(sizes, input.data<double>(), weight.data<double>(),
                                  bias == nullptr ? nullptr : bias->data<double>(), output.data<double>());
  }
  auto* const bias_data = bias == nullptr ? nullptr : bias->data<float>();
  if (convolution_few_channels(sizes, input.data<float>(), weight.data<float>(), bias_data,
                               output.data<float>())) {
    return;
  }
  if (convolution_direct(sizes, input.data<float>(), weight.data<float>(), bias_data, output.data<float>())) {
    return;
  }
  if (!onednn::convolution(sizes, input.data<float>(), weight.data<float>(), bias_data,
                           output.data<float>())) {
    convolution_by_windows(sizes, input.data<float>(), weight.data<float>(), bias_data, output.data<float>());
  }
}

bool is_empty(const View& view) { return view.layout->element_count() == 0; }

}  // namespace
}  // namespace cpu

void CpuBackend::convolution_forward(const ConvolutionForward& work) {
  using namespace cpu;
  if (is_empty(work.output)) return;
  if (is_empty(work.input) || is_empty(work.weight)) {
    if (!work.bias) return fill_zero(work.output);
    Layout along_channels = *work.output.layout;  // the bias repeated over all but the channels
    along_channels.strides = Strides::filled(along_channels.rank(), 0);
    along_channels.strides[1] = work.bias->layout->strides[0];
    along_channels.offset = work.bias->layout->offset;
    return copy_view({work.bias->data, &along_channels, work.bias->dtype}, work.output);
  }
  const DType dtype = convolution_dtype(work.input.dtype);
  const Operand input = activations(work.input, dtype);
  const Operand weight = plain(work.weight, dtype);
  ResultOperand output = activation_result(work.output, dtype);
  const ConvolutionSizes sizes =
      sizes_of(ConvolutionWork::forward, work.parameters, work.input.layout->shape, work.weight.layout->shape,
               work.output.layout->shape, work.bias.has_value());
  if (work.bias) {
    const Operand bias = plain(*work.bias, dtype);
    run(dtype, sizes, input, weight, &bias, output);
  } else {
    run(dtype, sizes, input, weight, nullptr, output);
  }
  output.finish();
}

void CpuBackend::convolution_backward_input(const ConvolutionBackwardInput& work) {
  using namespace cpu;
  if (is_empty(work.d_input)) return;
  if (is_empty(work.d_output) || is_empty(work.weight)) return fill_zero(work.d_input);
  const DType dtype = convolution_dtype(work.d_output.dtype);
  const Operand d_output = activations(work.d_output, dtype);
  const Operand weight = plain(work.weight, dtype);
  ResultOperand d_input = activation_result(work.d_input, dtype);
  run(dtype,
      sizes_of(ConvolutionWork::backward_input, work.parameters, work.d_input.layout->shape,
               work.weight.layout->shape, work.d_output.layout->shape, false),
      d_input, weight, nullptr, d_output);
  d_input.finish();
}

void CpuBackend::convolution_backward_weight(const ConvolutionBackwardWeight& work) {
  using namespace cpu;
  if (is_empty(work.d_output) || is_empty(work.input)) {
    fill_zero(work.d_weight);
    if (work.d_bias) fill_zero(*work.d_bias);
    return;
  }
  const DType dtype = convolution_dtype(work.input.dtype);
  const Operand input = activations(work.input, dtype);
  const Operand d_output = activations(work.d_output, dtype);
  ResultOperand d_weight = plain_result(work.d_weight, dtype);
  const ConvolutionSizes sizes =
      sizes_of(ConvolutionWork::backward_weight, work.parameters, work.input.layout->shape,
               work.d_weight.layout->shape, work.d_output.layout->shape, work.d_bias.has_value());
  if (work.d_bias) {
    ResultOperand d_bias = plain_result(*work.d_bias, dtype);
    run(dtype, sizes, input, d_weight, &d_bias, d_output);
    d_bias.finish();
  } else {
    run(dtype, sizes, input, d_weight, nullptr, d_output);
  }
  d_weight.finish();
}

}  // namespace rustorch
