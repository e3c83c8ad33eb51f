#include "rustorch/data/fashion_mnist.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "rustorch/data/idx.h"
#include "rustorch/data/image.h"
#include "rustorch/data/rows.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch::data {

namespace {

namespace fs = std::filesystem;

constexpr const char* package_folder = "/usr/share/datasets/fashion-mnist";
constexpr const char* suggested_package =
    "apt-get install dataset-fashion-mnist, or name a folder with the four IDX files (--data DIR, "
    "RUSTORCH_DATA_DIR)";
constexpr std::int64_t image_size = FashionMnist::image_size;

/// One half of the data set: the names of its two files.
struct Part {
  const char* images;
  const char* labels;
};
constexpr Part train_part{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
constexpr Part test_part{"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

/// The file of this name in a folder, gzipped or not; empty if it is not there.
fs::path find_file(const fs::path& folder, const std::string& name) {
  for (const char* suffix : {"", ".gz"}) {
    fs::path path = folder / (name + suffix);
    std::error_code error;
    if (fs::exists(path, error)) return path;
  }
  return {};
}

/// The first folder that has any of the four files.
fs::path find_folder(const fs::path& given) {
  const std::vector<fs::path> folders = FashionMnist::search_path(given);
  for (const fs::path& folder : folders) {
    for (const Part& part : {train_part, test_part}) {
      if (!find_file(folder, part.images).empty() || !find_file(folder, part.labels).empty()) return folder;
    }
  }
  std::string names;
  for (const fs::path& folder : folders) names += (names.empty() ? "" : ", ") + folder.string();
  fail_with_suggestion(ErrorCode::not_found, suggested_package,
                       "Fashion-MNIST is not there: no {} or {}.gz in {}", train_part.images,
                       train_part.images, names);
}

fs::path require_file(const fs::path& folder, const std::string& name) {
  fs::path path = find_file(folder, name);
  if (path.empty()) {
    fail_with_suggestion(ErrorCode::not_found, suggested_package, "{}: Fashion-MNIST lacks {} (or {}.gz)",
                         folder.string(), name, name);
  }
  return path;
}

Tensor read_images(const fs::path& path) {
  Tensor images = read_idx(path);
  RUSTORCH_CHECK(images.dtype() == uint8 && images.rank() == 3 && images.size(1) == image_size &&
                     images.size(2) == image_size,
                 corrupt_data, "{}: {} {} is not a list of images, uint8 [N, {}, {}]", path.string(),
                 images.dtype(), images.shape(), image_size, image_size);
  return images;
}

Tensor read_labels(const fs::path& path, std::int64_t images) {
  const Tensor raw = read_idx(path);
  RUSTORCH_CHECK(raw.dtype() == uint8 && raw.rank() == 1, corrupt_data,
                 "{}: {} {} is not a list of labels, uint8 [N]", path.string(), raw.dtype(), raw.shape());
  RUSTORCH_CHECK(raw.size(0) == images, corrupt_data, "{}: {} labels for {} images", path.string(),
                 raw.size(0), images);
  Tensor labels = allocate_host(raw.shape(), int64);
  const std::span<std::int64_t> values = labels.initial_data<std::int64_t>();
  std::size_t index = 0;
  for (const std::uint8_t label : raw.data<std::uint8_t>()) {
    RUSTORCH_CHECK(label < FashionMnist::class_names.size(), corrupt_data,
                   "{}: byte {}: label {} of image {}; there are only the classes 0 … {}", path.string(),
                   8 + index, label, index, FashionMnist::class_names.size() - 1);
    values[index++] = label;
  }
  return labels;
}

void read_part(const fs::path& folder, const Part& part, Tensor& images, Tensor& labels) {
  images = read_images(require_file(folder, part.images));
  labels = read_labels(require_file(folder, part.labels), images.size(0));
}

Compose input_transform() {
  return Compose{ToTensor(), Normalize({FashionMnist::mean}, {FashionMnist::std})};
}

/// The average of the outermost pixels of a grey image.
double border_brightness(std::span<const std::uint8_t> pixels, std::int64_t height, std::int64_t width) {
  double sum = 0.0;
  std::int64_t count = 0;
  for (std::int64_t y = 0; y < height; ++y) {
    const bool whole_row = y == 0 || y == height - 1;
    for (std::int64_t x = 0; x < width; x += whole_row ? 1 : std::max<std::int64_t>(1, width - 1)) {
      sum += pixels[static_cast<std::size_t>(y * width + x)];
      ++count;
    }
  }
  return sum / static_cast<double>(count);
}

}  // namespace

std::vector<fs::path> FashionMnist::search_path(const fs::path& folder) {
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& root) {
    folders.push_back(root);
    folders.push_back(root / "fashion-mnist");
    folders.push_back(root / "FashionMNIST" / "raw");  // where torchvision puts them
  };
  if (!folder.empty()) {
    add(folder);
    return folders;
  }
  if (const char* root = std::getenv("RUSTORCH_DATA_DIR"); root != nullptr && *root != '\0') add(root);
  folders.emplace_back(package_folder);
  return folders;
}

FashionMnist FashionMnist::load(const fs::path& folder) {
  const fs::path found = find_folder(folder);
  FashionMnist data;
  read_part(found, train_part, data.train_images, data.train_labels);
  read_part(found, test_part, data.test_images, data.test_labels);
  return data;
}

FashionMnist FashionMnist::load_test(const fs::path& folder) {
  FashionMnist data;
  read_part(find_folder(folder), test_part, data.test_images, data.test_labels);
  return data;
}

MappedDataset FashionMnist::train_set() const {
  return MappedDataset(TensorDataset(train_images, train_labels), input_transform());
}

MappedDataset FashionMnist::test_set() const {
  return MappedDataset(TensorDataset(test_images, test_labels), input_transform());
}

Tensor fashion_mnist_input(const Tensor& images) {
  const Tensor batch = images.rank() == 2 ? unsqueeze(images, 0) : images;
  RUSTORCH_CHECK(batch.rank() == 3 && batch.size(1) == image_size && batch.size(2) == image_size,
                 shape_mismatch, "Fashion-MNIST images are [N, {}, {}], these are {}", image_size, image_size,
                 images.shape());
  return input_transform()(batch);
}

Tensor fashion_mnist_image(const Tensor& image, Invert invert) {
  const Tensor grey = to_grey(image);
  const std::int64_t height = grey.size(0), width = grey.size(1);
  const double border = border_brightness(grey.data<std::uint8_t>(), height, width);
  const bool negative = invert == Invert::always || (invert == Invert::automatic && border > 127.5);

  // Scaled as a whole, then laid in the middle of a square of its background.
  const auto scaled = [side = std::max(height, width)](std::int64_t size) {
    return std::max<std::int64_t>(1, (size * image_size + side / 2) / side);
  };
  const std::int64_t rows = scaled(height), columns = scaled(width);
  const Tensor small = resize_area(grey, rows, columns);
  Tensor square = allocate_host({image_size, image_size}, uint8);
  const std::span<std::uint8_t> canvas = square.initial_data<std::uint8_t>();
  std::fill(canvas.begin(), canvas.end(), static_cast<std::uint8_t>(std::lround(border)));
  const std::int64_t top = (image_size - rows) / 2, left = (image_size - columns) / 2;
  const std::uint8_t* line = small.data<std::uint8_t>().data();
  for (std::int64_t y = 0; y < rows; ++y, line += columns) {
    std::copy_n(line, columns, canvas.begin() + (top + y) * image_size + left);
  }
  if (negative) {
    for (std::uint8_t& value : canvas) value = static_cast<std::uint8_t>(255 - value);
  }
  return square;
}

Tensor read_fashion_mnist_images(const fs::path& path, Invert invert) {
  if (!is_idx_file(path)) return unsqueeze(fashion_mnist_image(read_image(path), invert), 0);
  Tensor images = read_idx(path);
  RUSTORCH_CHECK(images.dtype() == uint8 && (images.rank() == 2 || images.rank() == 3) && images.numel() > 0,
                 corrupt_data, "{}: {} {} is not a list of images, uint8 [N, H, W]", path.string(),
                 images.dtype(), images.shape());
  if (images.rank() == 2) images = unsqueeze(images, 0);
  if (images.size(1) == image_size && images.size(2) == image_size && invert != Invert::always) return images;
  std::vector<Tensor> converted;
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    converted.push_back(fashion_mnist_image(select(images, 0, i), invert));
  }
  return stack_rows(converted);
}

}  // namespace rustorch::data
