#include "rustorch/nn/activation.h"

#include "rustorch/nn/init.h"
#include "rustorch/nn/repr.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/normalization.h"

namespace rustorch::nn {

std::string LeakyReLU::extra_repr() const { return "negative_slope=" + repr::real(negative_slope_); }

PReLU::PReLU(std::int64_t num_parameters, double init) : init_(init) {
  RUSTORCH_CHECK(num_parameters > 0, invalid_argument, "PReLU: num_parameters must be positive, not {}",
                 num_parameters);
  weight = parameter("weight", empty({num_parameters}));
  reset_parameters();
}
void PReLU::reset_parameters() { init::constant_(weight, init_); }
std::string PReLU::extra_repr() const { return fmt::format("num_parameters={}", weight.numel()); }

std::string ELU::extra_repr() const { return "alpha=" + repr::real(alpha_); }
std::string CELU::extra_repr() const { return "alpha=" + repr::real(alpha_); }

GELU::GELU(std::string approximate) : approximate_(std::move(approximate)) {
  RUSTORCH_CHECK(approximate_ == "none" || approximate_ == "tanh", invalid_argument,
                 "GELU: approximate is \"none\" or \"tanh\", not \"{}\"", approximate_);
}
std::string GELU::extra_repr() const { return fmt::format("approximate='{}'", approximate_); }

Hardtanh::Hardtanh(double min_val, double max_val) : min_val_(min_val), max_val_(max_val) {
  RUSTORCH_CHECK(min_val <= max_val, invalid_argument, "Hardtanh: min_val {} is above max_val {}", min_val,
                 max_val);
}
std::string Hardtanh::extra_repr() const {
  return fmt::format("min_val={}, max_val={}", repr::real(min_val_), repr::real(max_val_));
}

std::string Softplus::extra_repr() const {
  return fmt::format("beta={}, threshold={}", repr::real(beta_), repr::real(threshold_));
}
std::string Softshrink::extra_repr() const { return repr::real(lambda_); }
std::string Hardshrink::extra_repr() const { return repr::real(lambda_); }
std::string Threshold::extra_repr() const {
  return fmt::format("threshold={}, value={}", threshold_, value_);
}
std::string GLU::extra_repr() const { return fmt::format("dim={}", dim_); }

Tensor Softmax::forward(const Tensor& x) { return softmax(x, dim_); }
std::string Softmax::extra_repr() const { return fmt::format("dim={}", dim_); }

Tensor LogSoftmax::forward(const Tensor& x) { return log_softmax(x, dim_); }
std::string LogSoftmax::extra_repr() const { return fmt::format("dim={}", dim_); }

}  // namespace rustorch::nn
