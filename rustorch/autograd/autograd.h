#pragma once

#include <functional>
#include <vector>

#include "rustorch/tensor/gradient.h"

namespace rustorch::autograd {

/// Gradients of the sum of `outputs` (each weighted by its entry of `grad_outputs`; undefined entries mean
/// ones for outputs with one element) by each of `inputs`, without touching their grad().
/// torch.autograd.grad: an input that the outputs do not depend on is an Error unless allow_unused, then its
/// gradient is undefined.
TensorList grad(const TensorList& outputs, const TensorList& inputs, const TensorList& grad_outputs = {},
                bool retain_graph = false, bool create_graph = false, bool allow_unused = false);

/// Adds the gradients of `outputs` to the grad() of every leaf they depend on. torch.autograd.backward.
void backward(const TensorList& outputs, const TensorList& grad_outputs = {}, bool retain_graph = false,
              bool create_graph = false);

/// What gradcheck compares with.
struct GradcheckOptions {
  double eps = 1e-6;
  double atol = 1e-5;
  double rtol = 1e-3;
};

/// Compares the gradients of `function` at `inputs` (float64, those that require gradients) with central
/// differences. Returns true, or throws an Error that names the input, the element and both values.
/// torch.autograd.gradcheck.
bool gradcheck(const std::function<Tensor(const TensorList&)>& function, const TensorList& inputs,
               const GradcheckOptions& options = {});

/// The same for second derivatives: gradcheck of the gradient. torch.autograd.gradgradcheck.
bool gradgradcheck(const std::function<Tensor(const TensorList&)>& function, const TensorList& inputs,
                   const GradcheckOptions& options = {});

}  // namespace rustorch::autograd
