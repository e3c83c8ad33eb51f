#include "rustorch/backends/gpu/cuda/convolution_form.h"

#include <algorithm>

namespace rustorch::gpu::cuda {
namespace {

/// The sizes of a tensor, with one of two spatial dims put in where there is one.
ConvolutionForm::Sizes sizes_of(const View& view) {
  const Shape& shape = view.layout->shape;
  ConvolutionForm::Sizes sizes{shape[0], shape[1], 1, 1, 1};
  const std::size_t first = shape.size() == 3 ? 3 : 2;
  for (std::size_t dim = 2; dim < shape.size(); ++dim) sizes[first + dim - 2] = shape[dim];
  return sizes;
}

}  // namespace

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
}

double ConvolutionForm::multiply_adds() const {
  double count = 1;
  for (const std::int64_t size : output) count *= static_cast<double>(size);
  for (std::size_t dim = 1; dim < weight.size(); ++dim) count *= static_cast<double>(weight[dim]);
  return count;
}

}  // namespace rustorch::gpu::cuda
