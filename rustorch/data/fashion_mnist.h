#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "rustorch/data/transforms.h"

namespace rustorch::data {

/// Fashion-MNIST: 60,000 and 10,000 grey images of clothing, 28×28, in ten classes.
struct FashionMnist {
  static constexpr std::int64_t image_size = 28;
  static constexpr double mean = 0.2860;  ///< of the training pixels in 0 … 1
  static constexpr double std = 0.3530;
  static constexpr std::array<std::string_view, 10> class_names{
      "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

  Tensor train_images;  ///< uint8 [N, 28, 28]
  Tensor train_labels;  ///< int64 [N]
  Tensor test_images;
  Tensor test_labels;

  /// Reads the four IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…, each also with
  /// ".gz") from a folder: the given one, else RUSTORCH_DATA_DIR (or fashion-mnist in it), else where the
  /// Debian package dataset-fashion-mnist puts them. Absent files are an Error (not_found) that names the
  /// folders and the package; images of another size and labels without a class are one that names file and
  /// position.
  static FashionMnist load(const std::filesystem::path& folder = {});
  /// Only the test images; the others stay undefined.
  static FashionMnist load_test(const std::filesystem::path& folder = {});
  /// The folders that load looks into, in order.
  static std::vector<std::filesystem::path> search_path(const std::filesystem::path& folder = {});

  /// Examples as networks take them: float32 [1, 28, 28], normalized by mean and std, and int64 labels. The
  /// images stay uint8 and are converted batch by batch.
  MappedDataset train_set() const;
  MappedDataset test_set() const;
};

/// uint8 [28, 28] or [N, 28, 28] as networks take it: float32 [N, 1, 28, 28], normalized.
Tensor fashion_mnist_input(const Tensor& images);

/// Whether an image has to be turned into its negative to look like Fashion-MNIST (light clothing on black).
enum class Invert : std::uint8_t {
  automatic,  ///< if the border is brighter than half, as in photographs on white
  always,
  never,
};

/// Any image, uint8 [H, W] or [H, W, C], as Fashion-MNIST has them: grey, light on black, uint8 [28, 28].
/// Images that are not square are centred on their background.
Tensor fashion_mnist_image(const Tensor& image, Invert invert = Invert::automatic);

/// The images in a PNG, JPEG or IDX file (28×28 ones are taken as they are from IDX), uint8 [N, 28, 28].
Tensor read_fashion_mnist_images(const std::filesystem::path& path, Invert invert = Invert::automatic);

}  // namespace rustorch::data
