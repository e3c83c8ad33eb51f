#include "rustorch/nn/loss.h"

#include "rustorch/tensor/operations/elementwise.h"

namespace rustorch::nn {

CrossEntropyLoss::CrossEntropyLoss(const CrossEntropyOptions& options)
    : options_(options), weight(buffer("weight", options.weight)) {
  options_.weight = Tensor();
  RUSTORCH_CHECK(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0, invalid_argument,
                 "CrossEntropyLoss: label_smoothing must be between 0 and 1, not {}",
                 options.label_smoothing);
}

Tensor CrossEntropyLoss::forward(const Tensor& input, const Tensor& target) {
  CrossEntropyOptions options = options_;
  options.weight = weight;
  return cross_entropy(input, target, options);
}

NLLLoss::NLLLoss(const CrossEntropyOptions& options)
    : options_(options), weight(buffer("weight", options.weight)) {
  options_.weight = Tensor();
}

Tensor NLLLoss::forward(const Tensor& input, const Tensor& target) {
  CrossEntropyOptions options = options_;
  options.weight = weight;
  return nll_loss(input, target, options);
}

Tensor MSELoss::forward(const Tensor& input, const Tensor& target) {
  return mse_loss(input, target, options_.reduction);
}

Tensor L1Loss::forward(const Tensor& input, const Tensor& target) {
  return l1_loss(input, target, options_.reduction);
}

SmoothL1Loss::SmoothL1Loss(const SmoothL1LossOptions& options) : options_(options) {
  RUSTORCH_CHECK(options.beta >= 0, invalid_argument, "SmoothL1Loss: beta must not be negative, not {}",
                 options.beta);
}

Tensor SmoothL1Loss::forward(const Tensor& input, const Tensor& target) {
  return smooth_l1_loss(input, target, options_.reduction, options_.beta);
}

HuberLoss::HuberLoss(const HuberLossOptions& options) : options_(options) {
  RUSTORCH_CHECK(options.delta > 0, invalid_argument, "HuberLoss: delta must be positive, not {}",
                 options.delta);
}

Tensor HuberLoss::forward(const Tensor& input, const Tensor& target) {
  return huber_loss(input, target, options_.reduction, options_.delta);
}

BCELoss::BCELoss(const BCELossOptions& options)
    : reduction_(options.reduction), weight(buffer("weight", options.weight)) {}

Tensor BCELoss::forward(const Tensor& input, const Tensor& target) {
  return binary_cross_entropy(input, target, weight, reduction_);
}

BCEWithLogitsLoss::BCEWithLogitsLoss(const BCEWithLogitsLossOptions& options)
    : reduction_(options.reduction),
      weight(buffer("weight", options.weight)),
      pos_weight(buffer("pos_weight", options.pos_weight)) {}

Tensor BCEWithLogitsLoss::forward(const Tensor& input, const Tensor& target) {
  return binary_cross_entropy_with_logits(input, target, weight, reduction_, pos_weight);
}

Tensor KLDivLoss::forward(const Tensor& input, const Tensor& target) {
  if (!options_.batch_mean) return kl_div(input, target, options_.reduction, options_.log_target);
  RUSTORCH_CHECK(input.rank() > 0, shape_mismatch, "KLDivLoss: batch_mean needs an input with a batch dim");
  return kl_div(input, target, LossReduction::sum, options_.log_target).div(input.size(0));
}

}  // namespace rustorch::nn
