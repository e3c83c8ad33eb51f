#pragma once

#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// What becomes of the per-element losses.
enum class LossReduction : std::uint8_t { none, mean, sum };

struct CrossEntropyOptions {
  Tensor weight = {};  ///< per class; undefined: all 1
  std::int64_t ignore_index = -100;
  LossReduction reduction = LossReduction::mean;
  double label_smoothing = 0.0;
};

/// -log softmax(input)[target], mean over the (weighted) targets. input [N, C, …] or [C]; target: int64
/// classes [N, …], or probabilities of input's shape.
Tensor cross_entropy(const Tensor& input, const Tensor& target, const CrossEntropyOptions& options = {});
/// The same for log-probabilities.
Tensor nll_loss(const Tensor& input, const Tensor& target, const CrossEntropyOptions& options = {});
Tensor mse_loss(const Tensor& input, const Tensor& target, LossReduction reduction = LossReduction::mean);
Tensor l1_loss(const Tensor& input, const Tensor& target, LossReduction reduction = LossReduction::mean);
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      LossReduction reduction = LossReduction::mean, double beta = 1.0);
Tensor huber_loss(const Tensor& input, const Tensor& target, LossReduction reduction = LossReduction::mean,
                  double delta = 1.0);
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                            LossReduction reduction = LossReduction::mean);
/// From logits, stable for large ones; pos_weight multiplies the positive term.
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                                        LossReduction reduction = LossReduction::mean,
                                        const Tensor& pos_weight = {});
Tensor kl_div(const Tensor& input, const Tensor& target, LossReduction reduction = LossReduction::mean,
              bool log_target = false);

}  // namespace rustorch
