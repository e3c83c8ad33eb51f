#include "rustorch/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "rustorch/data/random_stream.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/random.h"

namespace rustorch::data {

namespace loader_detail {

namespace {

// Keeps the streams of transforms apart from those of shuffling.
constexpr std::uint64_t transform_key = 0x7472616e73;

/// What an epoch consists of; shared with the workers, who only read it.
struct Epoch {
  DatasetHandle dataset;
  std::vector<std::vector<std::int64_t>> batches;
  std::uint64_t seed;
  std::uint64_t number;

  std::size_t size() const noexcept { return batches.size(); }

  Batch make(std::size_t position) const {
    const ErrorContext context([&] { return fmt::format("making batch {} of epoch {}", position, number); });
    RandomStream random{transform_key, seed, number, position};
    const RandomScope scope(random);
    return dataset->get_batch(batches[position]);
  }
};

}  // namespace

/// The batches of one epoch, for one consumer.
class BatchSource {
 public:
  BatchSource(Epoch epoch, std::size_t first) : epoch_(std::move(epoch)), position_(first) {}
  virtual ~BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;

  std::size_t position() const noexcept { return position_; }
  bool at_end() const noexcept { return position_ >= epoch_.size(); }

  /// The batch at position(), made or waited for at the first call.
  const Batch& current() {
    RUSTORCH_CHECK(!at_end(), index_out_of_range, "the data loader is at its end");
    if (!has_current_) {
      try {
        current_ = take(position_);
      } catch (...) {
        position_ = epoch_.size();  // an epoch with a hole is none
        throw;
      }
      has_current_ = true;
    }
    return current_;
  }

  void advance() {
    static_cast<void>(current());
    current_ = {};  // its memory can serve a next batch already
    has_current_ = false;
    ++position_;
  }

 protected:
  virtual Batch take(std::size_t position) = 0;
  const Epoch epoch_;

 private:
  std::size_t position_;
  Batch current_;
  bool has_current_ = false;
};

namespace {

class DirectSource final : public BatchSource {
 public:
  using BatchSource::BatchSource;

 private:
  Batch take(std::size_t position) override { return epoch_.make(position); }
};

/// Workers claim positions in turn and put what they made into a ring, from which the consumer takes in
/// order. All waiting is on condition variables: a worker that spun would take the training's cores.
class WorkerSource final : public BatchSource {
 public:
  WorkerSource(Epoch epoch, std::size_t first, std::size_t workers, std::size_t prefetch)
      : BatchSource(std::move(epoch), first),
        ring_(std::min(workers * prefetch, epoch_.size())),
        unclaimed_(first),
        taken_(first) {
    threads_.reserve(workers);
    try {
      for (std::size_t i = 0; i < workers; ++i) {
        // A dataset's own code shall do the same in a worker as on the consumer's thread.
        threads_.emplace_back([this, device = default_device(), gradients = grad_enabled()] {
          const DeviceScope device_scope(device);
          const EnableGrad gradient_scope(gradients);
          work();
        });
      }
    } catch (const std::system_error& error) {
      stop();
      fail(ErrorCode::unsupported, "cannot start thread {} of {} of a data loader: {}", threads_.size() + 1,
           workers, error.what());
    }
  }
  ~WorkerSource() override { stop(); }

 private:
  struct Slot {
    bool filled = false;
    Batch batch;
    std::exception_ptr exception;
  };

  Slot& slot_of(std::size_t position) { return ring_[position % ring_.size()]; }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      room_.wait(lock, [&] {
        return stopping_ || unclaimed_ >= epoch_.size() || unclaimed_ < taken_ + ring_.size();
      });
      if (stopping_ || unclaimed_ >= epoch_.size()) return;
      const std::size_t position = unclaimed_++;
      lock.unlock();
      Slot made;
      try {
        made.batch = epoch_.make(position);
      } catch (...) {
        made.exception = std::current_exception();
      }
      made.filled = true;
      lock.lock();
      slot_of(position) = std::move(made);
      if (position == taken_) filled_.notify_one();
    }
  }

  Batch take(std::size_t position) override {
    std::unique_lock lock(mutex_);
    Slot& slot = slot_of(position);
    filled_.wait(lock, [&] { return slot.filled; });
    Slot taken = std::exchange(slot, {});
    ++taken_;
    lock.unlock();
    room_.notify_one();
    if (taken.exception) rethrow(taken.exception);
    return std::move(taken.batch);
  }

  /// An Error of a worker knows what the worker was doing; here it also learns what the consumer was doing.
  static Error with_consumers_context(Error error) {
    for (std::string& context : ErrorContext::collect()) error = error.with_context(std::move(context));
    return error;
  }

  [[noreturn]] static void rethrow(const std::exception_ptr& exception) {
    try {
      std::rethrow_exception(exception);
    } catch (const Error& error) {
      throw with_consumers_context(error);
    }
  }

  void stop() noexcept {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  std::mutex mutex_;  // guards all below but the threads
  std::condition_variable room_;
  std::condition_variable filled_;
  std::vector<Slot> ring_;
  std::size_t unclaimed_;  // the next position that a worker makes
  std::size_t taken_;      // the next position that the consumer takes
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

}  // namespace loader_detail

namespace {

// More threads than any machine needs are a mistake, and bounded memory is promised.
constexpr int most_workers = 1024;
constexpr int most_prefetched = 65536;

std::uint64_t draw_seed() {
  return static_cast<std::uint64_t>(
      randint(0, std::int64_t{1} << 62, {1}, {.dtype = int64, .device = Device()}).item<std::int64_t>());
}

std::shared_ptr<const BatchSampler> batches_of(const DataLoaderOptions& options, std::int64_t size,
                                               std::uint64_t seed) {
  if (options.batch_sampler) {
    RUSTORCH_CHECK(options.batch_size == 1 && !options.shuffle && !options.drop_last && !options.sampler,
                   invalid_argument,
                   "DataLoader: batch_sampler stands instead of batch_size, shuffle, drop_last and sampler");
    return options.batch_sampler;
  }
  RUSTORCH_CHECK(!options.sampler || !options.shuffle, invalid_argument,
                 "DataLoader: sampler stands instead of shuffle");
  std::shared_ptr<const Sampler> sampler = options.sampler;
  if (!sampler && options.shuffle) sampler = std::make_shared<RandomSampler>(size, seed);
  if (!sampler) sampler = std::make_shared<SequentialSampler>(size);
  return std::make_shared<BatchSampler>(std::move(sampler), options.batch_size, options.drop_last);
}

}  // namespace

DataLoader::DataLoader(DatasetHandle dataset, DataLoaderOptions options)
    : dataset_(std::move(dataset)), options_(std::move(options)) {
  RUSTORCH_CHECK(options_.workers >= 0 && options_.workers <= most_workers, invalid_argument,
                 "DataLoader: workers = {}; it must be 0 … {}", options_.workers, most_workers);
  RUSTORCH_CHECK(options_.prefetch >= 1 && options_.prefetch <= most_prefetched, invalid_argument,
                 "DataLoader: prefetch = {}; it must be 1 … {}", options_.prefetch, most_prefetched);
  seed_ = options_.seed ? *options_.seed : draw_seed();
  batch_sampler_ = batches_of(options_, dataset_->size(), seed_);
}

DataLoader::Iterator DataLoader::begin() {
  using namespace loader_detail;
  const auto first = static_cast<std::size_t>(std::exchange(skip_, 0));
  Epoch epoch{dataset_, batch_sampler_->batches(epoch_), seed_, epoch_};
  ++epoch_;
  if (options_.workers == 0 || first >= epoch.size()) {
    return Iterator(std::make_shared<DirectSource>(std::move(epoch), first));
  }
  return Iterator(std::make_shared<WorkerSource>(std::move(epoch), first,
                                                 static_cast<std::size_t>(options_.workers),
                                                 static_cast<std::size_t>(options_.prefetch)));
}

void DataLoader::skip(std::int64_t batches) {
  RUSTORCH_CHECK(batches >= 0 && batches <= size(), index_out_of_range,
                 "DataLoader: cannot skip {} batches of an epoch of {}", batches, size());
  skip_ = batches;
}

// ---- iterator

DataLoader::Iterator::Iterator(std::shared_ptr<loader_detail::BatchSource> source)
    : source_(std::move(source)) {}

const Batch& DataLoader::Iterator::operator*() const { return source_->current(); }

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  source_->advance();
  return *this;
}

bool DataLoader::Iterator::at_end() const { return !source_ || source_->at_end(); }

std::int64_t DataLoader::Iterator::position() const { return static_cast<std::int64_t>(source_->position()); }

}  // namespace rustorch::data
