#pragma once

#include <array>
#include <compare>

#include "rustorch/backends/gpu/convolution_library.h"

namespace rustorch::gpu::cuda {

/// A convolution without its addresses: all that cuDNN's choice of an engine depends on. One spatial dim is
/// two here, of which the first has one element.
struct ConvolutionForm {
  using Sizes = std::array<std::int64_t, 5>;

  explicit ConvolutionForm(const LibraryConvolution& work);
  auto operator<=>(const ConvolutionForm&) const = default;

  /// How many products are added up.
  double multiply_adds() const;

  ConvolutionDirection direction;
  DType dtype;
  bool rounds_to_tf32;
  bool channels_last;
  bool has_bias;
  std::size_t rank;  ///< 4 or 5, of the tensors
  Sizes input{}, weight{}, output{};
  std::array<std::int64_t, 3> stride{}, padding{}, dilation{};  ///< of rank - 2 dims
};

}  // namespace rustorch::gpu::cuda
