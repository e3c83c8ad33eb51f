#include "rustorch/data/png.h"

// The implementation of stb_image_write, here and nowhere else; its code is not held to our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace rustorch::data {

std::vector<std::uint8_t> encode_png(const Tensor& image) {
  RUSTORCH_CHECK(image.dtype() == DType::uint8 && (image.rank() == 2 || image.rank() == 3), invalid_argument,
                 "encode_png takes a uint8 image [H, W] or [H, W, C], not {} {}", image.dtype(),
                 image.shape());
  const std::int64_t channels = image.rank() == 3 ? image.size(2) : 1;
  RUSTORCH_CHECK(image.numel() > 0 && channels <= 4 && image.size(0) <= 1 << 15 && image.size(1) <= 1 << 15,
                 invalid_argument, "encode_png: an image of shape {}", image.shape());
  const Tensor pixels = image.cpu().contiguous();
  std::vector<std::uint8_t> bytes;
  const auto append = [](void* target, void* data, int size) {
    const auto* start = static_cast<const std::uint8_t*>(data);
    static_cast<std::vector<std::uint8_t>*>(target)->insert(
        static_cast<std::vector<std::uint8_t>*>(target)->end(), start, start + size);
  };
  const int written =
      stbi_write_png_to_func(append, &bytes, static_cast<int>(image.size(1)), static_cast<int>(image.size(0)),
                             static_cast<int>(channels), pixels.data<std::uint8_t>().data(), 0);
  RUSTORCH_CHECK(written != 0, internal, "encode_png failed for an image of shape {}", image.shape());
  return bytes;
}

}  // namespace rustorch::data
