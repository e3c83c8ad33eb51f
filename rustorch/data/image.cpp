#include "rustorch/data/image.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "rustorch/data/image_decoder.h"
#include "rustorch/data/rows.h"
#include "rustorch/memory/format_bytes.h"

namespace rustorch::data {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

std::vector<std::byte> read_whole_file(const std::filesystem::path& path, std::int64_t most_bytes) {
  const std::string name = path.string();
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  RUSTORCH_CHECK(std::filesystem::exists(status), not_found, "{}: no such file", name);
  RUSTORCH_CHECK(std::filesystem::is_regular_file(status), io, "{}: not a regular file", name);
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  RUSTORCH_CHECK(file != nullptr, io, "{}: cannot open: {}", name, std::strerror(errno));
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  RUSTORCH_CHECK(!error, io, "{}: cannot find its size: {}", name, error.message());
  RUSTORCH_CHECK(size <= static_cast<std::uintmax_t>(most_bytes), unsupported,
                 "{}: an image file of {}; at most {} are read", name, format_bytes(size),
                 format_bytes(static_cast<std::uint64_t>(most_bytes)));
  std::vector<std::byte> contents(static_cast<std::size_t>(size));
  const std::size_t count = std::fread(contents.data(), 1, contents.size(), file.get());
  RUSTORCH_CHECK(count == contents.size(), io, "{}: byte {}: cannot read: {}", name, count,
                 std::ferror(file.get()) != 0 ? std::strerror(errno) : "the file became shorter");
  return contents;
}

Tensor checked_image(const Tensor& image, const char* function, bool may_have_channels) {
  const bool fits = image.dtype() == uint8 &&
                    (image.rank() == 2 ||
                     (may_have_channels && image.rank() == 3 && image.size(2) >= 1 && image.size(2) <= 4));
  RUSTORCH_CHECK(fits, shape_mismatch, "{} takes uint8 [H, W]{}, this image is {} {}", function,
                 may_have_channels ? " or [H, W, 1 to 4 channels]" : "", image.dtype(), image.shape());
  RUSTORCH_CHECK(image.numel() > 0, shape_mismatch, "{}: the image of shape {} has no pixels", function,
                 image.shape());
  return image.detach().cpu().contiguous();
}

/// What part of each old pixel goes into new pixel i, along one dim.
struct Coverage {
  std::int64_t begin;
  std::vector<double> weights;
};

std::vector<Coverage> coverages(std::int64_t before, std::int64_t after) {
  std::vector<Coverage> result;
  const double scale = static_cast<double>(before) / static_cast<double>(after);
  for (std::int64_t i = 0; i < after; ++i) {
    const double begin = static_cast<double>(i) * scale;
    const double end = static_cast<double>(i + 1) * scale;
    const std::int64_t first = std::min(static_cast<std::int64_t>(begin), before - 1);
    const std::int64_t last = std::clamp(static_cast<std::int64_t>(std::ceil(end)), first + 1, before);
    Coverage coverage{first, {}};
    for (std::int64_t pixel = first; pixel < last; ++pixel) {
      const double from = std::max(begin, static_cast<double>(pixel));
      const double to = std::min(end, static_cast<double>(pixel + 1));
      coverage.weights.push_back(std::max(0.0, to - from) / scale);
    }
    result.push_back(std::move(coverage));
  }
  return result;
}

}  // namespace

Tensor read_image(const std::filesystem::path& path, const ImageLimits& limits) {
  const std::vector<std::byte> contents = read_whole_file(path, limits.max_file_bytes);
  const DecodedImage image = decode_image(contents, path.string(), limits.max_pixels);
  Tensor out = allocate_host({image.height, image.width, image.channels}, uint8);
  std::memcpy(bytes_of(out), image.pixels.get(), static_cast<std::size_t>(out.numel()));
  return out;
}

Tensor to_grey(const Tensor& image) {
  const Tensor x = checked_image(image, "to_grey", true);
  Tensor out = allocate_host({x.size(0), x.size(1)}, uint8);
  const std::int64_t channels = x.rank() == 2 ? 1 : x.size(2);
  const std::uint8_t* pixel = x.data<std::uint8_t>().data();
  for (std::uint8_t& grey : out.initial_data<std::uint8_t>()) {
    std::uint32_t value = pixel[0];
    // Rec. 601 in 16-bit fractions that sum to 1, as Pillow has them.
    if (channels >= 3) value = (pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16;
    if (channels == 2 || channels == 4) {
      const std::uint32_t alpha = pixel[channels - 1];
      value = (value * alpha + 255u * (255u - alpha) + 127u) / 255u;
    }
    grey = static_cast<std::uint8_t>(value);
    pixel += channels;
  }
  return out;
}

Tensor resize_area(const Tensor& image, std::int64_t height, std::int64_t width) {
  const Tensor x = checked_image(image, "resize_area", false);
  RUSTORCH_CHECK(height >= 1 && width >= 1, invalid_argument, "resize_area to {} x {}", height, width);
  const std::int64_t old_height = x.size(0), old_width = x.size(1);
  const std::vector<Coverage> rows = coverages(old_height, height);
  const std::vector<Coverage> columns = coverages(old_width, width);
  Tensor out = allocate_host({height, width}, uint8);
  const std::uint8_t* source = x.data<std::uint8_t>().data();
  std::uint8_t* destination = out.initial_data<std::uint8_t>().data();
  std::vector<double> sums(static_cast<std::size_t>(old_width));  // of the rows that one new row covers
  for (const Coverage& row : rows) {
    std::fill(sums.begin(), sums.end(), 0.0);
    const std::uint8_t* line = source + row.begin * old_width;
    for (const double weight : row.weights) {
      for (double& sum : sums) sum += weight * *line++;
    }
    for (const Coverage& column : columns) {
      double value = 0.0;
      auto sum = sums.begin() + column.begin;
      for (const double weight : column.weights) value += weight * *sum++;
      *destination++ = static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
    }
  }
  return out;
}

}  // namespace rustorch::data
