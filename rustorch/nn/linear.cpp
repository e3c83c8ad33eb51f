#include "rustorch/nn/linear.h"

#include <cmath>

#include "rustorch/nn/init.h"
#include "rustorch/nn/repr.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/linear_algebra.h"

namespace rustorch::nn {

Linear::Linear(std::int64_t in_features, std::int64_t out_features, bool with_bias)
    : in_features_(in_features), out_features_(out_features) {
  RUSTORCH_CHECK(in_features >= 0 && out_features >= 0, invalid_argument,
                 "Linear: the numbers of features must not be negative, not {} and {}", in_features,
                 out_features);
  weight = parameter("weight", empty({out_features, in_features}));
  if (with_bias) bias = parameter("bias", empty({out_features}));
  reset_parameters();
}

void Linear::reset_parameters() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (!bias.defined() || in_features_ == 0) return;
  const double bound = 1.0 / std::sqrt(static_cast<double>(in_features_));
  init::uniform_(bias, -bound, bound);
}

void Linear::check_input(const Tensor& x) const {
  if (x.rank() == 0 || x.shape().back() != in_features_) [[unlikely]] {
    std::string suggestion;
    if (x.rank() > 2 && x.numel() == x.size(0) * in_features_)
      suggestion = "flatten the input first: x.flatten(1)";
    fail_with_suggestion(ErrorCode::shape_mismatch, suggestion, "Linear({}) takes inputs [..., {}], not {}",
                         extra_repr(), in_features_, x.shape());
  }
}

Tensor Linear::forward(const Tensor& x) {
  check_input(x);
  return linear(x, weight, bias);
}

std::string Linear::extra_repr() const {
  return fmt::format("in_features={}, out_features={}, bias={}", in_features_, out_features_,
                     repr::boolean(bias.defined()));
}

}  // namespace rustorch::nn
