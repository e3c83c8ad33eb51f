#include "rustorch/data/samplers.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "rustorch/data/random_stream.h"
#include "rustorch/error/error.h"

namespace rustorch::data {

namespace {

// Keeps the streams of shuffling apart from those that a loader gives to transforms.
constexpr std::uint64_t sampling_key = 0x73616d706c65;

void shuffle(std::vector<std::int64_t>& items, std::uint64_t seed, std::uint64_t epoch) {
  RandomStream random{sampling_key, seed, epoch};
  for (std::size_t left = items.size(); left > 1; --left) {
    const auto chosen = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(left)));
    std::swap(items[left - 1], items[chosen]);
  }
}

std::vector<std::int64_t> first_integers(std::int64_t count) {
  std::vector<std::int64_t> items(static_cast<std::size_t>(count));
  std::iota(items.begin(), items.end(), std::int64_t{0});
  return items;
}

void check_size(std::int64_t size, const char* sampler) {
  RUSTORCH_CHECK(size >= 0, invalid_argument, "{}: the size {} is negative", sampler, size);
}

}  // namespace

std::vector<std::int64_t> random_permutation(std::int64_t count, std::uint64_t seed, std::uint64_t epoch) {
  check_size(count, "random_permutation");
  std::vector<std::int64_t> items = first_integers(count);
  shuffle(items, seed, epoch);
  return items;
}

SequentialSampler::SequentialSampler(std::int64_t size) : size_(size) {
  check_size(size, "SequentialSampler");
}

std::vector<std::int64_t> SequentialSampler::indices(std::uint64_t) const { return first_integers(size_); }

RandomSampler::RandomSampler(std::int64_t size, std::uint64_t seed) : size_(size), seed_(seed) {
  check_size(size, "RandomSampler");
}

std::vector<std::int64_t> RandomSampler::indices(std::uint64_t epoch) const {
  return random_permutation(size_, seed_, epoch);
}

SubsetRandomSampler::SubsetRandomSampler(std::vector<std::int64_t> indices, std::uint64_t seed)
    : indices_(std::move(indices)), seed_(seed) {}

std::vector<std::int64_t> SubsetRandomSampler::indices(std::uint64_t epoch) const {
  std::vector<std::int64_t> items = indices_;
  shuffle(items, seed_, epoch);
  return items;
}

// ---- WeightedRandomSampler

WeightedRandomSampler::WeightedRandomSampler(std::vector<double> weights, std::int64_t samples,
                                             bool replacement, std::uint64_t seed)
    : weights_(std::move(weights)), samples_(samples), replacement_(replacement), seed_(seed) {
  check_size(samples, "WeightedRandomSampler");
  std::int64_t positive = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    RUSTORCH_CHECK(std::isfinite(weights_[i]) && weights_[i] >= 0.0, invalid_argument,
                   "WeightedRandomSampler: weight {} is {}; weights are finite and at least 0", i,
                   weights_[i]);
    if (weights_[i] > 0.0) ++positive;
  }
  RUSTORCH_CHECK(positive > 0 || samples == 0, invalid_argument,
                 "WeightedRandomSampler: no weight is above 0");
  RUSTORCH_CHECK(replacement || samples <= positive, invalid_argument,
                 "WeightedRandomSampler: {} samples without replacement, but only {} weights are above 0",
                 samples, positive);
}

std::vector<std::int64_t> WeightedRandomSampler::indices(std::uint64_t epoch) const {
  RandomStream random{sampling_key, seed_, epoch};
  std::vector<std::int64_t> chosen;
  chosen.reserve(static_cast<std::size_t>(samples_));
  if (replacement_) {
    std::vector<double> sums(weights_.size());
    std::partial_sum(weights_.begin(), weights_.end(), sums.begin());
    // The last index that has weight: rounding may bring the drawn number up to the total.
    const auto last = std::lower_bound(sums.begin(), sums.end(), sums.empty() ? 0.0 : sums.back());
    for (std::int64_t i = 0; i < samples_; ++i) {
      const auto drawn = std::upper_bound(sums.begin(), sums.end(), random.uniform() * sums.back());
      chosen.push_back(std::min(drawn, last) - sums.begin());
    }
    return chosen;
  }
  // Efraimidis and Spirakis: the smallest of exponentially distributed arrival times with the weights as
  // rates.
  std::vector<std::pair<double, std::int64_t>> arrivals;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const double exponential = -std::log1p(-random.uniform());
    if (weights_[i] > 0.0) arrivals.emplace_back(exponential / weights_[i], static_cast<std::int64_t>(i));
  }
  std::partial_sort(arrivals.begin(), arrivals.begin() + samples_, arrivals.end());
  for (std::int64_t i = 0; i < samples_; ++i) chosen.push_back(arrivals[static_cast<std::size_t>(i)].second);
  return chosen;
}

// ---- BatchSampler

BatchSampler::BatchSampler(std::shared_ptr<const Sampler> sampler, std::int64_t batch_size, bool drop_last)
    : sampler_(std::move(sampler)), batch_size_(batch_size), drop_last_(drop_last) {
  RUSTORCH_CHECK(sampler_ != nullptr, invalid_argument, "BatchSampler: the sampler is null");
  RUSTORCH_CHECK(batch_size >= 1, invalid_argument, "a batch size of {}; it must be at least 1", batch_size);
}

std::int64_t BatchSampler::size() const {
  const std::int64_t count = sampler_->size();
  return count / batch_size_ + (!drop_last_ && count % batch_size_ != 0 ? 1 : 0);
}

std::vector<std::vector<std::int64_t>> BatchSampler::batches(std::uint64_t epoch) const {
  const std::vector<std::int64_t> indices = sampler_->indices(epoch);
  const auto count = static_cast<std::int64_t>(indices.size());
  std::vector<std::vector<std::int64_t>> batches;
  batches.reserve(static_cast<std::size_t>(size()));
  for (std::int64_t begin = 0; begin < count; begin += batch_size_) {
    const std::int64_t length = std::min(batch_size_, count - begin);
    if (drop_last_ && length < batch_size_) break;
    batches.emplace_back(indices.begin() + begin, indices.begin() + begin + length);
  }
  return batches;
}

}  // namespace rustorch::data
