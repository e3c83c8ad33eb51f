#include "rustorch/data/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "rustorch/data/random_stream.h"
#include "rustorch/data/transforms.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/random.h"
#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch::data {
namespace {

using testing::expect_error;
using Values = std::vector<std::int64_t>;

TensorDataset numbered(std::int64_t count) { return TensorDataset(arange(count), arange(count)); }

/// The targets of all batches that are left of an epoch.
std::vector<Values> batches_of(DataLoader& loader) {
  std::vector<Values> batches;
  for (const auto& [x, y] : loader) {
    EXPECT_EQ(x.to_vector<std::int64_t>(), y.to_vector<std::int64_t>());
    batches.push_back(y.to_vector<std::int64_t>());
  }
  return batches;
}

/// Counts its batches, and may wait or fail.
class Watched : public Dataset {
 public:
  struct State {
    std::atomic<int> made{0};
    std::mutex mutex;
    std::set<std::thread::id> threads;
  };
  explicit Watched(std::int64_t size) : state(std::make_shared<State>()), size_(size) {}
  std::int64_t size() const override { return size_; }
  Example get(std::int64_t index) const override {
    if (index == failing_index) fail(ErrorCode::corrupt_data, "example {} is broken", index);
    if (index == throwing_index) throw std::runtime_error("not one of ours");
    return {scalar_tensor(index), scalar_tensor(current_random().below(1'000'000'000))};
  }
  Batch get_batch(std::span<const std::int64_t> indices) const override {
    // Unequal times, so that workers overtake each other.
    if (slow) std::this_thread::sleep_for(std::chrono::microseconds(indices[0] * 7919 % 3 * 500));
    Batch batch = Dataset::get_batch(indices);
    ++state->made;
    const std::lock_guard lock(state->mutex);
    state->threads.insert(std::this_thread::get_id());
    return batch;
  }

  std::shared_ptr<State> state;
  std::int64_t failing_index = -1;
  std::int64_t throwing_index = -1;
  bool slow = false;

 private:
  std::int64_t size_;
};

TEST(DataLoader, GoesThroughAllInOrder) {
  DataLoader loader(numbered(7), {.batch_size = 3});
  EXPECT_EQ(loader.size(), 3);
  EXPECT_EQ(batches_of(loader), (std::vector<Values>{{0, 1, 2}, {3, 4, 5}, {6}}));
  DataLoader full(numbered(7), {.batch_size = 3, .drop_last = true});
  EXPECT_EQ(full.size(), 2);
  EXPECT_EQ(batches_of(full).size(), 2u);
}

TEST(DataLoader, WorksAsInTheContract) {
  const TensorDataset dataset(randn({10, 4}), arange(10));
  std::int64_t seen = 0;
  for (auto [x, y] : DataLoader(dataset, {.batch_size = 4, .shuffle = true, .workers = 1})) {
    EXPECT_EQ(x.size(1), 4);
    seen += y.size(0);
  }
  EXPECT_EQ(seen, 10);
}

TEST(DataLoader, ShufflesBySeedAndEpoch) {
  const TensorDataset dataset = numbered(50);
  DataLoader a(dataset, {.batch_size = 50, .shuffle = true, .seed = 3});
  DataLoader b(dataset, {.batch_size = 50, .shuffle = true, .seed = 3});
  const auto first = batches_of(a), second = batches_of(a);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, batches_of(b));
  EXPECT_EQ(second, batches_of(b));
  EXPECT_EQ(a.epoch(), 2u);
  a.set_epoch(0);
  EXPECT_EQ(first, batches_of(a));
  EXPECT_EQ(first[0], RandomSampler(50, 3).indices(0));
}

TEST(DataLoader, TakesItsSeedFromTheDefaultGenerator) {
  const TensorDataset dataset = numbered(50);
  const auto order = [&] {
    DataLoader loader(dataset, {.batch_size = 50, .shuffle = true});
    return batches_of(loader);
  };
  manual_seed(1);
  const auto first = order(), second = order();
  EXPECT_NE(first, second);
  manual_seed(1);
  EXPECT_EQ(first, order());
  EXPECT_EQ(second, order());
}

TEST(DataLoader, WorkersChangeNothing) {
  Watched dataset(101);
  dataset.slow = true;
  std::vector<std::vector<Values>> results;
  for (const int workers : {0, 1, 3, 8}) {
    DataLoader loader(dataset,
                      {.batch_size = 4, .shuffle = true, .workers = workers, .prefetch = 3, .seed = 9});
    std::vector<Values>& result = results.emplace_back();
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (const auto& [x, y] : loader) {
        result.push_back(x.to_vector<std::int64_t>());
        result.push_back(y.to_vector<std::int64_t>());  // random numbers of the batch
      }
    }
    EXPECT_EQ(result.size(), 2u * 2u * 26u);
  }
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

TEST(DataLoader, WorkersAreOtherThreads) {
  const Watched dataset(20);
  DataLoader loader(dataset, {.batch_size = 2, .workers = 2});
  for (const Batch& batch : loader) EXPECT_EQ(batch.size(), 2);
  EXPECT_FALSE(dataset.state->threads.contains(std::this_thread::get_id()));
  DataLoader direct(dataset, {.batch_size = 2});
  for (const Batch& batch : direct) EXPECT_EQ(batch.size(), 2);
  EXPECT_TRUE(dataset.state->threads.contains(std::this_thread::get_id()));
}

TEST(DataLoader, WorkersTakeOverTheModesOfTheConsumer) {
  struct Modes : Dataset {
    std::int64_t size() const override { return 2; }
    Example get(std::int64_t) const override { return {scalar_tensor(grad_enabled() ? 1 : 0), {}}; }
  };
  for (const int workers : {0, 1}) {
    DataLoader loader(Modes(), {.batch_size = 2, .workers = workers});
    EXPECT_EQ(loader.begin()->x.to_vector<int>(), (std::vector<int>{1, 1}));
    const NoGrad no_grad;
    EXPECT_EQ(loader.begin()->x.to_vector<int>(), (std::vector<int>{0, 0}));
  }
}

TEST(DataLoader, WorkersStayWithinTheirPrefetch) {
  const Watched dataset(100);
  DataLoader loader(dataset, {.workers = 2, .prefetch = 3});
  auto iterator = loader.begin();
  static_cast<void>(*iterator);  // one taken, six ahead
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(dataset.state->made.load(), 7);
  EXPECT_GE(dataset.state->made.load(), 1);
}

TEST(DataLoader, LeavingEarlyStopsTheWorkers) {
  const Watched dataset(1000);
  DataLoader loader(dataset, {.workers = 4, .prefetch = 2});
  for (int round = 0; round < 20; ++round) {
    int seen = 0;
    for (const Batch& batch : loader) {
      EXPECT_EQ(batch.size(), 1);
      if (++seen == round) break;
    }
  }
  const int made = dataset.state->made.load();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(dataset.state->made.load(), made);  // nobody works on
  EXPECT_LT(made, 1000 + 20 * 30);
}

TEST(DataLoader, IteratorsMayOutliveTheLoader) {
  auto loader = std::make_unique<DataLoader>(numbered(10), DataLoaderOptions{.workers = 2});
  auto iterator = loader->begin();
  loader.reset();
  std::int64_t sum = 0;
  for (; iterator != std::default_sentinel; ++iterator) sum += iterator->y.item<std::int64_t>();
  EXPECT_EQ(sum, 45);
}

TEST(DataLoader, SkipsForResumedRuns) {
  for (const int workers : {0, 2}) {
    DataLoader whole(numbered(20), {.batch_size = 3, .shuffle = true, .workers = workers, .seed = 4});
    batches_of(whole);
    const auto epoch1 = batches_of(whole);
    const auto epoch2 = batches_of(whole);

    DataLoader resumed(numbered(20), {.batch_size = 3, .shuffle = true, .workers = workers, .seed = 4});
    resumed.set_epoch(1);
    resumed.skip(4);
    auto first = resumed.begin();
    EXPECT_EQ(first.position(), 4);
    resumed.set_epoch(1);
    resumed.skip(4);
    EXPECT_EQ(batches_of(resumed), std::vector<Values>(epoch1.begin() + 4, epoch1.end()));
    EXPECT_EQ(batches_of(resumed), epoch2);  // skips once only
    resumed.skip(7);
    EXPECT_TRUE(batches_of(resumed).empty());
  }
  DataLoader loader(numbered(20), {.batch_size = 3});
  expect_error(ErrorCode::index_out_of_range, "cannot skip 8 batches of an epoch of 7", [&] {
    loader.skip(8);
    return 0;
  });
}

TEST(DataLoader, TransformsAreTheSameAfterResuming) {
  const TensorDataset images(arange(40 * 36, {.dtype = float32}).reshape({40, 6, 6}), arange(40));
  const MappedDataset dataset(images, Compose{RandomCrop(6, {.padding = 2}), RandomHorizontalFlip()});
  const auto batches = [&](int workers, std::int64_t skip) {
    DataLoader loader(dataset, {.batch_size = 8, .shuffle = true, .workers = workers, .seed = 2});
    loader.set_epoch(3);
    loader.skip(skip);
    std::vector<std::vector<float>> result;
    for (const Batch& batch : loader) result.push_back(batch.x.to_vector<float>());
    return result;
  };
  const auto all = batches(0, 0);
  EXPECT_EQ(batches(3, 0), all);
  EXPECT_EQ(batches(2, 3), decltype(all)(all.begin() + 3, all.end()));
}

TEST(DataLoader, ErrorsArriveWithTheirBatch) {
  for (const int workers : {0, 1, 3}) {
    Watched dataset(20);
    dataset.failing_index = 9;
    DataLoader loader(dataset, {.batch_size = 4, .workers = workers});
    int seen = 0;
    const auto error = testing::error_of([&] {
      const ErrorContext context([] { return std::string("training"); });
      for (const Batch& batch : loader) seen += static_cast<int>(batch.size());
      return seen;
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(seen, 8);
    EXPECT_EQ(error->code(), ErrorCode::corrupt_data);
    EXPECT_EQ(error->message(), "example 9 is broken");
    EXPECT_EQ(error->context(),
              (std::vector<std::string>{"getting example 9", "making batch 2 of epoch 0", "training"}));
  }
}

TEST(DataLoader, AnEpochEndsWithItsError) {
  Watched dataset(6);
  dataset.failing_index = 0;
  DataLoader loader(dataset, {.workers = 2});
  auto iterator = loader.begin();
  EXPECT_THROW(static_cast<void>(*iterator), Error);
  EXPECT_TRUE(iterator == std::default_sentinel);
}

TEST(DataLoader, OtherExceptionsKeepTheirType) {
  for (const int workers : {0, 2}) {
    Watched dataset(20);
    dataset.throwing_index = 5;
    DataLoader loader(dataset, {.workers = workers});
    EXPECT_THROW(
        {
          for (const Batch& batch : loader) EXPECT_EQ(batch.size(), 1);
        },
        std::runtime_error);
  }
}

TEST(DataLoader, SeveralConsumersAtOnce) {
  DataLoader loader(numbered(40), {.batch_size = 4, .shuffle = true, .workers = 2, .seed = 1});
  auto a = loader.begin();
  auto b = loader.begin();  // the next epoch
  Values sum(2);
  for (; a != loader.end() && b != loader.end(); ++a, ++b) {
    for (const std::int64_t y : a->y.to_vector<std::int64_t>()) sum[0] += y;
    for (const std::int64_t y : b->y.to_vector<std::int64_t>()) sum[1] += y;
  }
  EXPECT_EQ(sum, (Values{780, 780}));
}

TEST(DataLoader, TakesSamplers) {
  const auto sampler = std::make_shared<SubsetRandomSampler>(Values{5, 6, 7}, 1);
  DataLoader loader(numbered(10), {.batch_size = 2, .sampler = sampler});
  EXPECT_EQ(loader.size(), 2);
  EXPECT_EQ(batches_of(loader)[0], (Values{sampler->indices(0)[0], sampler->indices(0)[1]}));

  struct Pairs : BatchSampler {
    std::int64_t size() const override { return 2; }
    std::vector<Values> batches(std::uint64_t) const override { return {{0, 9}, {3}}; }
  };
  DataLoader pairs(numbered(10), {.workers = 1, .batch_sampler = std::make_shared<Pairs>()});
  EXPECT_EQ(batches_of(pairs), (std::vector<Values>{{0, 9}, {3}}));

  DataLoader outside(numbered(10), {.workers = 1, .sampler = std::make_shared<SequentialSampler>(11)});
  expect_error(ErrorCode::index_out_of_range, "example 10 of a dataset of 10",
               [&] { return batches_of(outside); });
}

TEST(DataLoader, EmptyDatasetsHaveNoBatches) {
  for (const int workers : {0, 2}) {
    DataLoader loader(numbered(0), {.shuffle = true, .workers = workers});
    EXPECT_EQ(loader.size(), 0);
    EXPECT_TRUE(batches_of(loader).empty());
    auto iterator = loader.begin();
    expect_error(ErrorCode::index_out_of_range, "at its end", [&] { return (*iterator).size(); });
  }
}

TEST(DataLoader, RefusesOptionsThatContradict) {
  const auto loader = [](DataLoaderOptions options) {
    return [options] { return DataLoader(numbered(3), options).size(); };
  };
  expect_error(ErrorCode::invalid_argument, "batch size of 0", loader({.batch_size = 0}));
  expect_error(ErrorCode::invalid_argument, "workers = -1", loader({.workers = -1}));
  expect_error(ErrorCode::invalid_argument, "prefetch = 0", loader({.prefetch = 0}));
  expect_error(ErrorCode::invalid_argument, "instead of shuffle",
               loader({.shuffle = true, .sampler = std::make_shared<SequentialSampler>(3)}));
  const auto batches = std::make_shared<BatchSampler>(std::make_shared<SequentialSampler>(3), 1);
  expect_error(ErrorCode::invalid_argument, "batch_sampler",
               loader({.batch_size = 2, .batch_sampler = batches}));
}

}  // namespace
}  // namespace rustorch::data
