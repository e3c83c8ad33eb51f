#include "rustorch/tensor/operations/normalization.h"

#include <initializer_list>
#include <optional>

#include "rustorch/backends/runtime.h"
#include "rustorch/core/inline_list.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

/// What means and variances are kept in.
DType statistics_dtype(DType dtype) noexcept {
  return dtype == DType::float64 ? DType::float64 : DType::float32;
}

std::optional<View> optional_view(const Tensor& x) {
  return x.defined() ? std::optional(x.view_for_read()) : std::nullopt;
}

/// A tensor that a backward writes, or one that says "not wanted".
View wanted_view(Tensor& x) { return x.defined() ? x.view_for_write() : View{}; }

/// Weight, bias and running statistics: one value per channel, in x's dtype or that of the statistics.
void check_parameter(const char* op, const char* what, const Tensor& parameter, const Tensor& x,
                     const Shape& shape) {
  if (!parameter.defined()) return;
  if (!(parameter.shape() == shape)) {
    fail(ErrorCode::shape_mismatch, "{}: the {} must have shape {}, it has {} (input {})", op, what, shape,
         parameter.shape(), x.shape());
  }
  if (parameter.dtype() != x.dtype() && parameter.dtype() != statistics_dtype(x.dtype())) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, fmt::format("convert it: .to({})", x.dtype()),
                         "{}: the input is {}, the {} {}", op, x.dtype(), what, parameter.dtype());
  }
}

/// [C] seen as [1, C, 1 …].
Tensor per_channel(const Tensor& x, std::size_t rank) {
  Shape shape = Shape::filled(rank, 1);
  shape[1] = x.numel();
  return x.reshape(shape);
}

Dims all_but_channels(std::size_t rank) {
  std::vector<std::int64_t> dims{0};
  for (std::size_t dim = 2; dim < rank; ++dim) dims.push_back(static_cast<std::int64_t>(dim));
  return dims;
}

/// What a backward of a normalization gives.
using NormGradients = std::array<Tensor, 3>;  // of the input, the weight, the bias

/// The gradients where there is nothing to add up.
NormGradients zeroed(NormGradients gradients) {
  for (Tensor& gradient : gradients) {
    if (gradient.defined()) gradient.zero_();
  }
  return gradients;
}

/// The backward of y = (x - mean)/std · weight + bias with mean and std taken over `dims`, in operations that
/// can be differentiated again. weight broadcasts to x, or is undefined; its gradient and bias's are not
/// summed yet.
NormGradients composed_gradients(const Tensor& x, const Tensor& weight, const Tensor& g, const Dims& dims,
                                 double epsilon, Needs needs) {
  const Tensor centered = x - mean(x, dims, true);
  const Tensor inverse = rsqrt(mean(square(centered), dims, true) + epsilon);
  const Tensor normal = centered * inverse;
  NormGradients d;
  if (needs[0]) {
    const Tensor to_normal = weight.defined() ? g * weight : g;
    d[0] =
        inverse * (to_normal - mean(to_normal, dims, true) - normal * mean(to_normal * normal, dims, true));
  }
  if (needs[1]) d[1] = g * normal;
  if (needs[2]) d[2] = g;
  return d;
}

// ---- batch norm

struct BatchNorm {
  double epsilon;
  bool training;
};

NormGradients batch_norm_composed(const Tensor& x, const Tensor& weight, const Tensor& mean,
                                  const Tensor& inverse_std, const Tensor& g, const BatchNorm& norm,
                                  Needs needs) {
  const Dims dims = all_but_channels(x.rank());
  const Tensor scale = weight.defined() ? per_channel(weight, x.rank()) : weight;
  NormGradients d;
  if (norm.training) {
    d = composed_gradients(x, scale, g, dims, norm.epsilon, needs);
  } else {  // the running statistics are constants
    const Tensor inverse = per_channel(inverse_std, x.rank());
    if (needs[0]) d[0] = scale.defined() ? g * scale * inverse : g * inverse;
    if (needs[1]) d[1] = g * (x - per_channel(mean, x.rank())) * inverse;
    if (needs[2]) d[2] = g;
  }
  if (needs[1]) d[1] = sum(d[1], dims);
  if (needs[2]) d[2] = sum(d[2], dims);
  return d;
}

struct Product {
  Tensor x, factor;
};

/// shift + the sum of the products, elementwise and computed in the dtype of statistics; shift may be
/// undefined. No gradient.
Tensor linear_combination(const char* op, DType result, const Tensor& shift,
                          std::initializer_list<Product> products) {
  const DType compute = statistics_dtype(result);
  Program program;
  InlineList<Tensor, 5> inputs;
  const auto load = [&](const Tensor& x) {
    inputs.emplace_back(x);
    return program.input(x.dtype(), compute);
  };
  std::optional<Program::Register> sum;
  if (shift.defined()) sum = load(shift);
  for (const auto& [x, factor] : products) {
    const Program::Register operands[] = {load(x), load(factor)};
    sum = sum ? program.apply(Op::multiply_add, *sum, operands[0], operands[1])
              : program.apply(Op::mul, operands[0], operands[1]);
  }
  program.output(*sum, result);
  return run_program(program, {inputs.data(), inputs.size()}, op);
}

NormGradients batch_norm_kernel(const Tensor& x, const Tensor& weight, const Tensor& mean,
                                const Tensor& inverse_std, const Tensor& g, const BatchNorm& norm,
                                Needs needs) {
  const Layout channels = Layout::contiguous({x.shape()[1]});
  NormGradients d;
  const DType statistics = statistics_dtype(x.dtype());
  const DType parameter = weight.defined() ? weight.dtype() : statistics;
  if (needs[1]) d[1] = allocate(channels, parameter, x.device());
  if (needs[2]) d[2] = allocate(channels, parameter, x.device());
  Tensor by_output_gradient = allocate(channels, statistics, x.device()), by_input, shift;
  if (norm.training) {
    by_input = allocate(channels, statistics, x.device());
    shift = allocate(channels, statistics, x.device());
  }
  if (x.numel() == 0) {
    if (needs[0]) d[0] = allocate(Layout::dense_like(x.shape(), x.layout()), x.dtype(), x.device());
    return zeroed(std::move(d));
  }
  backend_for(x.device())
      .batch_norm_backward({.input = x.view_for_read(),
                            .d_output = g.view_for_read(),
                            .weight = optional_view(weight),
                            .mean = mean.view_for_read(),
                            .inverse_std = inverse_std.view_for_read(),
                            .training = norm.training,
                            .by_output_gradient = by_output_gradient.view_for_write(),
                            .by_input = wanted_view(by_input),
                            .shift = wanted_view(shift),
                            .d_weight = wanted_view(d[1]),
                            .d_bias = wanted_view(d[2])});
  if (!needs[0]) return d;
  const std::size_t rank = x.rank();
  by_output_gradient = per_channel(by_output_gradient, rank);
  if (norm.training) {
    d[0] = linear_combination("batch_norm", x.dtype(), per_channel(shift, rank),
                              {{x, per_channel(by_input, rank)}, {g, by_output_gradient}});
  } else {
    d[0] = linear_combination("batch_norm", x.dtype(), {}, {{g, by_output_gradient}});
  }
  return d;
}

}  // namespace

Tensor batch_norm(const Tensor& x, Tensor running_mean, Tensor running_var, const Tensor& weight,
                  const Tensor& bias, bool training, double momentum, double eps) {
  const char* op = "batch_norm";
  common_device(op, {&x, &running_mean, &running_var, &weight, &bias});
  check_floating(x, op, false);
  RUSTORCH_CHECK(x.rank() >= 2, shape_mismatch,
                 "batch_norm: the input must have shape [N, C, ...], it has {}", x.shape());
  const Shape channels{x.shape()[1]};
  check_parameter(op, "running_mean", running_mean, x, channels);
  check_parameter(op, "running_var", running_var, x, channels);
  check_parameter(op, "weight", weight, x, channels);
  check_parameter(op, "bias", bias, x, channels);
  RUSTORCH_CHECK(running_mean.defined() == running_var.defined(), invalid_argument,
                 "batch_norm: running_mean and running_var must both be given, or neither");
  RUSTORCH_CHECK(training || running_mean.defined(), invalid_argument,
                 "batch_norm: running_mean and running_var are needed outside of training");
  if (training && x.numel() == channels[0] && channels[0] != 0) {
    fail_with_suggestion(
        ErrorCode::shape_mismatch, "use a larger batch, or evaluation mode",
        "batch_norm: more than one value per channel is needed in training, the input has shape {}",
        x.shape());
  }

  const DType statistics = statistics_dtype(x.dtype());
  const bool recorded =
      grad_enabled() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad());
  Tensor mean, inverse_std;
  if (training) {
    mean = allocate(Layout::contiguous(channels), statistics, x.device());
    inverse_std = allocate(Layout::contiguous(channels), statistics, x.device());
  } else if (recorded) {
    // Copies: the next training step changes the running ones.
    const NoGrad constants;
    mean = running_mean.detach().to(statistics).clone();
    inverse_std = rsqrt(running_var.detach().to(statistics) + eps);
  }
  Tensor y;
  if (x.numel() == 0) {
    y = allocate(Layout::dense_like(x.shape(), x.layout()), x.dtype(), x.device());
  } else {
    Tensor scale = allocate(Layout::contiguous(channels), statistics, x.device());
    Tensor shift = allocate(Layout::contiguous(channels), statistics, x.device());
    const auto running_view = [&](Tensor& running) -> std::optional<View> {
      if (!running.defined()) return std::nullopt;
      return training ? running.view_for_write() : running.view_for_read();
    };
    backend_for(x.device())
        .batch_norm_forward({.input = x.view_for_read(),
                             .weight = optional_view(weight),
                             .bias = optional_view(bias),
                             .running_mean = running_view(running_mean),
                             .running_variance = running_view(running_var),
                             .training = training,
                             .momentum = momentum,
                             .epsilon = eps,
                             .scale = scale.view_for_write(),
                             .shift = shift.view_for_write(),
                             .saved_mean = training ? mean.view_for_write() : View{},
                             .saved_inverse_std = training ? inverse_std.view_for_write() : View{}});
    y = linear_combination(op, x.dtype(), per_channel(shift, x.rank()), {{x, per_channel(scale, x.rank())}});
  }
  return with_gradient(
      std::move(y), op, {&x, &weight, &bias},
      [x = Saved(x), weight = Saved(weight), mean = std::move(mean), inverse_std = std::move(inverse_std),
       norm = BatchNorm{eps, training}](const Tensor& g, Needs needs) {
        if (grad_enabled()) {
          return batch_norm_composed(*x, *weight, mean, inverse_std, g, norm, needs);
        }
        return batch_norm_kernel(*x, *weight, mean, inverse_std, g, norm, needs);
      });
}

// ---- layer norm

namespace {

/// A contiguous tensor seen as [rows, columns], without history: what the backend works on.
Tensor as_rows(const Tensor& x, std::int64_t columns) {
  const std::int64_t rows = columns == 0 ? 0 : x.numel() / columns;
  return alias(x, Layout({rows, columns}, {columns, 1}, x.storage_offset()));
}
/// A parameter seen as [columns].
Tensor as_columns(const Tensor& x) {
  if (!x.defined()) return x;
  const Tensor dense = x.detach().contiguous();
  return alias(dense, Layout({x.numel()}, {1}, dense.storage_offset()));
}

NormGradients layer_norm_composed(const Tensor& x, const Tensor& weight, const Tensor& g,
                                  std::size_t normalized_rank, double epsilon, Needs needs) {
  std::vector<std::int64_t> dims;
  for (std::size_t dim = x.rank() - normalized_rank; dim < x.rank(); ++dim) {
    dims.push_back(static_cast<std::int64_t>(dim));
  }
  return composed_gradients(x, weight, g, dims, epsilon, needs);  // the engine sums over the rows
}

/// x is contiguous.
NormGradients layer_norm_kernel(const Tensor& x, const Tensor& weight, const Tensor& mean,
                                const Tensor& inverse_std, const Tensor& g, const Shape& normalized,
                                Needs needs) {
  const DType parameter = weight.defined() ? weight.dtype() : x.dtype();
  NormGradients d;
  if (needs[0]) d[0] = allocate(Layout::contiguous(x.shape()), x.dtype(), x.device());
  if (needs[1]) d[1] = allocate(Layout::contiguous(normalized), parameter, x.device());
  if (needs[2]) d[2] = allocate(Layout::contiguous(normalized), parameter, x.device());
  if (x.numel() == 0) return zeroed(std::move(d));
  const std::int64_t columns = normalized.element_count();
  const Tensor input = as_rows(x, columns), d_output = as_rows(g.contiguous(), columns),
               scale = as_columns(weight);
  Tensor d_input = needs[0] ? as_rows(d[0], columns) : Tensor();
  Tensor d_weight = as_columns(d[1]), d_bias = as_columns(d[2]);
  backend_for(x.device())
      .layer_norm_backward({.input = input.view_for_read(),
                            .d_output = d_output.view_for_read(),
                            .mean = mean.view_for_read(),
                            .inverse_std = inverse_std.view_for_read(),
                            .weight = optional_view(scale),
                            .d_input = wanted_view(d_input),
                            .d_weight = wanted_view(d_weight),
                            .d_bias = wanted_view(d_bias)});
  return d;
}

}  // namespace

Tensor layer_norm(const Tensor& any_x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  const char* op = "layer_norm";
  common_device(op, {&any_x, &weight, &bias});
  check_floating(any_x, op, false);
  const std::size_t normalized_rank = normalized_shape.size();
  const bool fits = normalized_rank >= 1 && normalized_rank <= any_x.rank() &&
                    std::equal(normalized_shape.begin(), normalized_shape.end(),
                               any_x.shape().end() - static_cast<std::ptrdiff_t>(normalized_rank));
  RUSTORCH_CHECK(fits, shape_mismatch, "layer_norm: the last dims of an input of shape {} are not {}",
                 any_x.shape(), normalized_shape);
  check_parameter(op, "weight", weight, any_x, normalized_shape);
  check_parameter(op, "bias", bias, any_x, normalized_shape);

  const Tensor x = any_x.contiguous();
  const std::int64_t columns = normalized_shape.element_count();
  const Tensor input = as_rows(x, columns), scale = as_columns(weight), shift = as_columns(bias);
  Tensor y = allocate(Layout::contiguous(x.shape()), x.dtype(), x.device());
  const Layout per_row = Layout::contiguous({input.shape()[0]});
  const DType statistics = statistics_dtype(x.dtype());
  Tensor mean = allocate(per_row, statistics, x.device()),
         inverse_std = allocate(per_row, statistics, x.device());
  if (y.numel() != 0) {
    Tensor output = as_rows(y, columns);
    backend_for(x.device())
        .layer_norm_forward({.input = input.view_for_read(),
                             .weight = optional_view(scale),
                             .bias = optional_view(shift),
                             .epsilon = eps,
                             .output = output.view_for_write(),
                             .mean = mean.view_for_write(),
                             .inverse_std = inverse_std.view_for_write()});
  }
  return with_gradient(
      std::move(y), op, {&x, &weight, &bias},
      [x = Saved(x), weight = Saved(weight), mean = std::move(mean), inverse_std = std::move(inverse_std),
       normalized_shape, eps](const Tensor& g, Needs needs) {
        if (grad_enabled()) {
          return layer_norm_composed(*x, *weight, g, normalized_shape.size(), eps, needs);
        }
        return layer_norm_kernel(*x, *weight, mean, inverse_std, g, normalized_shape, needs);
      });
}

// ---- group norm: rows of the channels of a group

Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const char* op = "group_norm";
  common_device(op, {&x, &weight, &bias});
  check_floating(x, op, false);
  RUSTORCH_CHECK(x.rank() >= 2, shape_mismatch,
                 "group_norm: the input must have shape [N, C, ...], it has {}", x.shape());
  const std::int64_t batch = x.shape()[0], channels = x.shape()[1];
  RUSTORCH_CHECK(groups > 0 && channels % groups == 0, invalid_argument,
                 "group_norm: {} groups do not divide the {} channels of an input of shape {}", groups,
                 channels, x.shape());
  check_parameter(op, "weight", weight, x, {channels});
  check_parameter(op, "bias", bias, x, {channels});
  if (x.numel() == 0) return x.clone();
  const std::int64_t columns = x.numel() / (batch * groups);
  const Tensor y =
      layer_norm(x.reshape({batch * groups, columns}), {columns}, {}, {}, eps).reshape(x.shape());
  const Tensor scale = weight.defined() ? per_channel(weight, x.rank()) : weight;
  const Tensor shift = bias.defined() ? per_channel(bias, x.rank()) : bias;
  if (scale.defined() && shift.defined()) return addcmul(shift, y, scale);
  if (scale.defined()) return y * scale;
  return shift.defined() ? y + shift : y;
}

}  // namespace rustorch
