#include "rustorch/tensor/operations/convolution.h"

#include "rustorch/backends/runtime.h"
#include "rustorch/core/shape_suggestion.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {

std::array<std::int64_t, 3> SpatialSizes::expand(std::size_t rank, const char* op, const char* what) const {
  RUSTORCH_CHECK(sizes_.size() == 1 || sizes_.size() == rank, invalid_argument,
                 "{}: {} must be one number or {}, got {}", op, what, rank, sizes_);
  std::array<std::int64_t, 3> values{1, 1, 1};
  for (std::size_t i = 0; i < rank; ++i) values[i] = sizes_.size() == 1 ? sizes_[0] : sizes_[i];
  return values;
}

namespace {

using Sizes = std::array<std::int64_t, 3>;

// ---- the three operations that are each other's gradients, on checked batches

/// How activations of these networks lie on x's device.
Layout activation_layout(const Tensor& x, Shape shape) {
  return backend_for(x.device()).prefers_channels_last(x.dtype()) ? Layout::channels_last(std::move(shape))
                                                                  : Layout::contiguous(std::move(shape));
}

/// x as the device wants it: what a network passes on lies so already, and a copy made here is kept for
/// backward.
Tensor as_activation(const Tensor& x) {
  return backend_for(x.device()).prefers_channels_last(x.dtype()) ? x.channels_last() : x.contiguous();
}

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const ConvolutionParameters& parameters, const Shape& output);
Tensor input_gradient(const Tensor& d_output, const Tensor& weight, const ConvolutionParameters& parameters,
                      const Shape& input, const char* name);
std::array<Tensor, 2> weight_gradient(const Tensor& x, const Tensor& d_output,
                                      const ConvolutionParameters& parameters, const Shape& weight,
                                      bool with_bias);

/// The sum over all but the channels.
Tensor sum_per_channel(const Tensor& x) {
  std::vector<std::int64_t> dims{0};
  for (std::int64_t dim = 2; dim < x.dim(); ++dim) dims.push_back(dim);
  return sum(x, dims);
}

/// [C] seen as [1, C, 1 …].
Tensor per_channel(const Tensor& x, std::size_t rank) {
  Shape shape = Shape::filled(rank, 1);
  shape[1] = x.numel();
  return x.reshape(shape);
}

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const ConvolutionParameters& parameters, const Shape& output) {
  const Tensor input = as_activation(x);
  Tensor y = allocate(activation_layout(x, output), x.dtype(), x.device());
  if (y.numel() != 0) {
    backend_for(x.device())
        .convolution_forward({.parameters = parameters,
                              .input = input.view_for_read(),
                              .weight = weight.view_for_read(),
                              .bias = bias.defined() ? std::optional(bias.view_for_read()) : std::nullopt,
                              .output = y.view_for_write()});
  }
  const Tensor none;
  return with_gradient(std::move(y), "convolution", {&input, &weight, &bias},
                       [x = Saved(weight.requires_grad() ? input : none),
                        weight = Saved(input.requires_grad() ? weight : none), x_shape = x.shape(),
                        weight_shape = weight.shape(), parameters](const Tensor& g, Needs needs) {
                         TensorList d(3);
                         const Tensor dy = as_activation(g);  // once for both
                         if (needs[0])
                           d[0] =
                               input_gradient(dy, *weight, parameters, x_shape, "convolution_backward_input");
                         if (needs[1]) {
                           auto gradients = weight_gradient(*x, dy, parameters, weight_shape, needs[2]);
                           d[1] = std::move(gradients[0]);
                           d[2] = std::move(gradients[1]);
                         } else if (needs[2]) {
                           d[2] = sum_per_channel(dy);
                         }
                         return d;
                       });
}

/// Linear in both operands, so its gradients are the other two operations.
Tensor input_gradient(const Tensor& d_output, const Tensor& weight, const ConvolutionParameters& parameters,
                      const Shape& input, const char* name) {
  const Tensor dy = as_activation(d_output);
  Tensor dx = allocate(activation_layout(dy, input), dy.dtype(), dy.device());
  if (dx.numel() != 0) {
    backend_for(dy.device())
        .convolution_backward_input({.parameters = parameters,
                                     .d_output = dy.view_for_read(),
                                     .weight = weight.view_for_read(),
                                     .d_input = dx.view_for_write()});
  }
  const Tensor none;
  return with_gradient(
      std::move(dx), name, {&dy, &weight},
      [dy = Saved(weight.requires_grad() ? dy : none), weight = Saved(dy.requires_grad() ? weight : none),
       dy_shape = dy.shape(), weight_shape = weight.shape(), parameters](const Tensor& g, Needs needs) {
        TensorList d(2);
        if (needs[0]) d[0] = convolution(g, *weight, {}, parameters, dy_shape);
        if (needs[1]) d[1] = weight_gradient(g, *dy, parameters, weight_shape, false)[0];
        return d;
      });
}

/// The gradients of weight and, in the same pass, bias.
std::array<Tensor, 2> weight_gradient(const Tensor& x, const Tensor& d_output,
                                      const ConvolutionParameters& parameters, const Shape& weight,
                                      bool with_bias) {
  const Tensor input = as_activation(x);
  const Tensor dy = as_activation(d_output);
  Tensor dw = allocate(Layout::contiguous(weight), x.dtype(), x.device());
  Tensor db;
  if (with_bias) db = allocate(Layout::contiguous({weight[0]}), x.dtype(), x.device());
  backend_for(x.device())
      .convolution_backward_weight({.parameters = parameters,
                                    .input = input.view_for_read(),
                                    .d_output = dy.view_for_read(),
                                    .d_weight = dw.view_for_write(),
                                    .d_bias = with_bias ? std::optional(db.view_for_write()) : std::nullopt});
  TensorList results{std::move(dw)};
  if (with_bias) results.push_back(std::move(db));
  const Tensor none;
  results = with_gradients(
      std::move(results), "convolution_backward_weight", TensorList{input, dy},
      [x = Saved(dy.requires_grad() ? input : none), dy = Saved(input.requires_grad() ? dy : none),
       x_shape = x.shape(), dy_shape = dy.shape(), parameters](const GradientList& g, Needs needs) {
        TensorList d(2);
        if (needs[0] && g[0].defined()) {
          d[0] = input_gradient(*dy, g[0], parameters, x_shape, "convolution_backward_input");
        }
        if (needs[1]) {
          if (g[0].defined()) d[1] = convolution(*x, g[0], {}, parameters, dy_shape);
          if (g.size() > 1 && g[1].defined()) {
            const Tensor of_bias = per_channel(g[1], dy_shape.size()).expand(dy_shape);
            d[1] = d[1].defined() ? d[1] + of_bias : of_bias;
          }
        }
        return d;
      });
  return {results[0], with_bias ? results[1] : Tensor()};
}

// ---- checks

/// What both directions check before shapes: ranks, dtypes, devices, and the parameters by themselves.
ConvolutionParameters check_convolution(const char* op, std::size_t spatial_rank, const Tensor& x,
                                        const Tensor& weight, const Tensor& bias, const SpatialSizes& stride,
                                        const SpatialSizes& padding, const SpatialSizes& dilation,
                                        std::int64_t groups) {
  common_device(op, {&x, &weight, &bias});
  check_floating(x, op, false);
  for (const Tensor* other : {&weight, &bias}) {
    if (!other->defined() || other->dtype() == x.dtype()) continue;
    fail_with_suggestion(ErrorCode::dtype_mismatch, fmt::format("convert one: x.to({})", other->dtype()),
                         "{}: the input is {}, the {} {}", op, x.dtype(),
                         other == &weight ? "weight" : "bias", other->dtype());
  }
  const std::size_t rank = spatial_rank + 2;
  RUSTORCH_CHECK(weight.rank() == rank, shape_mismatch, "{}: the weight must have {} dims, its shape is {}",
                 op, rank, weight.shape());
  if (x.rank() != rank && x.rank() + 1 != rank) {
    fail_with_suggestion(ErrorCode::shape_mismatch, suggest_convolution(x.shape(), weight.shape(), groups),
                         "{}: the input must have {} dims, or {} without a batch, its shape is {}", op, rank,
                         rank - 1, x.shape());
  }
  for (const std::int64_t size : weight.shape()) {
    RUSTORCH_CHECK(size > 0, shape_mismatch, "{}: the weight of shape {} is empty", op, weight.shape());
  }
  ConvolutionParameters parameters;
  parameters.spatial_rank = spatial_rank;
  parameters.stride = stride.expand(spatial_rank, op, "stride");
  parameters.padding = padding.expand(spatial_rank, op, "padding");
  parameters.dilation = dilation.expand(spatial_rank, op, "dilation");
  parameters.groups = groups;
  for (std::size_t i = 0; i < spatial_rank; ++i) {
    RUSTORCH_CHECK(parameters.stride[i] > 0, invalid_argument, "{}: stride must be positive, got {}", op,
                   stride.list());
    RUSTORCH_CHECK(parameters.padding[i] >= 0, invalid_argument, "{}: padding must not be negative, got {}",
                   op, padding.list());
    RUSTORCH_CHECK(parameters.dilation[i] > 0, invalid_argument, "{}: dilation must be positive, got {}", op,
                   dilation.list());
  }
  RUSTORCH_CHECK(groups > 0, invalid_argument, "{}: groups must be positive, got {}", op, groups);
  RUSTORCH_CHECK(weight.shape()[0] % groups == 0, shape_mismatch,
                 "{}: {} groups do not divide dim 0 of the weight of shape {}", op, groups, weight.shape());
  return parameters;
}

void check_bias(const char* op, const Tensor& bias, std::int64_t channels, const Tensor& weight) {
  if (!bias.defined() || bias.shape() == Shape{channels}) return;
  fail(ErrorCode::shape_mismatch, "{}: the bias of shape {} does not fit {} output channels (weight {})", op,
       bias.shape(), channels, weight.shape());
}

/// Runs `work` on x with a batch dim, which is added and taken away where x has none.
template <class Work>
Tensor batched(const Tensor& x, std::size_t rank, const Work& work) {
  return x.rank() == rank ? work(x) : work(x.unsqueeze(0)).squeeze(0);
}

Tensor convolve(const char* op, std::size_t spatial_rank, const Tensor& x, const Tensor& weight,
                const Tensor& bias, const ConvolutionOptions& options) {
  const ConvolutionParameters parameters = check_convolution(
      op, spatial_rank, x, weight, bias, options.stride, options.padding, options.dilation, options.groups);
  return batched(x, spatial_rank + 2, [&](const Tensor& input) {
    const std::int64_t channels = weight.shape()[1] * options.groups;
    if (input.shape()[1] != channels) {
      fail_with_suggestion(
          ErrorCode::shape_mismatch, suggest_convolution(x.shape(), weight.shape(), options.groups),
          "{}: the weight of shape {} with {} group{} takes {} channels, the input of shape {} has {}", op,
          weight.shape(), options.groups, options.groups == 1 ? "" : "s", channels, x.shape(),
          input.shape()[1]);
    }
    check_bias(op, bias, weight.shape()[0], weight);
    Shape output{input.shape()[0], weight.shape()[0]};
    for (std::size_t i = 0; i < spatial_rank; ++i) {
      const std::int64_t padded = input.shape()[i + 2] + 2 * parameters.padding[i];
      const std::int64_t extent = parameters.dilation[i] * (weight.shape()[i + 2] - 1) + 1;
      if (extent > padded) {
        fail_with_suggestion(ErrorCode::shape_mismatch,
                             fmt::format("a padding of {} makes room for one position",
                                         (extent - input.shape()[i + 2] + 1) / 2),
                             "{}: the kernel spans {} along spatial dim {}, the padded input only {} (input "
                             "{}, weight {}, padding {}, "
                             "dilation {})",
                             op, extent, i, padded, x.shape(), weight.shape(), options.padding.list(),
                             options.dilation.list());
      }
      output.push_back((padded - extent) / parameters.stride[i] + 1);
    }
    return convolution(input, weight, bias, parameters, output);
  });
}

Tensor convolve_transposed(const char* op, std::size_t spatial_rank, const Tensor& x, const Tensor& weight,
                           const Tensor& bias, const TransposedConvolutionOptions& options) {
  const ConvolutionParameters parameters = check_convolution(
      op, spatial_rank, x, weight, bias, options.stride, options.padding, options.dilation, options.groups);
  const Sizes output_padding = options.output_padding.expand(spatial_rank, op, "output_padding");
  return batched(x, spatial_rank + 2, [&](const Tensor& input) {
    if (input.shape()[1] != weight.shape()[0]) {
      fail_with_suggestion(ErrorCode::shape_mismatch,
                           fmt::format("a layer with {} input channels fits this input", input.shape()[1]),
                           "{}: the weight of shape {} takes {} channels, the input of shape {} has {}", op,
                           weight.shape(), weight.shape()[0], x.shape(), input.shape()[1]);
    }
    const std::int64_t channels = weight.shape()[1] * options.groups;
    check_bias(op, bias, channels, weight);
    Shape output{input.shape()[0], channels};
    for (std::size_t i = 0; i < spatial_rank; ++i) {
      RUSTORCH_CHECK(output_padding[i] >= 0 &&
                         output_padding[i] < std::max(parameters.stride[i], parameters.dilation[i]),
                     invalid_argument, "{}: output_padding {} must be smaller than stride {} or dilation {}",
                     op, options.output_padding.list(), options.stride.list(), options.dilation.list());
      const std::int64_t size = (input.shape()[i + 2] - 1) * parameters.stride[i] -
                                2 * parameters.padding[i] +
                                parameters.dilation[i] * (weight.shape()[i + 2] - 1) + output_padding[i] + 1;
      RUSTORCH_CHECK(
          size > 0, shape_mismatch,
          "{}: the output would have size {} along spatial dim {} (input {}, weight {}, padding {})", op,
          size, i, x.shape(), weight.shape(), options.padding.list());
      output.push_back(size);
    }
    const Tensor y = input_gradient(input, weight, parameters, output, op);
    return bias.defined() ? y + per_channel(bias, output.size()) : y;
  });
}

ConvolutionOptions named(SpatialSizes stride, SpatialSizes padding, SpatialSizes dilation,
                         std::int64_t groups) {
  return {.stride = std::move(stride),
          .padding = std::move(padding),
          .dilation = std::move(dilation),
          .groups = groups};
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvolutionOptions& options) {
  return convolve("conv1d", 1, x, weight, bias, options);
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvolutionOptions& options) {
  return convolve("conv2d", 2, x, weight, bias, options);
}
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvolutionOptions& options) {
  return convolve("conv3d", 3, x, weight, bias, options);
}

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride,
              SpatialSizes padding, SpatialSizes dilation, std::int64_t groups) {
  return convolve("conv1d", 1, x, weight, bias,
                  named(std::move(stride), std::move(padding), std::move(dilation), groups));
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride,
              SpatialSizes padding, SpatialSizes dilation, std::int64_t groups) {
  return convolve("conv2d", 2, x, weight, bias,
                  named(std::move(stride), std::move(padding), std::move(dilation), groups));
}
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, SpatialSizes stride,
              SpatialSizes padding, SpatialSizes dilation, std::int64_t groups) {
  return convolve("conv3d", 3, x, weight, bias,
                  named(std::move(stride), std::move(padding), std::move(dilation), groups));
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const TransposedConvolutionOptions& options) {
  return convolve_transposed("conv_transpose1d", 1, x, weight, bias, options);
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const TransposedConvolutionOptions& options) {
  return convolve_transposed("conv_transpose2d", 2, x, weight, bias, options);
}
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const TransposedConvolutionOptions& options) {
  return convolve_transposed("conv_transpose3d", 3, x, weight, bias, options);
}

}  // namespace rustorch
