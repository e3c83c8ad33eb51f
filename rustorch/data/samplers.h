#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace rustorch::data {

/// The order in which an epoch goes through a dataset. A function of the epoch alone, so that a run can be
/// resumed anywhere, and loaders may ask from any thread.
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// How many indices an epoch has.
  virtual std::int64_t size() const = 0;
  virtual std::vector<std::int64_t> indices(std::uint64_t epoch) const = 0;
};

/// 0, 1, 2 …
class SequentialSampler : public Sampler {
 public:
  explicit SequentialSampler(std::int64_t size);
  std::int64_t size() const override { return size_; }
  std::vector<std::int64_t> indices(std::uint64_t epoch) const override;

 private:
  std::int64_t size_;
};

/// A permutation of 0 … size - 1 for each epoch; it depends on nothing but size, seed and epoch.
class RandomSampler : public Sampler {
 public:
  explicit RandomSampler(std::int64_t size, std::uint64_t seed = 0);
  std::int64_t size() const override { return size_; }
  std::vector<std::int64_t> indices(std::uint64_t epoch) const override;

 private:
  std::int64_t size_;
  std::uint64_t seed_;
};

/// A permutation of the given indices for each epoch.
class SubsetRandomSampler : public Sampler {
 public:
  explicit SubsetRandomSampler(std::vector<std::int64_t> indices, std::uint64_t seed = 0);
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  std::vector<std::int64_t> indices(std::uint64_t epoch) const override;

 private:
  std::vector<std::int64_t> indices_;
  std::uint64_t seed_;
};

/// `samples` indices of 0 … weights.size() - 1, drawn in proportion to the weights (which need not sum to 1);
/// without replacement each index comes at most once.
class WeightedRandomSampler : public Sampler {
 public:
  WeightedRandomSampler(std::vector<double> weights, std::int64_t samples, bool replacement = true,
                        std::uint64_t seed = 0);
  std::int64_t size() const override { return samples_; }
  std::vector<std::int64_t> indices(std::uint64_t epoch) const override;

 private:
  std::vector<double> weights_;
  std::int64_t samples_;
  bool replacement_;
  std::uint64_t seed_;
};

/// How an epoch is cut into batches. This class takes a sampler's indices in turn; derived classes may do
/// otherwise (batches of equal lengths, of one class …).
class BatchSampler {
 public:
  BatchSampler(std::shared_ptr<const Sampler> sampler, std::int64_t batch_size, bool drop_last = false);
  virtual ~BatchSampler() = default;
  /// How many batches an epoch has.
  virtual std::int64_t size() const;
  virtual std::vector<std::vector<std::int64_t>> batches(std::uint64_t epoch) const;

 protected:
  BatchSampler() = default;  ///< for derived classes that override both

 private:
  std::shared_ptr<const Sampler> sampler_;
  std::int64_t batch_size_ = 1;
  bool drop_last_ = false;
};

/// A permutation of 0 … count - 1 that depends on nothing but the arguments.
std::vector<std::int64_t> random_permutation(std::int64_t count, std::uint64_t seed, std::uint64_t epoch = 0);

}  // namespace rustorch::data
