#include "rustorch/data/image_decoder.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "rustorch/error/error.h"

// The one place where stb_image is compiled; its warnings are not ours.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_SIMD  // its intrinsics need an optimizing compiler, and decoding is not what takes time
#define STBI_MAX_DIMENSIONS (1 << 16)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace rustorch::data {

namespace {

constexpr std::string_view png_magic = "\x89PNG\r\n\x1a\n";
constexpr std::string_view jpeg_magic = "\xff\xd8\xff";

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

/// stb_image ignores the checksums of PNG's chunks, and so would show what damage made of the pixels.
void check_png(std::string_view file, const std::string& name) {
  std::size_t offset = png_magic.size();
  for (;;) {
    const std::string_view rest = file.substr(offset);
    const std::size_t length = rest.size() < 12 ? 0 : big_endian(rest);
    RUSTORCH_CHECK(rest.size() >= 12 && length <= rest.size() - 12, corrupt_data,
                   "{}: byte {}: the PNG is truncated", name, offset);
    const std::string_view covered = rest.substr(4, length + 4);  // the chunk's type and contents
    const auto* bytes = reinterpret_cast<const Bytef*>(covered.data());
    const uLong checksum = crc32_z(0, bytes, covered.size());
    RUSTORCH_CHECK(checksum == big_endian(rest.substr(8 + length)), corrupt_data,
                   "{}: byte {}: a PNG chunk is damaged (its checksum differs)", name, offset);
    if (covered.starts_with("IEND")) return;
    offset += length + 12;
  }
}

/// stb_image shows what there is of a truncated JPEG. A whole one ends with an end marker behind its last
/// scan.
void check_jpeg(std::string_view file, const std::string& name) {
  const std::size_t end = file.rfind("\xff\xd9");
  const std::size_t scan = file.rfind("\xff\xda");
  RUSTORCH_CHECK(end != std::string_view::npos && scan != std::string_view::npos && end > scan, corrupt_data,
                 "{}: byte {}: the JPEG is truncated", name, file.size());
}

}  // namespace

void DecodedImage::Free::operator()(std::uint8_t* memory) const noexcept { stbi_image_free(memory); }

DecodedImage decode_image(std::span<const std::byte> file, const std::string& name, std::int64_t max_pixels) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const bool is_png = text.starts_with(png_magic);
  const bool is_jpeg = text.starts_with(jpeg_magic);
  if (!is_png && !is_jpeg) {
    fail_with_suggestion(ErrorCode::corrupt_data, "convert it to PNG or JPEG",
                         "{}: byte 0: neither a PNG nor a JPEG", name);
  }
  RUSTORCH_CHECK(file.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()), unsupported,
                 "{}: an image file of {} bytes", name, file.size());
  if (is_png) check_png(text, name);
  if (is_jpeg) check_jpeg(text, name);

  const auto* bytes = reinterpret_cast<const stbi_uc*>(file.data());
  const int size = static_cast<int>(file.size());
  int width = 0, height = 0, channels = 0;
  if (stbi_info_from_memory(bytes, size, &width, &height, &channels) == 0) {
    fail(ErrorCode::corrupt_data, "{}: cannot decode: {}", name, stbi_failure_reason());
  }
  RUSTORCH_CHECK(std::int64_t{width} * height <= max_pixels, unsupported,
                 "{}: an image of {} x {} pixels; at most {} pixels are decoded", name, width, height,
                 max_pixels);
  DecodedImage image;
  image.pixels.reset(stbi_load_from_memory(bytes, size, &width, &height, &channels, 0));
  RUSTORCH_CHECK(image.pixels != nullptr, corrupt_data, "{}: cannot decode: {}", name, stbi_failure_reason());
  image.height = height;
  image.width = width;
  image.channels = channels;
  return image;
}

}  // namespace rustorch::data
