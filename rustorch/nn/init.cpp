#include "rustorch/nn/init.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "rustorch/nn/orthonormal.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/random.h"

namespace rustorch::nn::init {

namespace {

double fan_of(const Tensor& tensor, FanMode mode) {
  const Fans fans = calculate_fan_in_and_fan_out(tensor);
  return static_cast<double>(mode == FanMode::fan_in ? fans.in : fans.out);
}

void copy_from(Tensor& tensor, const std::vector<double>& values) {
  tensor.copy_(from_vector(values, tensor.shape(), {.dtype = float64, .device = Device()}));
}

void check_rank(const Tensor& tensor, std::size_t least, std::size_t most, const char* name) {
  RUSTORCH_CHECK(tensor.rank() >= least && tensor.rank() <= most, shape_mismatch,
                 "{} takes tensors of {} to {} dims, not {}", name, least, most, tensor.shape());
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

// The x with normal_cdf(x) = p: Acklam's rational approximation (relative error 1e-9) and one Newton step.
double inverse_normal_cdf(double p) {
  static constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                                 1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  static constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                                 6.680131188771972e+01, -1.328068155288572e+01};
  static constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                                 -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  static constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                                 3.754408661907416e+00};
  const auto tail = [&](double q) {
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1.0);
  };
  constexpr double low = 0.02425;
  double x;
  if (p < low) {
    x = tail(std::sqrt(-2.0 * std::log(p)));
  } else if (p > 1.0 - low) {
    x = -tail(std::sqrt(-2.0 * std::log1p(-p)));
  } else {
    const double q = p - 0.5;
    const double r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1.0);
  }
  const double error = (normal_cdf(x) - p) * std::sqrt(2.0 * std::numbers::pi) * std::exp(0.5 * x * x);
  return std::isfinite(error) ? x - error : x;
}

}  // namespace

double calculate_gain(Nonlinearity nonlinearity, double param) {
  switch (nonlinearity) {
    case Nonlinearity::linear:
    case Nonlinearity::conv:
    case Nonlinearity::conv_transpose:
    case Nonlinearity::sigmoid:
      return 1.0;
    case Nonlinearity::tanh:
      return 5.0 / 3.0;
    case Nonlinearity::relu:
      return std::numbers::sqrt2;
    case Nonlinearity::leaky_relu:
      return std::sqrt(2.0 / (1.0 + param * param));
    case Nonlinearity::selu:
      return 0.75;
  }
  fail(ErrorCode::invalid_argument, "calculate_gain: unknown nonlinearity {}",
       static_cast<int>(nonlinearity));
}

Fans calculate_fan_in_and_fan_out(const Tensor& tensor) {
  const Shape& shape = tensor.shape();
  RUSTORCH_CHECK(shape.size() >= 2, shape_mismatch,
                 "fan in and fan out need a tensor of at least 2 dims, not {}", shape);
  const std::int64_t receptive_field =
      std::accumulate(shape.begin() + 2, shape.end(), std::int64_t{1}, std::multiplies<>());
  return {.in = shape[1] * receptive_field, .out = shape[0] * receptive_field};
}

Tensor uniform_(Tensor tensor, double a, double b) {
  RUSTORCH_CHECK(a <= b, invalid_argument, "uniform_: the lower bound {} is above the upper {}", a, b);
  const NoGrad guard;
  tensor.uniform_(a, b);
  return tensor;
}

Tensor normal_(Tensor tensor, double mean, double std) {
  RUSTORCH_CHECK(std >= 0, invalid_argument, "normal_: std must not be negative, not {}", std);
  const NoGrad guard;
  tensor.normal_(mean, std);
  return tensor;
}

Tensor trunc_normal_(Tensor tensor, double mean, double std, double a, double b) {
  RUSTORCH_CHECK(std > 0 && a <= b, invalid_argument,
                 "trunc_normal_: std must be positive and a not above b, not std {}, a {}, b {}", std, a, b);
  const NoGrad guard;
  // A uniform number between the bounds' probabilities, through the inverse of the distribution.
  const double low = normal_cdf((a - mean) / std);
  const double high = normal_cdf((b - mean) / std);
  std::vector<double> values =
      rand({tensor.numel()}, {.dtype = float64, .device = Device()}).template to_vector<double>();
  for (double& value : values) {
    value = std::clamp(mean + std * inverse_normal_cdf(low + (high - low) * value), a, b);
  }
  copy_from(tensor, values);
  return tensor;
}

Tensor constant_(Tensor tensor, const Scalar& value) {
  const NoGrad guard;
  tensor.fill_(value);
  return tensor;
}

Tensor ones_(Tensor tensor) { return constant_(std::move(tensor), 1); }
Tensor zeros_(Tensor tensor) { return constant_(std::move(tensor), 0); }

Tensor eye_(Tensor tensor) {
  check_rank(tensor, 2, 2, "eye_");
  const NoGrad guard;
  tensor.copy_(eye(tensor.size(0), tensor.size(1), tensor.options()));
  return tensor;
}

Tensor dirac_(Tensor tensor, std::int64_t groups) {
  check_rank(tensor, 3, 5, "dirac_");
  RUSTORCH_CHECK(groups > 0 && tensor.size(0) % groups == 0, invalid_argument,
                 "dirac_: {} output channels cannot be divided into {} groups", tensor.size(0), groups);
  const NoGrad guard;
  const Shape& shape = tensor.shape();
  const std::int64_t outputs = shape[0] / groups;
  std::vector<double> values(static_cast<std::size_t>(tensor.numel()), 0.0);
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t channel = 0; channel < std::min(outputs, shape[1]); ++channel) {
      std::int64_t position = (group * outputs + channel) * shape[1] + channel;
      for (std::size_t dim = 2; dim < shape.size(); ++dim) position = position * shape[dim] + shape[dim] / 2;
      values[static_cast<std::size_t>(position)] = 1.0;
    }
  }
  copy_from(tensor, values);
  return tensor;
}

Tensor xavier_uniform_(Tensor tensor, double gain) {
  const Fans fans = calculate_fan_in_and_fan_out(tensor);
  const double bound = gain * std::sqrt(6.0 / static_cast<double>(fans.in + fans.out));
  return uniform_(std::move(tensor), -bound, bound);
}

Tensor xavier_normal_(Tensor tensor, double gain) {
  const Fans fans = calculate_fan_in_and_fan_out(tensor);
  return normal_(std::move(tensor), 0.0, gain * std::sqrt(2.0 / static_cast<double>(fans.in + fans.out)));
}

Tensor kaiming_uniform_(Tensor tensor, double a, FanMode mode, Nonlinearity nonlinearity) {
  const double fan = fan_of(tensor, mode);
  if (tensor.numel() == 0) return tensor;
  const double bound = std::numbers::sqrt3 * calculate_gain(nonlinearity, a) / std::sqrt(fan);
  return uniform_(std::move(tensor), -bound, bound);
}

Tensor kaiming_normal_(Tensor tensor, double a, FanMode mode, Nonlinearity nonlinearity) {
  const double fan = fan_of(tensor, mode);
  if (tensor.numel() == 0) return tensor;
  return normal_(std::move(tensor), 0.0, calculate_gain(nonlinearity, a) / std::sqrt(fan));
}

Tensor orthogonal_(Tensor tensor, double gain) {
  RUSTORCH_CHECK(tensor.rank() >= 2, shape_mismatch, "orthogonal_ takes tensors of at least 2 dims, not {}",
                 tensor.shape());
  if (tensor.numel() == 0) return tensor;
  const NoGrad guard;
  const std::int64_t rows = tensor.size(0);
  const std::int64_t columns = tensor.numel() / rows;
  // Orthonormal rows of the wide form; the tall form is its transpose.
  const Tensor normal =
      randn({std::min(rows, columns), std::max(rows, columns)}, {.dtype = float64, .device = Device()});
  const Tensor wide = orthonormal_rows(normal).mul(gain);
  tensor.copy_((rows <= columns ? wide : wide.t()).reshape(tensor.shape()));
  return tensor;
}

Tensor sparse_(Tensor tensor, double sparsity, double std) {
  check_rank(tensor, 2, 2, "sparse_");
  RUSTORCH_CHECK(sparsity >= 0.0 && sparsity <= 1.0, invalid_argument,
                 "sparse_: sparsity must be between 0 and 1, not {}", sparsity);
  const NoGrad guard;
  const std::int64_t rows = tensor.size(0);
  const std::int64_t columns = tensor.size(1);
  const auto zeros_per_column = static_cast<std::size_t>(std::ceil(sparsity * static_cast<double>(rows)));
  std::vector<double> values =
      randn({rows, columns}, {.dtype = float64, .device = Device()}).mul(std).template to_vector<double>();
  for (std::int64_t column = 0; column < columns; ++column) {
    const std::vector<std::int64_t> order =
        randperm(rows, {.device = Device()}).template to_vector<std::int64_t>();
    for (std::size_t i = 0; i < zeros_per_column; ++i) {
      values[static_cast<std::size_t>(order[i] * columns + column)] = 0.0;
    }
  }
  copy_from(tensor, values);
  return tensor;
}

}  // namespace rustorch::nn::init
