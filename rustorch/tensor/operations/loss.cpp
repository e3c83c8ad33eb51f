#include "rustorch/tensor/operations/loss.h"

#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/loss_reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"

namespace rustorch {
namespace {

void check_operands(const char* op, const Tensor& input, const Tensor& target) {
  common_device(op, {&input, &target});
  check_floating(input, op, false);
}

void check_same_shape(const char* op, const Tensor& input, const Tensor& target) {
  if (input.shape() == target.shape()) return;
  const std::string suggestion = input.numel() == target.numel()
                                     ? fmt::format("reshape the target to {}", input.shape())
                                     : std::string();
  fail_with_suggestion(ErrorCode::shape_mismatch, suggestion, "{}: input of shape {}, target of shape {}", op,
                       input.shape(), target.shape());
}

/// Whether any element lies outside of [low, high], in one pass.
bool has_elements_outside(const Tensor& x, double low, double high) {
  Program outside;
  const DType compute = compute_dtype(x.dtype());
  const Program::Register value = outside.input(x.dtype());
  const Program::Register below = outside.apply(Op::lt, value, outside.scalar(low, compute));
  const Program::Register above = outside.apply(Op::gt, value, outside.scalar(high, compute));
  outside.output(outside.apply(Op::logical_or, below, above), DType::bool_);
  const ReducedDims all_dims(x.shape(), {}, "binary_cross_entropy");
  return reduce({.op = ReduceOp::any, .prologue = &outside}, {&x}, all_dims, false, DType::bool_)
      .item<bool>();
}

/// Per-element binary cross entropy of probabilities. The logarithms are kept above -100, as in PyTorch, so
/// that a certain but wrong prediction has a finite loss; the gradient is that of the unlimited loss, kept
/// finite too.
Tensor binary_losses(const Tensor& input, const Tensor& target) {
  Tensor losses;
  {
    const NoGrad own_gradient;
    losses = (target - 1) * log1p(-input).clamp_min(-100) - target * log(input).clamp_min(-100);
  }
  return with_gradient(std::move(losses), "binary_cross_entropy", {&input, &target},
                       [x = Saved(input), t = Saved(target)](const Tensor& g, Needs needs) {
                         std::array<Tensor, 2> d;
                         if (needs[0]) d[0] = g * (*x - *t) / ((1 - *x) * *x).clamp_min(1e-12);
                         if (needs[1]) d[1] = g * (log1p(-*x).clamp_min(-100) - log(*x).clamp_min(-100));
                         return d;
                       });
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, LossReduction reduction) {
  check_operands("mse_loss", input, target);
  return reduce_losses(square(input - target), reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, LossReduction reduction) {
  check_operands("l1_loss", input, target);
  return reduce_losses(abs(input - target), reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, LossReduction reduction, double beta) {
  check_operands("smooth_l1_loss", input, target);
  RUSTORCH_CHECK(beta >= 0, invalid_argument, "smooth_l1_loss: beta must not be negative, got {}", beta);
  if (beta == 0) return l1_loss(input, target, reduction);
  const Tensor difference = input - target;
  const Tensor distance = abs(difference);
  return reduce_losses(where(distance < beta, square(difference) * (0.5 / beta), distance - 0.5 * beta),
                       reduction);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, LossReduction reduction, double delta) {
  check_operands("huber_loss", input, target);
  RUSTORCH_CHECK(delta > 0, invalid_argument, "huber_loss: delta must be positive, got {}", delta);
  const Tensor difference = input - target;
  const Tensor distance = abs(difference);
  return reduce_losses(where(distance <= delta, square(difference) * 0.5, (distance - 0.5 * delta) * delta),
                       reduction);
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                            LossReduction reduction) {
  check_operands("binary_cross_entropy", input, target);
  check_same_shape("binary_cross_entropy", input, target);
  // On the CPU the check costs little; elsewhere waiting for its result would stop the device's queue.
  if (input.device().is_cpu() && has_elements_outside(input, 0, 1)) {
    fail_with_suggestion(
        ErrorCode::invalid_argument, "apply sigmoid first, or use binary_cross_entropy_with_logits",
        "binary_cross_entropy: the input must be probabilities, it has elements outside of [0, 1] "
        "(shape {})",
        input.shape());
  }
  const Tensor losses = binary_losses(input, target);
  return reduce_losses(weight.defined() ? losses * weight : losses, reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target, const Tensor& weight,
                                        LossReduction reduction, const Tensor& pos_weight) {
  check_operands("binary_cross_entropy_with_logits", input, target);
  check_same_shape("binary_cross_entropy_with_logits", input, target);
  // -log sigmoid(x) is softplus(-x), which no x overflows; from 40 on it equals the straight line in every
  // dtype.
  constexpr double straight = 40;
  Tensor losses;
  if (pos_weight.defined()) {
    const Tensor positive = (pos_weight - 1) * target + 1;
    losses = (1 - target) * input + positive * softplus(-input, 1.0, straight);
  } else {
    losses = softplus(input, 1.0, straight) - input * target;
  }
  return reduce_losses(weight.defined() ? losses * weight : losses, reduction);
}

Tensor kl_div(const Tensor& input, const Tensor& target, LossReduction reduction, bool log_target) {
  check_operands("kl_div", input, target);
  return reduce_losses(log_target ? exp(target) * (target - input) : xlogy(target, target) - target * input,
                       reduction);
}

}  // namespace rustorch
