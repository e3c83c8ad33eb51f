#include "rustorch/data/samplers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch::data {
namespace {

using testing::expect_error;
using Indices = std::vector<std::int64_t>;

Indices sorted(Indices indices) {
  std::sort(indices.begin(), indices.end());
  return indices;
}

Indices first_integers(std::int64_t count) {
  Indices indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), std::int64_t{0});
  return indices;
}

TEST(Samplers, SequentialIsInOrder) {
  EXPECT_EQ(SequentialSampler(4).indices(3), (Indices{0, 1, 2, 3}));
  EXPECT_TRUE(SequentialSampler(0).indices(0).empty());
}

TEST(Samplers, RandomIsAPermutationOfSeedAndEpoch) {
  const RandomSampler sampler(100, 5);
  EXPECT_EQ(sampler.size(), 100);
  const Indices first = sampler.indices(0);
  EXPECT_EQ(sorted(first), first_integers(100));
  EXPECT_NE(first, first_integers(100));
  EXPECT_EQ(first, RandomSampler(100, 5).indices(0));
  EXPECT_NE(first, sampler.indices(1));
  EXPECT_NE(first, RandomSampler(100, 6).indices(0));
  EXPECT_TRUE(RandomSampler(0).indices(0).empty());
}

TEST(Samplers, PermutationsAreUniform) {
  // All 6 orders of 3 come about equally often.
  std::vector<int> counts(27);
  for (std::uint64_t epoch = 0; epoch < 3000; ++epoch) {
    const Indices order = random_permutation(3, 1, epoch);
    ++counts[static_cast<std::size_t>(order[0] * 9 + order[1] * 3 + order[2])];
  }
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 0), 21);
  for (const int count : counts) {
    EXPECT_TRUE(count == 0 || (count > 400 && count < 600)) << count;
  }
}

TEST(Samplers, SubsetKeepsToItsIndices) {
  const SubsetRandomSampler sampler({9, 4, 7, 1}, 3);
  EXPECT_EQ(sampler.size(), 4);
  EXPECT_EQ(sorted(sampler.indices(0)), (Indices{1, 4, 7, 9}));
  EXPECT_EQ(sampler.indices(2), sampler.indices(2));
}

TEST(Samplers, WeightedFollowsTheWeights) {
  const WeightedRandomSampler sampler({1.0, 0.0, 3.0}, 4000);
  std::vector<int> counts(3);
  for (const std::int64_t index : sampler.indices(0)) ++counts[static_cast<std::size_t>(index)];
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[0], 1000, 150);
  EXPECT_NEAR(counts[2], 3000, 150);
}

TEST(Samplers, WeightedWithoutReplacementTakesEachOnce) {
  const WeightedRandomSampler sampler({1.0, 2.0, 0.0, 100.0}, 3, false);
  EXPECT_EQ(sorted(sampler.indices(0)), (Indices{0, 1, 3}));
  // The heavy one is nearly always among the first.
  int first = 0;
  const WeightedRandomSampler one({1.0, 2.0, 0.0, 97.0}, 1, false);
  for (std::uint64_t epoch = 0; epoch < 200; ++epoch) first += one.indices(epoch)[0] == 3 ? 1 : 0;
  EXPECT_GT(first, 180);
}

TEST(Samplers, WeightedRefusesWhatCannotBeDrawn) {
  expect_error(ErrorCode::invalid_argument, "weight 1 is -1", [] {
    return WeightedRandomSampler({1.0, -1.0}, 1).size();
  });
  expect_error(ErrorCode::invalid_argument, "weight 0 is inf",
               [] { return WeightedRandomSampler({std::numeric_limits<double>::infinity()}, 1).size(); });
  expect_error(ErrorCode::invalid_argument, "no weight is above 0",
               [] { return WeightedRandomSampler({0.0}, 1).size(); });
  expect_error(ErrorCode::invalid_argument, "3 samples without replacement", [] {
    return WeightedRandomSampler({1.0, 2.0, 0.0}, 3, false).size();
  });
  EXPECT_TRUE(WeightedRandomSampler({}, 0).indices(0).empty());
}

TEST(Samplers, BatchesCutTheOrder) {
  const auto order = std::make_shared<SequentialSampler>(7);
  const BatchSampler all(order, 3);
  EXPECT_EQ(all.size(), 3);
  EXPECT_EQ(all.batches(0), (std::vector<Indices>{{0, 1, 2}, {3, 4, 5}, {6}}));
  const BatchSampler full(order, 3, true);
  EXPECT_EQ(full.size(), 2);
  EXPECT_EQ(full.batches(0), (std::vector<Indices>{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(BatchSampler(std::make_shared<SequentialSampler>(0), 3).size(), 0);
}

TEST(Samplers, RefuseNonsense) {
  expect_error(ErrorCode::invalid_argument, "batch size of 0",
               [] { return BatchSampler(std::make_shared<SequentialSampler>(1), 0).size(); });
  expect_error(ErrorCode::invalid_argument, "null", [] { return BatchSampler(nullptr, 1).size(); });
  expect_error(ErrorCode::invalid_argument, "negative", [] { return RandomSampler(-1).size(); });
}

}  // namespace
}  // namespace rustorch::data
