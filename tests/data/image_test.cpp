#include "rustorch/data/image.h"

#include <gtest/gtest.h>

#include <span>
#include <sstream>

#include "core/read_table.h"
#include "rustorch/data/image_decoder.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/print.h"
#include "support/temporary_folder.h"

namespace rustorch::data {
namespace {

using testing::expect_error;
using testing::read_file;
using testing::TemporaryFolder;
using testing::test_data;
using testing::write_file;

std::filesystem::path image_file(const std::string& name) { return test_data("images") / name; }

/// What Pillow made of it (scripts/oracle/images.py).
Tensor expected(const std::string& name) {
  for (const auto& row : testing::read_table("images/expected.csv")) {
    if (row[0] != name) continue;
    std::vector<std::int64_t> pixels;
    std::istringstream stream(row[3]);
    for (std::int64_t pixel = 0; stream >> pixel;) pixels.push_back(pixel);
    return from_vector(pixels, {std::stoll(row[2]), std::stoll(row[1])}).to(uint8);
  }
  ADD_FAILURE() << name << " is not in expected.csv";
  return zeros({1, 1}).to(uint8);
}

/// The colour picture of scripts/oracle/images.py, enlarged.
std::vector<int> colour_pixels(std::int64_t scale = 1) {
  std::vector<int> pixels;
  for (std::int64_t i = 0; i < 4 * scale; ++i) {
    for (std::int64_t j = 0; j < 6 * scale; ++j) {
      const int x = static_cast<int>(j / scale), y = static_cast<int>(i / scale);
      for (const int value : {40 * x + 5, 60 * y + 10, 255 - 30 * x}) pixels.push_back(value);
    }
  }
  return pixels;
}

TEST(Image, ReadsPng) {
  const Tensor rgb = read_image(image_file("rgb.png"));
  EXPECT_EQ(rgb.dtype(), uint8);
  EXPECT_EQ(rgb.shape(), (Shape{4, 6, 3}));
  EXPECT_EQ(rgb.to_vector<int>(), colour_pixels());
  const Tensor grey = read_image(image_file("grey.png"));
  EXPECT_EQ(grey.shape(), (Shape{4, 6, 1}));
  EXPECT_EQ(grey.to_vector<int>(), expected("grey").to_vector<int>());
  EXPECT_EQ(read_image(image_file("grey16.png")).to_vector<int>(), grey.to_vector<int>());
  EXPECT_EQ(read_image(image_file("palette.png")).shape(), (Shape{4, 6, 3}));
  const Tensor rgba = read_image(image_file("rgba.png"));
  EXPECT_EQ(rgba.shape(), (Shape{4, 6, 4}));
  EXPECT_EQ(rgba.narrow(2, 0, 3).contiguous().to_vector<int>(), colour_pixels());
  EXPECT_EQ(read_image(image_file("grey_alpha.png")).shape(), (Shape{4, 6, 2}));
}

TEST(Image, ReadsJpeg) {
  const std::vector<int> wanted = colour_pixels(4);
  for (const char* name : {"rgb.jpg", "progressive.jpg"}) {
    const Tensor x = read_image(image_file(name));
    ASSERT_EQ(x.shape(), (Shape{16, 24, 3})) << name;
    const std::vector<int> pixels = x.to_vector<int>();
    double difference = 0.0;
    for (std::size_t i = 0; i < pixels.size(); ++i) difference += std::abs(pixels[i] - wanted[i]);
    EXPECT_LT(difference / static_cast<double>(pixels.size()), 6.0) << name;
  }
  EXPECT_EQ(read_image(image_file("grey.jpg")).shape(), (Shape{16, 24, 1}));
}

TEST(Image, ReadsByContentNotByName) {
  const TemporaryFolder folder;
  write_file(folder / "picture.jpg", read_file(image_file("rgb.png")));
  EXPECT_EQ(read_image(folder / "picture.jpg").shape(), (Shape{4, 6, 3}));
}

TEST(Image, RefusesWhatItCannotRead) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::not_found, "no such file", [&] { return read_image(folder / "absent.png"); });
  expect_error(ErrorCode::io, "not a regular file", [&] { return read_image(folder.path()); });
  expect_error(ErrorCode::corrupt_data, "rgb.gif: byte 0: neither a PNG nor a JPEG", "convert",
               [&] { return read_image(image_file("rgb.gif")); });
  write_file(folder / "empty.png", "");
  expect_error(ErrorCode::corrupt_data, "neither a PNG nor a JPEG",
               [&] { return read_image(folder / "empty.png"); });
}

std::int64_t decoded_pixels(const std::string& file) {
  const DecodedImage image = decode_image(std::as_bytes(std::span(file)), "damaged", 1 << 16);
  return image.height * image.width;
}

TEST(Image, RefusesTruncatedFiles) {
  for (const char* name : {"rgb.png", "rgb.jpg", "progressive.jpg"}) {
    const std::string whole = read_file(image_file(name));
    for (std::size_t length = 8; length < whole.size(); ++length) {
      expect_error(ErrorCode::corrupt_data, "truncated",
                   [&] { return decoded_pixels(whole.substr(0, length)); });
    }
    EXPECT_GE(decoded_pixels(whole + "trailing"), 24);
  }
}

TEST(Image, RefusesDamage) {
  // One wrong bit anywhere in a PNG shows; anything in a JPEG may at least not crash.
  const std::string png = read_file(image_file("rgba.png"));
  for (std::size_t i = 0; i < png.size(); ++i) {
    std::string damaged = png;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    expect_error(ErrorCode::corrupt_data, "damaged: byte", [&] { return decoded_pixels(damaged); });
  }
  for (const char* name : {"rgb.jpg", "progressive.jpg"}) {
    const std::string jpeg = read_file(image_file(name));
    for (std::size_t i = 0; i < jpeg.size(); ++i) {
      std::string damaged = jpeg;
      damaged[i] = static_cast<char>(~damaged[i]);
      try {
        EXPECT_LE(decoded_pixels(damaged), 1 << 16);
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::corrupt_data || error.code() == ErrorCode::unsupported)
            << error.what();
      }
    }
  }
}

TEST(Image, RefusesImagesBeyondTheLimits) {
  expect_error(ErrorCode::unsupported, "6 x 4 pixels; at most 23",
               [] { return read_image(image_file("rgb.png"), {.max_pixels = 23}); });
  expect_error(ErrorCode::unsupported, "at most 10 B",
               [] { return read_image(image_file("rgb.png"), {.max_file_bytes = 10}); });
}

TEST(Image, GreyIsPillows) {
  const std::vector<int> grey = expected("grey").to_vector<int>();
  EXPECT_EQ(to_grey(read_image(image_file("rgb.png"))).to_vector<int>(), grey);
  EXPECT_EQ(to_grey(read_image(image_file("grey.png"))).shape(), (Shape{4, 6}));
  EXPECT_EQ(to_grey(expected("grey")).to_vector<int>(), grey);
  // Transparent is white, opaque is itself.
  const Tensor alpha = tensor(std::vector<std::uint8_t>{100, 0, 100, 255, 100, 128}).reshape({1, 3, 2});
  EXPECT_EQ(to_grey(alpha).to_vector<int>(), (std::vector<int>{255, 100, 177}));
  expect_error(ErrorCode::shape_mismatch, "uint8 [2, 2, 5]", [] {
    return to_grey(zeros({2, 2, 5}).to(uint8));
  });
  expect_error(ErrorCode::shape_mismatch, "float32", [] { return to_grey(zeros({2, 2})); });
  expect_error(ErrorCode::shape_mismatch, "no pixels", [] { return to_grey(zeros({0, 2}).to(uint8)); });
}

TEST(Image, ResizesByArea) {
  const Tensor grey = expected("grey");
  EXPECT_EQ(resize_area(grey, 4, 6).to_vector<int>(), grey.to_vector<int>());
  const std::vector<int> smaller = resize_area(grey, 3, 4).to_vector<int>();
  const std::vector<int> wanted = expected("smaller").to_vector<int>();
  ASSERT_EQ(smaller.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(smaller[i], wanted[i], 1) << i;
  // Enlarged by a whole factor, pixels repeat.
  EXPECT_EQ(resize_area(grey, 8, 12).to_vector<int>(),
            grey.repeat_interleave(2, 0).repeat_interleave(2, 1).to_vector<int>());
  EXPECT_EQ(resize_area(full({7, 5}, 200).to(uint8), 28, 3).to_vector<int>(), std::vector<int>(84, 200));
  expect_error(ErrorCode::invalid_argument, "0 x 3", [&] { return resize_area(grey, 0, 3); });
}

}  // namespace
}  // namespace rustorch::data
