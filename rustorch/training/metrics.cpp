#include "rustorch/training/metrics.h"

#include <numeric>

#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"

namespace rustorch::training {

std::int64_t count_correct(const Tensor& scores, const Tensor& targets) {
  const NoGrad no_grad;
  return sum(argmax(scores.detach(), 1) == targets).item<std::int64_t>();
}

ConfusionMatrix::ConfusionMatrix(std::int64_t classes)
    : classes_(classes), counts_(static_cast<std::size_t>(classes * classes)) {
  RUSTORCH_CHECK(classes > 0, invalid_argument, "a confusion matrix of {} classes", classes);
}

void ConfusionMatrix::add(const Tensor& scores, const Tensor& targets) {
  const NoGrad no_grad;
  const std::vector<std::int64_t> predicted = argmax(scores.detach(), 1).to_vector<std::int64_t>();
  const std::vector<std::int64_t> truth = targets.to_vector<std::int64_t>();
  RUSTORCH_CHECK(predicted.size() == truth.size(), shape_mismatch, "{} rows of scores for {} targets",
                 predicted.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    RUSTORCH_CHECK(truth[i] >= 0 && truth[i] < classes_ && predicted[i] < classes_, index_out_of_range,
                   "target {} (example {}) is none of the {} classes", truth[i], i, classes_);
    ++counts_[static_cast<std::size_t>(truth[i] * classes_ + predicted[i])];
  }
}

std::int64_t ConfusionMatrix::total() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

double ConfusionMatrix::accuracy() const noexcept {
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < classes_; ++i) right += count(i, i);
  return static_cast<double>(right) / static_cast<double>(total());
}

}  // namespace rustorch::training
