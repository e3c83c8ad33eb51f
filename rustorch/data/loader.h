#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>

#include "rustorch/data/dataset.h"
#include "rustorch/data/samplers.h"

namespace rustorch::data {

namespace loader_detail {
class BatchSource;
}

struct DataLoaderOptions {
  std::int64_t batch_size = 1;
  bool shuffle = false;    ///< another permutation each epoch
  int workers = 0;         ///< threads that make batches ahead; 0: made when asked for, on the calling thread
  bool drop_last = false;  ///< leave out a last batch that is not full
  int prefetch = 2;        ///< batches that each worker may be ahead
  /// Of the shuffling and of random transforms. Without one, drawn from the default generator: manual_seed
  /// makes it repeatable.
  std::optional<std::uint64_t> seed = {};
  std::shared_ptr<const Sampler> sampler = {};  ///< instead of shuffle
  std::shared_ptr<const BatchSampler> batch_sampler =
      {};  ///< instead of batch_size, shuffle, drop_last, sampler
};

/// Goes through a dataset in batches on the CPU:
///
///     for (auto [x, y] : data::DataLoader(dataset, {.batch_size = 128, .shuffle = true, .workers = 1})) { …
///     }
///
/// The batches and their order depend on the options and the epoch only, never on the number of workers.
/// Workers sleep whenever they are ahead; what one throws arrives at the consumer when its batch would have
/// come. Leaving the loop early stops the workers.
class DataLoader {
 public:
  /// Goes through one epoch, once: copies share the position.
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using reference = const Batch&;
    using pointer = const Batch*;

    Iterator() = default;
    reference operator*() const;
    pointer operator->() const { return &**this; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& iterator, std::default_sentinel_t) { return iterator.at_end(); }
    /// The position of the current batch in the epoch.
    std::int64_t position() const;

   private:
    friend class DataLoader;
    explicit Iterator(std::shared_ptr<loader_detail::BatchSource> source);
    bool at_end() const;
    std::shared_ptr<loader_detail::BatchSource> source_;
  };

  explicit DataLoader(DatasetHandle dataset, DataLoaderOptions options = {});

  /// Starts the next epoch (at the batch that skip named); the one after it is then the next.
  Iterator begin();
  std::default_sentinel_t end() const noexcept { return {}; }

  /// How many batches an epoch has.
  std::int64_t size() const { return batch_sampler_->size(); }
  const Dataset& dataset() const noexcept { return *dataset_; }
  const DataLoaderOptions& options() const noexcept { return options_; }
  std::uint64_t seed() const noexcept { return seed_; }

  /// The epoch that the next begin() goes through, 0 at first.
  std::uint64_t epoch() const noexcept { return epoch_; }
  void set_epoch(std::uint64_t epoch) noexcept { epoch_ = epoch; }
  /// Lets the next begin() leave out this many batches, without making them: together with set_epoch a
  /// resumed run sees exactly the batches that the interrupted one would have seen.
  void skip(std::int64_t batches);

 private:
  DatasetHandle dataset_;
  DataLoaderOptions options_;
  std::uint64_t seed_ = 0;
  std::shared_ptr<const BatchSampler> batch_sampler_;
  std::uint64_t epoch_ = 0;
  std::int64_t skip_ = 0;
};

}  // namespace rustorch::data
