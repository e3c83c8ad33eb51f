#include <cmath>
#include <numbers>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_gradients.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

constexpr double selu_scale = 1.0507009873554804934193349852946;
constexpr double selu_alpha = 1.6732632423543772848170429916717;

/// y = op(x, parameter) with a fused backward op(g, x, parameter) and its composed form.
template <class Composed>
Tensor with_parameter(Op op, Op backward, const Tensor& x, double parameter, Composed composed) {
  return with_gradient(elementwise(op, x, parameter), op_info(op).name.data(), {&x},
                       [x = Saved(x), backward, parameter, composed](const Tensor& g) {
                         return fused_backward(
                             backward, [&] { return composed(g, *x); }, g, *x, parameter);
                       });
}

/// y = op(x) with a fused backward op(g, x) and its composed form.
template <class Composed>
Tensor without_parameter(Op op, Op backward, const Tensor& x, Composed composed) {
  return unary_by_input(op, x, [backward, composed](const Tensor& g, const Tensor& a) {
    return fused_backward(
        backward, [&] { return composed(g, a); }, g, a);
  });
}

}  // namespace

Tensor relu_gradient(const Tensor& g, const Tensor& y) {
  return fused_backward(
      Op::relu_backward, [&] { return where(y > 0, g, 0.0); }, g, y);
}

Tensor relu(const Tensor& x) {
  // The result says where the gradient passes, so that the input need not be kept.
  return unary_by_result(Op::relu, x, relu_gradient);
}

Tensor relu6(const Tensor& x) {
  return unary_by_input(Op::relu6, x, [](const Tensor& g, const Tensor& a) {
    return where(logical_and(a > 0, a < 6), g, 0.0);
  });
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return with_parameter(
      Op::leaky_relu, Op::leaky_relu_backward, x, negative_slope,
      [negative_slope](const Tensor& g, const Tensor& a) { return where(a > 0, g, g * negative_slope); });
}

Tensor elu(const Tensor& x, double alpha) {
  return with_parameter(Op::elu, Op::elu_backward, x, alpha, [alpha](const Tensor& g, const Tensor& a) {
    return where(a > 0, g, g * alpha * exp(clamp_max(a, 0)));
  });
}

Tensor selu(const Tensor& x) {
  return without_parameter(Op::selu, Op::selu_backward, x, [](const Tensor& g, const Tensor& a) {
    return g * selu_scale * where(a > 0, 1.0, exp(clamp_max(a, 0)) * selu_alpha);
  });
}

Tensor celu(const Tensor& x, double alpha) {
  RUSTORCH_CHECK(alpha != 0, invalid_argument, "celu: alpha must not be 0");
  return with_parameter(Op::celu, Op::celu_backward, x, alpha, [alpha](const Tensor& g, const Tensor& a) {
    return where(a > 0, g, g * exp(clamp_max(a / alpha, 0)));
  });
}

Op gelu_op(std::string_view approximate) {
  RUSTORCH_CHECK(approximate == "none" || approximate == "tanh", invalid_argument,
                 "gelu: approximate is \"none\" or \"tanh\", not \"{}\"", approximate);
  return approximate == "none" ? Op::gelu : Op::gelu_tanh;
}

Tensor gelu(const Tensor& x, std::string_view approximate) {
  if (gelu_op(approximate) == Op::gelu_tanh) {
    return without_parameter(Op::gelu_tanh, Op::gelu_tanh_backward, x, [](const Tensor& g, const Tensor& a) {
      const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
      const Tensor inner = (a + a * a * a * 0.044715) * scale;
      const Tensor t = tanh(inner);
      return g * ((t + 1) * 0.5 + a * 0.5 * (1 - t * t) * ((a * a * (3 * 0.044715) + 1) * scale));
    });
  }
  return without_parameter(Op::gelu, Op::gelu_backward, x, [](const Tensor& g, const Tensor& a) {
    const Tensor cdf = (erf(a * (1 / std::numbers::sqrt2)) + 1) * 0.5;
    const Tensor pdf = exp(a * a * -0.5) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
    return g * (cdf + a * pdf);
  });
}

Tensor silu(const Tensor& x) {
  return without_parameter(Op::silu, Op::silu_backward, x, [](const Tensor& g, const Tensor& a) {
    const Tensor s = sigmoid(a);
    return g * s * (a * (1 - s) + 1);
  });
}

Tensor mish(const Tensor& x) {
  return without_parameter(Op::mish, Op::mish_backward, x, [](const Tensor& g, const Tensor& a) {
    const Tensor t = tanh(softplus(a));
    return g * (t + a * sigmoid(a) * (1 - t * t));
  });
}

Tensor hardswish(const Tensor& x) {
  return without_parameter(Op::hardswish, Op::hardswish_backward, x, [](const Tensor& g, const Tensor& a) {
    return where(a <= -3, 0.0, where(a < 3, g * (a / 3 + 0.5), g));
  });
}

Tensor hardsigmoid(const Tensor& x) {
  return without_parameter(
      Op::hardsigmoid, Op::hardsigmoid_backward, x,
      [](const Tensor& g, const Tensor& a) { return where(logical_and(a > -3, a < 3), g / 6, 0.0); });
}

Tensor log_sigmoid(const Tensor& x) {
  return without_parameter(Op::log_sigmoid, Op::log_sigmoid_backward, x,
                           [](const Tensor& g, const Tensor& a) { return g * sigmoid(-a); });
}

Tensor softplus(const Tensor& x, double beta, double threshold) {
  return with_gradient(elementwise(Op::softplus, x, beta, threshold), "softplus", {&x},
                       [x = Saved(x), beta, threshold](const Tensor& g) {
                         const Tensor scaled = *x * beta;
                         return fused_backward(
                             Op::softplus_backward,
                             [&] { return where(scaled > threshold, g, g * sigmoid(scaled)); }, g, scaled,
                             threshold);
                       });
}

Tensor softsign(const Tensor& x) {
  return without_parameter(Op::softsign, Op::softsign_backward, x, [](const Tensor& g, const Tensor& a) {
    const Tensor denominator = abs(a) + 1;
    return g / (denominator * denominator);
  });
}

Tensor softshrink(const Tensor& x, double lambda) {
  RUSTORCH_CHECK(lambda >= 0, invalid_argument, "softshrink: lambda must not be negative, it is {}", lambda);
  return with_parameter(Op::softshrink, Op::shrink_backward, x, lambda,
                        [lambda](const Tensor& g, const Tensor& a) {
                          return where(logical_and(a >= -lambda, a <= lambda), 0.0, g);
                        });
}

Tensor hardshrink(const Tensor& x, double lambda) {
  return with_parameter(Op::hardshrink, Op::shrink_backward, x, lambda,
                        [lambda](const Tensor& g, const Tensor& a) {
                          return where(logical_and(a >= -lambda, a <= lambda), 0.0, g);
                        });
}

Tensor tanhshrink(const Tensor& x) {
  return unary_by_input(Op::tanhshrink, x, [](const Tensor& g, const Tensor& a) {
    const Tensor t = tanh(a);
    return g * conj(t * t);
  });
}

Tensor hardtanh(const Tensor& x, double min, double max) {
  RUSTORCH_CHECK(min <= max, invalid_argument, "hardtanh: min {} is above max {}", min, max);
  RUSTORCH_CHECK(x.dtype() != DType::bool_ && (x.dtype() != DType::uint8 || min >= 0), dtype_mismatch,
                 "hardtanh: [{}, {}] is no range of dtype {}", min, max, x.dtype());
  if (is_integral(x.dtype())) {  // the limits lose their fractions
    return elementwise(Op::clamp, x, static_cast<std::int64_t>(min), static_cast<std::int64_t>(max));
  }
  return with_gradient(
      elementwise(Op::clamp, x, min, max), "hardtanh", {&x},
      [x = Saved(x), min, max](const Tensor& g) { return where(logical_and(*x > min, *x < max), g, 0.0); });
}

Tensor threshold(const Tensor& x, double limit, double value) {
  if (is_integral(x.dtype())) {
    return elementwise(Op::threshold, x, static_cast<std::int64_t>(limit), static_cast<std::int64_t>(value));
  }
  return with_gradient(
      elementwise(Op::threshold, x, limit, value), "threshold", {&x}, [x = Saved(x), limit](const Tensor& g) {
        return fused_backward(
            Op::threshold_backward, [&] { return where(*x <= limit, 0.0, g); }, g, *x, limit);
      });
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  const std::int64_t count = weight.numel();
  if (count != 1) {
    RUSTORCH_CHECK(x.rank() >= 2 && x.size(1) == count, shape_mismatch,
                   "prelu: {} weights for an input of shape {} (one, or one per channel of dim 1)", count,
                   x.shape());
  }
  Shape shape = Shape::filled(std::max<std::size_t>(x.rank(), 1), 1);
  if (count != 1) shape[1] = count;
  const Tensor slopes = reshape(weight, x.rank() == 0 ? Shape{} : shape);
  return where(x > 0, x, x * slopes);
}

Tensor glu(const Tensor& x, std::int64_t dim) {
  const std::size_t along = normalize_dim(dim, x.rank(), "glu");
  RUSTORCH_CHECK(x.rank() > 0 && x.shape()[along] % 2 == 0, shape_mismatch,
                 "glu: dim {} of shape {} must be even to be halved", dim, x.shape());
  const std::int64_t half = x.shape()[along] / 2;
  return narrow(x, dim, 0, half) * sigmoid(narrow(x, dim, half, half));
}

}  // namespace rustorch
