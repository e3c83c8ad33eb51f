#include "rustorch/data/dataset.h"

#include <gtest/gtest.h>

#include "rustorch/data/samplers.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch::data {
namespace {

using testing::expect_error;
using Indices = std::vector<std::int64_t>;
using Values = std::vector<double>;

/// x[i] = [10 i, 10 i + 1], y[i] = i.
TensorDataset numbered(std::int64_t count, std::int64_t first = 0) {
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (std::int64_t i = first; i < first + count; ++i) {
    x.push_back(static_cast<float>(10 * i));
    x.push_back(static_cast<float>(10 * i + 1));
    y.push_back(i);
  }
  return TensorDataset(from_vector(x, {count, 2}), tensor(y));
}

/// Its get has no batched form.
class Squares : public Dataset {
 public:
  explicit Squares(std::int64_t size) : size_(size) {}
  std::int64_t size() const override { return size_; }
  Example get(std::int64_t index) const override {
    return {full({2}, static_cast<double>(index * index), {.dtype = float64}), scalar_tensor(index)};
  }

 private:
  std::int64_t size_;
};

TEST(TensorDataset, GathersRows) {
  const TensorDataset dataset = numbered(5);
  EXPECT_EQ(dataset.size(), 5);
  const Indices indices{4, 0, 4};
  const auto [x, y] = dataset.get_batch(indices);
  EXPECT_EQ(x.shape(), (Shape{3, 2}));
  EXPECT_EQ(x.dtype(), float32);
  EXPECT_EQ(x.to_vector<double>(), (Values{40, 41, 0, 1, 40, 41}));
  EXPECT_EQ(y.dtype(), int64);
  EXPECT_EQ(y.to_vector<double>(), (Values{4, 0, 4}));
}

TEST(TensorDataset, GivesSingleExamples) {
  const auto [x, y] = numbered(5).get(3);
  EXPECT_EQ(x.shape(), (Shape{2}));
  EXPECT_EQ(x.to_vector<double>(), (Values{30, 31}));
  EXPECT_EQ(y.shape(), Shape{});
  EXPECT_EQ(y.item<int>(), 3);
}

TEST(TensorDataset, NeedsNoTargets) {
  const TensorDataset dataset(arange(6, {.dtype = uint8}).reshape({3, 2}));
  const Indices indices{2};
  const Batch batch = dataset.get_batch(indices);
  EXPECT_FALSE(batch.y.defined());
  EXPECT_EQ(batch.size(), 1);
  EXPECT_EQ(batch.x.to_vector<int>(), (std::vector<int>{4, 5}));
  EXPECT_FALSE(dataset.get(0).y.defined());
}

TEST(TensorDataset, TakesStridedTensorsAndEveryDtype) {
  for (const DType dtype : {uint8, int16, float32, float64, complex128, bool_}) {
    const Tensor x = arange(6, {.dtype = float32}).reshape({2, 3}).to(dtype);
    const TensorDataset dataset(x.t());
    const Indices indices{2, 1};
    const Tensor rows = dataset.get_batch(indices).x;
    EXPECT_EQ(rows.dtype(), dtype);
    EXPECT_EQ(rows.to(float32).to_vector<double>(),
              x.to(float32).t().contiguous().narrow(0, 1, 2).flip({0}).to_vector<double>());
  }
}

TEST(TensorDataset, RowsWithoutElementsAndEmptyBatches) {
  const TensorDataset dataset(zeros({3, 0}));
  const Indices indices{2, 2};
  EXPECT_EQ(dataset.get_batch(indices).x.shape(), (Shape{2, 0}));
  EXPECT_EQ(TensorDataset(zeros({0, 4})).size(), 0);
  EXPECT_EQ(numbered(3).get_batch(Indices{}).x.shape(), (Shape{0, 2}));
}

TEST(TensorDataset, RefusesWhatDoesNotFit) {
  expect_error(ErrorCode::shape_mismatch, "[3, 2] and y of shape [2]", [] {
    return TensorDataset(zeros({3, 2}), zeros({2})).size();
  });
  expect_error(ErrorCode::shape_mismatch, "no dims", [] { return TensorDataset(scalar_tensor(1)).size(); });
  expect_error(ErrorCode::invalid_argument, "undefined", [] { return TensorDataset(Tensor()).size(); });
  const TensorDataset dataset = numbered(3);
  for (const std::int64_t index : {std::int64_t{-1}, std::int64_t{3}}) {
    const Indices indices{0, index};
    expect_error(ErrorCode::index_out_of_range, fmt::format("example {} of a dataset of 3", index),
                 [&] { return dataset.get_batch(indices); });
    expect_error(ErrorCode::index_out_of_range, "of a dataset of 3", [&] { return dataset.get(index); });
  }
}

TEST(Dataset, StacksExamplesByDefault) {
  const Squares dataset(10);
  const Indices indices{3, 1};
  const auto [x, y] = dataset.get_batch(indices);
  EXPECT_EQ(x.shape(), (Shape{2, 2}));
  EXPECT_EQ(x.dtype(), float64);
  EXPECT_EQ(x.to_vector<double>(), (Values{9, 9, 1, 1}));
  EXPECT_EQ(y.to_vector<double>(), (Values{3, 1}));
}

TEST(Dataset, SaysWhichExamplesDoNotStack) {
  struct Growing : Dataset {
    std::int64_t size() const override { return 4; }
    Example get(std::int64_t index) const override {
      if (index == 3) return {};
      return {zeros({index + 1}), {}};
    }
  };
  const Growing dataset;
  const Indices unequal{1, 1, 2}, missing{3};
  expect_error(ErrorCode::shape_mismatch, "the first is float32 [2], number 2 is float32 [3]", "transform",
               [&] { return dataset.get_batch(unequal); });
  const auto error = testing::error_of([&] { return dataset.get_batch(missing); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->context().at(0), "getting example 3");
  expect_error(ErrorCode::invalid_argument, "no examples", [&] { return dataset.get_batch(Indices{}); });
}

TEST(ConcatDataset, CountsThroughItsParts) {
  const ConcatDataset dataset({numbered(3), numbered(0), numbered(4, 100)});
  EXPECT_EQ(dataset.size(), 7);
  EXPECT_EQ(dataset.get(2).y.item<int>(), 2);
  EXPECT_EQ(dataset.get(3).y.item<int>(), 100);
  const Indices mixed{6, 0, 3, 2};
  const auto [x, y] = dataset.get_batch(mixed);
  EXPECT_EQ(y.to_vector<double>(), (Values{103, 0, 100, 2}));
  EXPECT_EQ(x.to_vector<double>(), (Values{1030, 1031, 0, 1, 1000, 1001, 20, 21}));
  const Indices one_part{5, 4};
  EXPECT_EQ(dataset.get_batch(one_part).y.to_vector<double>(), (Values{102, 101}));
  expect_error(ErrorCode::index_out_of_range, "example 7 of a dataset of 7", [&] { return dataset.get(7); });
}

TEST(ConcatDataset, RefusesPartsThatDiffer) {
  const ConcatDataset shapes({TensorDataset(zeros({2, 3})), TensorDataset(zeros({2, 4}))});
  const Indices indices{0, 2};
  expect_error(ErrorCode::shape_mismatch, "[2, 3]", [&] { return shapes.get_batch(indices); });
  const ConcatDataset targets({numbered(2), TensorDataset(zeros({2, 2}))});
  expect_error(ErrorCode::invalid_argument, "targets", [&] { return targets.get_batch(indices); });
}

TEST(Subset, MapsIndices) {
  const Subset subset(numbered(10), {7, 3, 9});
  EXPECT_EQ(subset.size(), 3);
  EXPECT_EQ(subset.get(1).y.item<int>(), 3);
  const Indices indices{2, 0};
  EXPECT_EQ(subset.get_batch(indices).y.to_vector<double>(), (Values{9, 7}));
  expect_error(ErrorCode::index_out_of_range, "example 10 of a dataset of 10",
               [] { return Subset(numbered(10), {10}).size(); });
  expect_error(ErrorCode::index_out_of_range, "example 3 of a dataset of 3", [&] { return subset.get(3); });
}

TEST(RandomSplit, DealsEveryExampleOnce) {
  const std::vector<Subset> parts = random_split(numbered(10), {7, 3}, 1);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].size(), 7);
  EXPECT_EQ(parts[1].size(), 3);
  Indices all = parts[0].indices();
  all.insert(all.end(), parts[1].indices().begin(), parts[1].indices().end());
  EXPECT_EQ(all, random_permutation(10, 1));
  EXPECT_NE(parts[0].indices(), random_split(numbered(10), {7, 3}, 2)[0].indices());
}

TEST(RandomSplit, TakesFractions) {
  const std::vector<Subset> parts = random_split(numbered(11), {0.5, 0.25, 0.25});
  EXPECT_EQ(parts[0].size(), 6);  // 5, 2, 2 and one more for the first two
  EXPECT_EQ(parts[1].size(), 3);
  EXPECT_EQ(parts[2].size(), 2);
}

TEST(RandomSplit, RefusesSizesThatDoNotAddUp) {
  const TensorDataset dataset = numbered(10);
  expect_error(ErrorCode::invalid_argument, "[7, 2]", [&] { return random_split(dataset, {7, 2}); });
  expect_error(ErrorCode::invalid_argument, "[12, -2]", [&] { return random_split(dataset, {12, -2}); });
  expect_error(ErrorCode::invalid_argument, "sum to 1.1", [&] { return random_split(dataset, {0.6, 0.5}); });
  expect_error(ErrorCode::invalid_argument, "all counts", [&] { return random_split(dataset, {5, 0.5}); });
}

TEST(DatasetHandle, CopiesObjectsAndSharesPointers) {
  const auto shared = std::make_shared<Squares>(3);
  const DatasetHandle pointer = shared;
  EXPECT_EQ(&*pointer, shared.get());
  const Squares object(4);
  const DatasetHandle copy = object;
  EXPECT_NE(&*copy, &object);
  EXPECT_EQ(copy->size(), 4);
  // Known by its base only: a copy would be cut.
  const Dataset& base = object;
  EXPECT_EQ(&*DatasetHandle(base), &object);
  struct Longer : Squares {
    Longer() : Squares(1) {}
    std::int64_t size() const override { return 99; }
  };
  const Longer longer;
  const Squares& as_base = longer;
  EXPECT_EQ(DatasetHandle(as_base)->size(), 99);
  struct Fixed : Squares {
    Fixed() : Squares(5) {}
    Fixed(const Fixed&) = delete;
  };
  Fixed fixed;
  EXPECT_EQ(&*DatasetHandle(fixed), &fixed);
  expect_error(ErrorCode::invalid_argument, "null",
               [] { return DatasetHandle(std::shared_ptr<Squares>())->size(); });
}

}  // namespace
}  // namespace rustorch::data
