#pragma once

#include <cstdint>
#include <vector>

#include "rustorch/tensor/tensor.h"

namespace rustorch::training {

/// A running mean of values with weights, for example of batch losses by batch size.
class Average {
 public:
  void add(double value, double weight = 1.0) {
    sum_ += value * weight;
    weight_ += weight;
  }
  /// NaN before the first value.
  double mean() const noexcept { return sum_ / weight_; }
  double sum() const noexcept { return sum_; }
  double weight() const noexcept { return weight_; }
  /// Goes on from an earlier average, for resuming.
  void restore(double sum, double weight) {
    sum_ = sum;
    weight_ = weight;
  }

 private:
  double sum_ = 0.0;
  double weight_ = 0.0;
};

/// How many rows of `scores` [N, classes] have their largest value at `targets` [N].
std::int64_t count_correct(const Tensor& scores, const Tensor& targets);

/// Counts of (true class, predicted class).
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::int64_t classes);
  /// scores [N, classes], targets int64 [N]; a target that is no class is an Error.
  void add(const Tensor& scores, const Tensor& targets);
  std::int64_t classes() const noexcept { return classes_; }
  std::int64_t count(std::int64_t truth, std::int64_t predicted) const {
    return counts_.at(static_cast<std::size_t>(truth * classes_ + predicted));
  }
  std::int64_t total() const noexcept;
  /// The share of examples on the diagonal; NaN without examples.
  double accuracy() const noexcept;

 private:
  std::int64_t classes_;
  std::vector<std::int64_t> counts_;
};

}  // namespace rustorch::training
