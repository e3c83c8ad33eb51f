#include <cmath>
#include <cstring>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/cross_entropy_kernels.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/row_io.h"
#include "rustorch/backends/cpu/temporary.h"

namespace rustorch {
namespace {

constexpr std::int64_t grain = 8192;  // elements that are worth a thread

DType computed_in(DType dtype) {
  RUSTORCH_CHECK(is_floating_point(dtype), dtype_mismatch, "op cross_entropy does not take {}", dtype);
  return compute_dtype(dtype);
}

/// The classes that rows are expected to be.
class Targets {
 public:
  Targets(const View& view, std::int64_t classes, std::int64_t ignore_index)
      : first_(cpu::first_element<const std::int64_t>(view)),
        stride_(view.layout->strides[0]),
        classes_(classes),
        ignore_index_(ignore_index) {}

  /// The class of a row, nothing where it is to be ignored.
  std::optional<std::int64_t> operator[](std::int64_t row) const {
    const std::int64_t target = first_[row * stride_];
    if (target == ignore_index_) return std::nullopt;
    RUSTORCH_CHECK(target >= 0 && target < classes_, index_out_of_range,
                   "target {} of row {} is out of range for {} classes in op cross_entropy", target, row,
                   classes_);
    return target;
  }

 private:
  const std::int64_t* first_;
  std::int64_t stride_, classes_, ignore_index_;
};

/// One element of a row or parameter in the compute type.
double element(const void* data, std::int64_t i, DType computed) {
  return computed == DType::float64 ? static_cast<const double*>(data)[i]
                                    : static_cast<double>(static_cast<const float*>(data)[i]);
}

/// The weights of the classes: one each, or 1 for all.
class ClassWeights {
 public:
  ClassWeights(const std::optional<View>& view, std::int64_t classes, DType computed)
      : parameter_(view, computed), computed_(computed), sum_(static_cast<double>(classes)) {
    if (parameter_.data() == nullptr) return;
    sum_ = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum_ += (*this)[c];
  }
  const void* data() const noexcept { return parameter_.data(); }
  double operator[](std::int64_t c) const {
    return parameter_.data() == nullptr ? 1.0 : element(parameter_.data(), c, computed_);
  }
  double sum() const noexcept { return sum_; }

 private:
  cpu::Parameter parameter_;
  DType computed_;
  double sum_;
};

}  // namespace

void CpuBackend::cross_entropy_forward(const CrossEntropyForward& work) {
  const std::int64_t rows = work.logits.layout->shape[0];
  const std::int64_t classes = work.logits.layout->shape[1];
  const DType computed = computed_in(work.logits.dtype);
  const cpu::CrossEntropyLoops& loops = cpu::cross_entropy_loops(computed == DType::float64);
  const Targets targets(work.targets, classes, work.ignore_index);
  const ClassWeights weights(work.weight, classes, computed);
  const double smoothing = work.label_smoothing;
  cpu::parallel_for(0, rows, std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, classes)),
                    [&](std::int64_t begin, std::int64_t end) {
                      const cpu::Rows logits(work.logits, computed);
                      for (std::int64_t r = begin; r < end; ++r) {
                        const std::optional<std::int64_t> target = targets[r];
                        const void* const x = logits.row(r);
                        const auto [largest, sum] = loops.exponentials(x, static_cast<std::size_t>(classes));
                        const double log_sum = std::log(sum);
                        if (work.log_sum_exp.data != nullptr)
                          cpu::write_element(work.log_sum_exp, r, largest + log_sum);
                        double loss = 0;
                        if (target) {
                          // Distances from the largest logit keep the digits that large logits would cost.
                          loss = weights[*target] * (log_sum - (element(x, *target, computed) - largest));
                          if (smoothing != 0) {
                            const double spread =
                                weights.sum() * log_sum - loops.distances(x, weights.data(), largest,
                                                                          static_cast<std::size_t>(classes));
                            loss = (1 - smoothing) * loss + smoothing / static_cast<double>(classes) * spread;
                          }
                        }
                        cpu::write_element(work.losses, r, loss);
                      }
                    });
}

void CpuBackend::cross_entropy_backward(const CrossEntropyBackward& work) {
  const std::int64_t rows = work.logits.layout->shape[0];
  const std::int64_t classes = work.logits.layout->shape[1];
  const DType computed = computed_in(work.logits.dtype);
  const cpu::CrossEntropyLoops& loops = cpu::cross_entropy_loops(computed == DType::float64);
  const Targets targets(work.targets, classes, work.ignore_index);
  const ClassWeights weights(work.weight, classes, computed);
  const double spread = work.label_smoothing / static_cast<double>(classes);
  cpu::parallel_for(0, rows, std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, classes)),
                    [&](std::int64_t begin, std::int64_t end) {
                      const cpu::Rows logits(work.logits, computed);
                      const cpu::ResultRows d_logits(work.d_logits, computed);
                      for (std::int64_t r = begin; r < end; ++r) {
                        const std::optional<std::int64_t> target = targets[r];
                        void* const dx = d_logits.row(r);
                        if (!target) {
                          std::memset(dx, 0, static_cast<std::size_t>(classes) * item_size(computed));
                          d_logits.finish(r);
                          continue;
                        }
                        const double gradient = cpu::read_element(work.d_losses, r);
                        const double on_target = gradient * (1 - work.label_smoothing) * weights[*target];
                        loops.backward_row(logits.row(r), weights.data(),
                                           cpu::read_element(work.log_sum_exp, r),
                                           on_target + gradient * spread * weights.sum(), gradient * spread,
                                           dx, static_cast<std::size_t>(classes));
                        if (computed == DType::float64) {
                          static_cast<double*>(dx)[*target] -= on_target;
                        } else {
                          static_cast<float*>(dx)[*target] -= static_cast<float>(on_target);
                        }
                        d_logits.finish(r);
                      }
                    });
}

}  // namespace rustorch
