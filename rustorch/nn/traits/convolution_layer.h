#pragma once

#include "rustorch/nn/traits/layer.h"

namespace rustorch::nn {

/// A convolution, transposed or not: code that folds, fuses or converts convolutions takes any of them.
template <class L>
concept ConvolutionLayer = BiasedLayer<L> && requires(const L layer) {
  { layer.in_channels() } -> std::convertible_to<std::int64_t>;
  { layer.out_channels() } -> std::convertible_to<std::int64_t>;
  layer.options().kernel_size;
  layer.options().stride;
  layer.options().padding;
  layer.options().dilation;
  { layer.options().groups } -> std::convertible_to<std::int64_t>;
};

}  // namespace rustorch::nn
