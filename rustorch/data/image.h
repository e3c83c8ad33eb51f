#pragma once

#include <cstdint>
#include <filesystem>

#include "rustorch/tensor/tensor.h"

namespace rustorch::data {

/// What read_image refuses to decode.
struct ImageLimits {
  std::int64_t max_pixels = std::int64_t{1} << 26;  ///< height × width
  std::int64_t max_file_bytes = std::int64_t{1} << 28;
};

/// Reads a PNG or JPEG (by its content, not its name) as uint8 [H, W, C], with 1 (grey), 2 (grey and alpha),
/// 3 (RGB) or 4 (RGBA) channels as in the file. An Error names the file and the reason.
Tensor read_image(const std::filesystem::path& path, const ImageLimits& limits = {});

/// uint8 [H, W] or [H, W, C] as grey [H, W]: alpha is laid over white, colours are weighted by ITU-R 601.
Tensor to_grey(const Tensor& image);

/// A grey uint8 image [H, W] in another size: each new pixel is the average of the area that it covers.
Tensor resize_area(const Tensor& image, std::int64_t height, std::int64_t width);

}  // namespace rustorch::data
