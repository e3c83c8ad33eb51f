#include "rustorch/data/fashion_mnist.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "rustorch/data/idx.h"
#include "rustorch/data/image.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/print.h"
#include "support/temporary_folder.h"

namespace rustorch::data {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;
using testing::write_file;

/// Images of one value each, and labels i % 10.
void write_part(const std::filesystem::path& folder, const std::string& prefix, std::int64_t count,
                const std::string& suffix = "") {
  const Tensor values = arange(count).reshape({count, 1, 1}).expand({count, 28, 28});
  write_idx(folder / (prefix + "-images-idx3-ubyte" + suffix), values.to(uint8));
  std::vector<std::uint8_t> labels;
  for (std::int64_t i = 0; i < count; ++i) labels.push_back(static_cast<std::uint8_t>(i % 10));
  write_idx(folder / (prefix + "-labels-idx1-ubyte" + suffix), tensor(labels));
}

/// Sets an environment variable while it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(FashionMnist, ReadsAFolderGzippedOrNot) {
  for (const char* suffix : {"", ".gz"}) {
    const TemporaryFolder folder;
    write_part(folder.path(), "train", 12, suffix);
    write_part(folder.path(), "t10k", 11, suffix);
    const FashionMnist data = FashionMnist::load(folder.path());
    EXPECT_EQ(data.train_images.shape(), (Shape{12, 28, 28}));
    EXPECT_EQ(data.train_images.dtype(), uint8);
    EXPECT_EQ(data.train_labels.dtype(), int64);
    EXPECT_EQ(data.train_labels.to_vector<int>(), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1}));
    EXPECT_EQ(data.test_images.size(0), 11);
    EXPECT_FALSE(FashionMnist::load_test(folder.path()).train_images.defined());
  }
}

TEST(FashionMnist, LooksInKnownPlaces) {
  const TemporaryFolder folder;
  const std::filesystem::path inner = folder / "FashionMNIST" / "raw";
  std::filesystem::create_directories(inner);
  write_part(inner, "train", 3);
  write_part(inner, "t10k", 2);
  EXPECT_EQ(FashionMnist::load(folder.path()).train_images.size(0), 3);
  const Environment environment("RUSTORCH_DATA_DIR", folder.path().string());
  EXPECT_EQ(FashionMnist::load().train_images.size(0), 3);
  EXPECT_EQ(FashionMnist::search_path().front(), folder.path());
  EXPECT_EQ(FashionMnist::search_path().back(), "/usr/share/datasets/fashion-mnist");
}

TEST(FashionMnist, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::not_found, folder.path().string(), "apt-get install dataset-fashion-mnist",
               [&] { return FashionMnist::load(folder.path()); });
  write_part(folder.path(), "train", 3);
  expect_error(ErrorCode::not_found, "lacks t10k-images-idx3-ubyte (or",
               "apt-get install dataset-fashion-mnist", [&] { return FashionMnist::load(folder.path()); });
}

TEST(FashionMnist, RefusesOtherData) {
  const TemporaryFolder folder;
  write_part(folder.path(), "train", 3);
  write_part(folder.path(), "t10k", 3);
  const auto load = [&] { return FashionMnist::load(folder.path()); };

  write_idx(folder / "t10k-labels-idx1-ubyte", tensor(std::vector<std::uint8_t>{1, 9, 10}));
  expect_error(ErrorCode::corrupt_data, "t10k-labels-idx1-ubyte: byte 10: label 10 of image 2", load);
  write_idx(folder / "t10k-labels-idx1-ubyte", tensor(std::vector<std::uint8_t>{1, 9}));
  expect_error(ErrorCode::corrupt_data, "t10k-labels-idx1-ubyte: 2 labels for 3 images", load);
  write_idx(folder / "t10k-labels-idx1-ubyte", zeros({3, 1}).to(uint8));
  expect_error(ErrorCode::corrupt_data, "uint8 [3, 1] is not a list of labels", load);
  write_idx(folder / "t10k-images-idx3-ubyte", zeros({3, 27, 28}).to(uint8));
  expect_error(ErrorCode::corrupt_data, "t10k-images-idx3-ubyte: uint8 [3, 27, 28] is not a list of images",
               load);
  write_file(folder / "t10k-images-idx3-ubyte", "nonsense");
  expect_error(ErrorCode::corrupt_data, "t10k-images-idx3-ubyte: byte 0: not an IDX file", load);
}

TEST(FashionMnist, TheRealThing) {
  const std::filesystem::path package = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(package)) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const FashionMnist data = FashionMnist::load(package);
  EXPECT_EQ(data.train_images.shape(), (Shape{60000, 28, 28}));
  EXPECT_EQ(data.test_images.shape(), (Shape{10000, 28, 28}));
  std::vector<int> counts(10);
  for (const std::int64_t label : data.train_labels.data<std::int64_t>())
    ++counts[static_cast<std::size_t>(label)];
  EXPECT_EQ(counts, std::vector<int>(10, 6000));

  // The published mean and standard deviation are those of the training pixels.
  double sum = 0.0, squares = 0.0;
  for (const std::uint8_t pixel : data.train_images.data<std::uint8_t>()) {
    const double value = pixel / 255.0;
    sum += value;
    squares += value * value;
  }
  const double count = static_cast<double>(data.train_images.numel());
  EXPECT_NEAR(sum / count, FashionMnist::mean, 1e-4);
  EXPECT_NEAR(std::sqrt(squares / count - sum / count * (sum / count)), FashionMnist::std, 1e-4);
}

TEST(FashionMnist, GivesNetworksNormalizedBatches) {
  FashionMnist data;
  data.train_images = full({4, 28, 28}, 51).to(uint8);
  data.train_labels = arange(4);
  const MappedDataset dataset = data.train_set();
  const std::vector<std::int64_t> indices{3, 1};
  const auto [x, y] = dataset.get_batch(indices);
  EXPECT_EQ(x.shape(), (Shape{2, 1, 28, 28}));
  EXPECT_FLOAT_EQ(x.data<float>()[0], (51.0f / 255.0f - 0.2860f) / 0.3530f);
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{3, 1}));
  EXPECT_EQ(fashion_mnist_input(data.train_images).to_vector<float>()[0], x.data<float>()[0]);
  EXPECT_EQ(fashion_mnist_input(data.train_images[0]).shape(), (Shape{1, 1, 28, 28}));
  expect_error(ErrorCode::shape_mismatch, "[4, 27, 28]", [] {
    return fashion_mnist_input(zeros({4, 27, 28}).to(uint8));
  });
}

TEST(FashionMnistImage, LeavesItsOwnKindAlone) {
  Tensor x = zeros({28, 28}).to(uint8);
  x.mutable_data<std::uint8_t>()[14 * 28 + 14] = 250;
  EXPECT_EQ(fashion_mnist_image(x).to_vector<int>(), x.to_vector<int>());
}

TEST(FashionMnistImage, InvertsPicturesOnWhite) {
  Tensor x = full({28, 28}, 255).to(uint8);
  x.mutable_data<std::uint8_t>()[14 * 28 + 14] = 5;
  const Tensor y = fashion_mnist_image(x);
  EXPECT_EQ(y.data<std::uint8_t>()[0], 0);
  EXPECT_EQ(y.data<std::uint8_t>()[14 * 28 + 14], 250);
  EXPECT_EQ(fashion_mnist_image(x, Invert::never).to_vector<int>(), x.to_vector<int>());
  EXPECT_EQ(fashion_mnist_image(y, Invert::always).to_vector<int>(), x.to_vector<int>());
}

TEST(FashionMnistImage, CentresPicturesThatAreNotSquare) {
  const Tensor wide = full({14, 56, 3}, 200).to(uint8);
  const Tensor y = fashion_mnist_image(wide, Invert::never);
  EXPECT_EQ(y.shape(), (Shape{28, 28}));
  EXPECT_EQ(y.to_vector<int>(), std::vector<int>(784, 200));  // the background is the border's
  // One row of pixels, however long, takes no more memory than it has.
  EXPECT_EQ(fashion_mnist_image(full({1, 60000}, 9).to(uint8)).shape(), (Shape{28, 28}));
  EXPECT_EQ(fashion_mnist_image(full({1, 1}, 9).to(uint8)).to_vector<int>(), std::vector<int>(784, 9));
}

TEST(FashionMnistImage, ReadsPicturesAndIdx) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_fashion_mnist_images(testing::test_data("images/rgb.png")).shape(), (Shape{1, 28, 28}));
  EXPECT_EQ(read_fashion_mnist_images(testing::test_data("images/rgb.jpg")).shape(), (Shape{1, 28, 28}));
  write_part(folder.path(), "t10k", 5, ".gz");
  const Tensor five = read_fashion_mnist_images(folder / "t10k-images-idx3-ubyte.gz");
  EXPECT_EQ(five.shape(), (Shape{5, 28, 28}));
  EXPECT_EQ(five[4].to_vector<int>(), std::vector<int>(784, 4));
  write_idx(folder / "one", full({28, 28}, 7).to(uint8));
  EXPECT_EQ(read_fashion_mnist_images(folder / "one").shape(), (Shape{1, 28, 28}));
  write_idx(folder / "larger", full({3, 56, 50}, 7).to(uint8));
  EXPECT_EQ(read_fashion_mnist_images(folder / "larger").shape(), (Shape{3, 28, 28}));
  expect_error(ErrorCode::corrupt_data, "is not a list of images",
               [&] { return read_fashion_mnist_images(folder / "t10k-labels-idx1-ubyte.gz"); });
  expect_error(ErrorCode::not_found, "absent", [&] { return read_fashion_mnist_images(folder / "absent"); });
}

}  // namespace
}  // namespace rustorch::data
