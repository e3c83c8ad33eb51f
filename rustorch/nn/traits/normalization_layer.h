#pragma once

#include "rustorch/nn/traits/layer.h"

namespace rustorch::nn {

/// A normalization that keeps running statistics, which eval uses and which folding into a convolution needs.
template <class L>
concept RunningNormalizationLayer = BiasedLayer<L> && requires(L layer) {
  { layer.running_mean } -> std::convertible_to<const Tensor&>;
  { layer.running_var } -> std::convertible_to<const Tensor&>;
  { layer.options().eps } -> std::convertible_to<double>;
  layer.reset_running_stats();
};

}  // namespace rustorch::nn
