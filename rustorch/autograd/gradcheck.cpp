#include <cmath>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"

namespace rustorch::autograd {
namespace {

/// A fixed weighting of the output's elements, so that one backward checks all of them: 1, -0.5, 0.75 … never
/// zero.
Tensor output_weights(const Tensor& output) {
  std::vector<double> weights(static_cast<std::size_t>(output.numel()));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] =
        (i % 2 == 0 ? 1.0 : -1.0) * (0.5 + std::fmod(0.6180339887 * static_cast<double>(i + 1), 1.0));
  }
  return tensor(weights).reshape(output.shape()).to(output.device());
}

double weighted_sum(const Tensor& output, const Tensor& weights) {
  return (output.detach() * weights).sum().item<double>();
}

}  // namespace

bool gradcheck(const std::function<Tensor(const TensorList&)>& function, const TensorList& inputs,
               const GradcheckOptions& options) {
  TensorList leaves;
  for (const Tensor& input : inputs) {
    RUSTORCH_CHECK(!input.requires_grad() || input.dtype() == DType::float64, dtype_mismatch,
                   "gradcheck needs float64 inputs, one is {}", input.dtype());
    Tensor leaf = input.detach().clone();
    leaf.requires_grad_(input.requires_grad());
    leaves.push_back(leaf);
  }
  const Tensor output = function(leaves);
  const Tensor weights = output_weights(output);
  TensorList wanted;
  for (const Tensor& leaf : leaves) {
    if (leaf.requires_grad()) wanted.push_back(leaf);
  }
  const TensorList analytic = grad({output}, wanted, {weights}, false, false, true);

  const NoGrad no_grad;
  std::size_t which = 0;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (!leaves[i].requires_grad()) continue;
    const Tensor& gradient = analytic[which++];
    const std::vector<double> found = gradient.defined()
                                          ? gradient.to_vector<double>()
                                          : std::vector<double>(static_cast<std::size_t>(leaves[i].numel()));
    const std::vector<double> base = leaves[i].to_vector<double>();
    for (std::size_t element = 0; element < base.size(); ++element) {
      const auto at = [&](double value) {
        std::vector<double> moved = base;
        moved[element] = value;
        TensorList shifted = leaves;
        // The same order of strides as the input has: kernels for strided inputs are checked too.
        shifted[i] = empty_like(leaves[i]);
        shifted[i].copy_(tensor(moved).reshape(leaves[i].shape()));
        return weighted_sum(function(shifted), weights);
      };
      const double numeric =
          (at(base[element] + options.eps) - at(base[element] - options.eps)) / (2 * options.eps);
      const double difference = std::abs(numeric - found[element]);
      if (!(difference <= options.atol + options.rtol * std::abs(numeric))) {
        fail(ErrorCode::autograd,
             "gradcheck: input {}, element {}: the gradient is {}, central differences give {}", i, element,
             found[element], numeric);
      }
    }
  }
  return true;
}

bool gradgradcheck(const std::function<Tensor(const TensorList&)>& function, const TensorList& inputs,
                   const GradcheckOptions& options) {
  // The gradient is a function of the inputs and of the gradient that comes in: it must be right by both.
  TensorList with_incoming = inputs;
  with_incoming.push_back([&] {
    const NoGrad no_grad;
    return output_weights(function(inputs));
  }());
  with_incoming.back().requires_grad_();
  const auto gradient = [&](const TensorList& at) {
    const EnableGrad recording;
    TensorList leaves;
    TensorList wanted;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Tensor leaf = at[i];
      if (inputs[i].requires_grad() && !leaf.requires_grad()) leaf = leaf.detach().requires_grad_();
      leaves.push_back(leaf);
      if (inputs[i].requires_grad()) wanted.push_back(leaf);
    }
    const Tensor& incoming = at.back();
    const TensorList gradients = grad({function(leaves)}, wanted, {incoming}, true, true, true);
    Tensor total = (incoming * 0).sum();  // in case nothing depends on it
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined()) continue;
      total =
          total + (gradients[i] * output_weights(gradients[i]) * (1.0 + 0.25 * static_cast<double>(i))).sum();
    }
    return total;
  };
  return gradcheck(gradient, with_incoming, options);
}

}  // namespace rustorch::autograd
