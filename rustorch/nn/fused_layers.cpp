#include "rustorch/nn/fused_layers.h"

#include <typeinfo>

#include "rustorch/nn/activation.h"
#include "rustorch/nn/linear.h"
#include "rustorch/tensor/operations/linear_algebra.h"

namespace rustorch::nn {
namespace {

/// The module as what it is; nullptr if it is of another type, or of one that derives from it.
template <class Layer>
const Layer* exactly(const Module& module) {
  return typeid(module) == typeid(Layer) ? static_cast<const Layer*>(&module) : nullptr;
}

}  // namespace

std::optional<Tensor> run_fused(const Module& first, const Module& second, const Tensor& x) {
  const auto* const linear = exactly<Linear>(first);
  if (linear == nullptr || !linear->weight.defined() || !is_floating_point(linear->weight.dtype()))
    return std::nullopt;
  const bool is_relu = exactly<ReLU>(second) != nullptr;
  const auto* const gelu = exactly<GELU>(second);
  if (!is_relu && gelu == nullptr) return std::nullopt;
  const ErrorContext context([linear] { return linear->running_text(); });
  linear->check_input(x);
  return is_relu ? linear_relu(x, linear->weight, linear->bias)
                 : linear_gelu(x, linear->weight, linear->bias, gelu->approximate());
}

}  // namespace rustorch::nn
