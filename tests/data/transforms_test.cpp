#include "rustorch/data/transforms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch::data {
namespace {

using testing::expect_error;
using Values = std::vector<double>;

Tensor images(const Shape& shape, DType dtype = uint8) {
  return arange(shape.element_count()).to(dtype).reshape(shape);
}

TEST(ToTensor, MakesFloatsBetweenZeroAndOne) {
  const Tensor x = ToTensor()(tensor(std::vector<std::uint8_t>{0, 51, 255, 1}).reshape({1, 2, 2}));
  EXPECT_EQ(x.shape(), (Shape{1, 1, 2, 2}));
  EXPECT_EQ(x.dtype(), float32);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0.f, 51.f / 255.f, 1.f, 1.f / 255.f}));
}

TEST(ToTensor, BringsChannelsToTheFront) {
  const Tensor x = images({2, 3, 4, 3});
  const Tensor y = ToTensor()(x);
  EXPECT_EQ(y.shape(), (Shape{2, 3, 3, 4}));
  EXPECT_TRUE(y.is_contiguous());
  EXPECT_EQ(y.to_vector<float>(), (x.permute({0, 3, 1, 2}).to(float32) / 255.0f).to_vector<float>());
}

TEST(ToTensor, FusesWithNormalizeWithoutChangingABit) {
  const Tensor x = images({3, 5, 4, 3});
  const Normalize normalize({0.485, 0.456, 0.406}, {0.229, 0.224, 0.225});
  const Compose fused{ToTensor(), normalize};
  EXPECT_EQ(fused.passes(), 1u);
  EXPECT_EQ(fused(x).to_vector<float>(), normalize(ToTensor()(x)).to_vector<float>());
  const Tensor grey = images({4, 8, 8});
  const Normalize one({0.2860}, {0.3530});
  EXPECT_EQ((Compose{ToTensor(), one})(grey).to_vector<float>(), one(ToTensor()(grey)).to_vector<float>());
  // A second Normalize is a pass of its own.
  EXPECT_EQ((Compose{ToTensor(), one, one}).passes(), 2u);
  EXPECT_EQ((Compose{RandomHorizontalFlip(), ToTensor(), one}).passes(), 2u);
}

TEST(ToTensor, RefusesOtherImages) {
  expect_error(ErrorCode::dtype_mismatch, "float32", "leave it out", [] {
    return ToTensor()(zeros({1, 2, 2}));
  });
  expect_error(ErrorCode::shape_mismatch, "[1, 3, 8, 8]", [] { return ToTensor()(images({1, 3, 8, 8})); });
  expect_error(ErrorCode::shape_mismatch, "at least 3 dims", [] { return ToTensor()(images({8, 8})); });
  expect_error(ErrorCode::shape_mismatch, "of 2 channels", [] {
    return (Compose{ToTensor(), Normalize({0.1, 0.2}, {1.0, 1.0})})(images({1, 4, 4, 3}));
  });
}

TEST(Normalize, SubtractsAndDividesByChannel) {
  const Tensor x = images({2, 2, 1, 2}, float32);  // 0 … 7
  EXPECT_EQ(Normalize({1.0}, {2.0})(x).to_vector<double>(), (Values{-0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3}));
  EXPECT_EQ(Normalize({0.0, 2.0}, {1.0, 2.0})(x).to_vector<double>(), (Values{0, 1, 0, 0.5, 4, 5, 2, 2.5}));
  EXPECT_EQ(Normalize({1.0}, {2.0})(x.to(float64)).dtype(), float64);
  EXPECT_EQ(Normalize({1.0}, {2.0})(zeros({0, 3})).shape(), (Shape{0, 3}));
}

TEST(Normalize, RefusesWhatDoesNotFit) {
  expect_error(ErrorCode::invalid_argument, "2 values of mean and 1 of std", [] {
    return Normalize({1.0, 2.0}, {1.0}).mean();
  });
  expect_error(ErrorCode::invalid_argument, "std of 0", [] { return Normalize({1.0}, {0.0}).mean(); });
  expect_error(ErrorCode::dtype_mismatch, "uint8", "ToTensor", [] {
    return Normalize({1.0}, {1.0})(images({1, 2, 2}));
  });
  expect_error(ErrorCode::shape_mismatch, "of 2 channels, the batch of shape [1, 3, 2] has 3", [] {
    return Normalize({1.0, 1.0}, {1.0, 1.0})(zeros({1, 3, 2}));
  });
}

TEST(RandomHorizontalFlip, MirrorsRowsOfSomeImages) {
  const Tensor x = images({200, 2, 3}, int32);
  EXPECT_EQ(RandomHorizontalFlip(1.0)(x).to_vector<int>(), x.flip({2}).to_vector<int>());
  EXPECT_EQ(RandomHorizontalFlip(0.0)(x).to_vector<int>(), x.to_vector<int>());
  RandomStream random(3);
  const Tensor y = RandomHorizontalFlip().apply(x, random);
  int flipped = 0;
  for (std::int64_t i = 0; i < 200; ++i) {
    const std::vector<int> before = x[i].to_vector<int>(), after = y[i].to_vector<int>();
    if (after == before) continue;
    EXPECT_EQ(after, x[i].flip({1}).to_vector<int>());
    ++flipped;
  }
  EXPECT_NEAR(flipped, 100, 30);
  expect_error(ErrorCode::invalid_argument, "probability of 1.5", [] {
    return RandomHorizontalFlip(1.5)(zeros({1, 1}));
  });
}

TEST(RandomHorizontalFlip, TakesEveryItemSize) {
  for (const DType dtype : {uint8, float16, float32, float64, complex128}) {
    const Tensor x = images({2, 1, 3}, int32).to(dtype);
    const Tensor y = RandomHorizontalFlip(1.0)(x);
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(y.to(float32).to_vector<double>(), (Values{2, 1, 0, 5, 4, 3}));
  }
  EXPECT_EQ(RandomHorizontalFlip(1.0)(zeros({0, 2, 2})).shape(), (Shape{0, 2, 2}));
}

TEST(RandomCrop, CutsWindowsOutOfThePaddedImage) {
  // Distinct values, so that a window shows where it was.
  const Tensor x = images({100, 2, 4, 5}, float32) + 1;
  const Tensor padded = pad(x, {1, 1, 1, 1}, PadMode::constant, -1.0);
  RandomStream random(1);
  const Tensor y = RandomCrop(4, 5, {.padding = 1, .fill = -1.0}).apply(x, random);
  EXPECT_EQ(y.shape(), x.shape());
  std::vector<int> seen(9);
  for (std::int64_t i = 0; i < 100; ++i) {
    const std::vector<float> window = y[i].to_vector<float>();
    int matches = 0;
    for (std::int64_t top = 0; top < 3; ++top) {
      for (std::int64_t left = 0; left < 3; ++left) {
        const Tensor wanted = padded[i].narrow(1, top, 4).narrow(2, left, 5);
        if (wanted.to_vector<float>() != window) continue;
        ++matches;
        ++seen[static_cast<std::size_t>(top * 3 + left)];
      }
    }
    EXPECT_EQ(matches, 1) << i;
  }
  for (const int count : seen) EXPECT_GT(count, 0);
}

TEST(RandomCrop, WithoutPaddingAndForEveryItemSize) {
  for (const DType dtype : {uint8, int16, float64, complex128}) {
    const Tensor x = images({3, 4, 4}, int32).to(dtype);
    const Tensor y = RandomCrop(4)(x);
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(y.to(float32).to_vector<double>(), x.to(float32).to_vector<double>());
  }
  EXPECT_EQ(RandomCrop(2)(images({3, 4, 4})).shape(), (Shape{3, 2, 2}));
  // Windows that lie in the padding only.
  EXPECT_EQ(RandomCrop(1, {.padding = 3, .fill = 7})(images({50, 1, 1})).shape(), (Shape{50, 1, 1}));
  EXPECT_EQ(RandomCrop(2, {.padding = 1})(zeros({0, 2, 2})).shape(), (Shape{0, 2, 2}));
}

TEST(RandomCrop, RefusesWindowsThatDoNotFit) {
  expect_error(ErrorCode::shape_mismatch, "5 x 5 of images of 2 x 2 with a padding of 1", "padding", [] {
    return RandomCrop(5, {.padding = 1})(zeros({1, 2, 2}));
  });
  expect_error(ErrorCode::invalid_argument, "0 x 0", [] { return RandomCrop(0)(zeros({1, 2, 2})); });
}

TEST(Compose, RunsFunctionsToo) {
  const Compose twice{[](const Tensor& x) { return x * 2; }, Lambda([](const Tensor& x) { return x + 1; })};
  EXPECT_EQ(twice(arange(3)).to_vector<int>(), (std::vector<int>{1, 3, 5}));
  const Compose one{[](const Tensor& x) { return x * 2; }};
  EXPECT_EQ((Compose{one, one}(arange(3)).to_vector<int>()), (std::vector<int>{0, 4, 8}));
  expect_error(ErrorCode::invalid_argument, "null", [] { return (Compose{TransformHandle()}).passes(); });
}

TEST(MappedDataset, TransformsInputsAndTargets) {
  const TensorDataset dataset(images({6, 2, 2}), arange(6));
  const MappedDataset mapped(dataset, Compose{ToTensor()}, [](const Tensor& y) { return y * 10; });
  EXPECT_EQ(mapped.size(), 6);
  const std::vector<std::int64_t> indices{5, 2};
  const auto [x, y] = mapped.get_batch(indices);
  EXPECT_EQ(x.shape(), (Shape{2, 1, 2, 2}));
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{50, 20}));
  const Example example = mapped.get(2);
  EXPECT_EQ(example.x.shape(), (Shape{1, 2, 2}));
  EXPECT_EQ(example.x.to_vector<float>(), x[1].to_vector<float>());
  EXPECT_EQ(example.y.item<int>(), 20);
  const MappedDataset no_targets(TensorDataset(images({6, 2, 2})), ToTensor());
  EXPECT_FALSE(no_targets.get(0).y.defined());
}

}  // namespace
}  // namespace rustorch::data
