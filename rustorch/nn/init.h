#pragma once

#include <cstdint>

#include "rustorch/tensor/tensor.h"

/// Initializers (torch.nn.init): each fills a tensor in place, without gradients, with the default
/// generator's numbers, and returns it. By value, so that temporaries and parameters are taken alike: the
/// handle is what is passed.
namespace rustorch::nn::init {

enum class FanMode : std::uint8_t { fan_in, fan_out };
enum class Nonlinearity : std::uint8_t {
  linear,
  conv,
  conv_transpose,
  sigmoid,
  tanh,
  relu,
  leaky_relu,
  selu,
};

/// The factor by which a nonlinearity wants its weights scaled; `param` is leaky_relu's slope.
double calculate_gain(Nonlinearity nonlinearity, double param = 0.01);

struct Fans {
  std::int64_t in, out;
};
/// Inputs and outputs of a weight [out, in, kernel…]; an Error for fewer than 2 dims.
Fans calculate_fan_in_and_fan_out(const Tensor& tensor);

Tensor uniform_(Tensor tensor, double a = 0.0, double b = 1.0);
Tensor normal_(Tensor tensor, double mean = 0.0, double std = 1.0);
/// Normal, drawn until within [a, b] (absolute bounds, as PyTorch's).
Tensor trunc_normal_(Tensor tensor, double mean = 0.0, double std = 1.0, double a = -2.0, double b = 2.0);
Tensor constant_(Tensor tensor, const Scalar& value);
Tensor ones_(Tensor tensor);
Tensor zeros_(Tensor tensor);
/// The identity matrix; 2 dims.
Tensor eye_(Tensor tensor);
/// Convolution weights (3 to 5 dims) that pass channels on unchanged.
Tensor dirac_(Tensor tensor, std::int64_t groups = 1);
/// Uniform in ±gain · sqrt(6 / (fan_in + fan_out)).
Tensor xavier_uniform_(Tensor tensor, double gain = 1.0);
/// Normal with std gain · sqrt(2 / (fan_in + fan_out)).
Tensor xavier_normal_(Tensor tensor, double gain = 1.0);
/// Uniform in ±sqrt(3) · gain / sqrt(fan); `a` is leaky_relu's slope.
Tensor kaiming_uniform_(Tensor tensor, double a = 0.0, FanMode mode = FanMode::fan_in,
                        Nonlinearity nonlinearity = Nonlinearity::leaky_relu);
/// Normal with std gain / sqrt(fan).
Tensor kaiming_normal_(Tensor tensor, double a = 0.0, FanMode mode = FanMode::fan_in,
                       Nonlinearity nonlinearity = Nonlinearity::leaky_relu);
/// A (semi-)orthogonal matrix times gain, of the tensor flattened to [first dim, rest].
Tensor orthogonal_(Tensor tensor, double gain = 1.0);
/// Normal with std, with a share `sparsity` of each column zero; 2 dims.
Tensor sparse_(Tensor tensor, double sparsity, double std = 0.01);

}  // namespace rustorch::nn::init
