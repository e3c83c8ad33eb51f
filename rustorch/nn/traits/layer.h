#pragma once

#include <concepts>

#include "rustorch/nn/module.h"

namespace rustorch::nn {

/// A module that maps one tensor to one.
template <class L>
concept Layer = std::derived_from<L, Module> && requires(L layer, const Tensor& x) {
  { layer(x) } -> std::convertible_to<Tensor>;
};

/// A layer with a weight, which reset_parameters() draws anew from its default distribution.
template <class L>
concept ParameterizedLayer = Layer<L> && requires(L layer) {
  { layer.weight } -> std::convertible_to<const Tensor&>;
  layer.reset_parameters();
};

/// A parameterized layer that may have a bias.
template <class L>
concept BiasedLayer = ParameterizedLayer<L> && requires(L layer) {
  { layer.bias } -> std::convertible_to<const Tensor&>;
};

/// A loss: maps an input and a target to a tensor.
template <class L>
concept LossFunction = std::derived_from<L, Module> &&
    requires(L loss, const Tensor& input, const Tensor& target) {
  { loss(input, target) } -> std::convertible_to<Tensor>;
};

}  // namespace rustorch::nn
