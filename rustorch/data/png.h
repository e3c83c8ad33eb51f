#pragma once

#include <cstdint>
#include <vector>

#include "rustorch/tensor/tensor.h"

namespace rustorch::data {

/// A uint8 image [H, W] or [H, W, C] with 1 to 4 channels as the bytes of a PNG file.
std::vector<std::uint8_t> encode_png(const Tensor& image);

}  // namespace rustorch::data
