#pragma once

#include <optional>

#include "rustorch/nn/module.h"

namespace rustorch::nn {

/// second(first(x)) by one operation, where there is one for these layers: for an nn::Linear of real numbers
/// and an nn::ReLU or nn::GELU. Values and gradients are the same; errors name `first` as operator() does.
/// Nothing for other layers, those that derive from these among them: their forward is their own.
std::optional<Tensor> run_fused(const Module& first, const Module& second, const Tensor& x);

}  // namespace rustorch::nn
