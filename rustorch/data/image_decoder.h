#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace rustorch::data {

/// Pixels as stb_image gives them: rows from the top, channels innermost.
struct DecodedImage {
  struct Free {
    void operator()(std::uint8_t* memory) const noexcept;
  };
  std::unique_ptr<std::uint8_t[], Free> pixels;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
};

/// Decodes PNG or JPEG. What is neither, damaged, truncated or larger than `max_pixels` is an Error that
/// names `name`.
DecodedImage decode_image(std::span<const std::byte> file, const std::string& name, std::int64_t max_pixels);

}  // namespace rustorch::data
