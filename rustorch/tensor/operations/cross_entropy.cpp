#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/loss.h"
#include "rustorch/tensor/operations/loss_reduction.h"
#include "rustorch/tensor/operations/normalization.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

// ---- checks

/// Where the classes of an input lie: [C] or [N, C, …].
std::size_t class_dim(const Tensor& input) noexcept { return input.rank() == 1 ? 0 : 1; }

void check_input(const char* op, const Tensor& input, const Tensor& target,
                 const CrossEntropyOptions& options) {
  common_device(op, {&input, &target, &options.weight});
  check_floating(input, op, false);
  RUSTORCH_CHECK(input.rank() >= 1, shape_mismatch,
                 "{}: the input must have shape [N, C, ...] or [C], it has none", op);
  const std::int64_t classes = input.shape()[class_dim(input)];
  if (options.weight.defined()) {
    RUSTORCH_CHECK((options.weight.shape() == Shape{classes}), shape_mismatch,
                   "{}: the weight must have one element for each of the {} classes, its shape is {}", op,
                   classes, options.weight.shape());
    RUSTORCH_CHECK(options.weight.dtype() == input.dtype(), dtype_mismatch,
                   "{}: the input is {}, the weight {}", op, input.dtype(), options.weight.dtype());
  }
  RUSTORCH_CHECK(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0, invalid_argument,
                 "{}: label_smoothing must be between 0 and 1, got {}", op, options.label_smoothing);
}

void check_class_targets(const char* op, const Tensor& input, const Tensor& target) {
  Shape expected = input.shape();
  expected.erase(class_dim(input));
  if (!is_integral(target.dtype())) {
    fail_with_suggestion(
        ErrorCode::dtype_mismatch, "convert it: target.to(int64)",
        "{}: class targets must be integers (int64), got {} of shape {} for an input of shape {}", op,
        target.dtype(), target.shape(), input.shape());
  }
  if (target.shape() == expected) return;
  std::string suggestion;
  if (target.shape() == input.shape()) {
    suggestion =
        fmt::format("argmax({}) of a one-hot target gives its classes; probabilities must be floating point",
                    class_dim(input));
  } else if (target.rank() == expected.size() + 1 && target.numel() == expected.element_count()) {
    suggestion = fmt::format("reshape the target to {}", expected);
  }
  fail_with_suggestion(ErrorCode::shape_mismatch, std::move(suggestion),
                       "{}: an input of shape {} needs class targets of shape {}, got {}", op, input.shape(),
                       expected, target.shape());
}

// ---- classes: the fused kernel over rows of logits

struct ClassTargets {
  Tensor classes;  ///< int64 [N]
  Tensor weight;   ///< [C] or undefined
  std::int64_t ignore_index;
  double label_smoothing;
};

std::optional<View> optional_view(const Tensor& x) {
  return x.defined() ? std::optional(x.view_for_read()) : std::nullopt;
}

/// The weight of each row's class, 0 for ignored rows: [N].
Tensor row_weights(const ClassTargets& targets, DType dtype) {
  const Tensor ignored = targets.classes == targets.ignore_index;
  if (!targets.weight.defined()) return logical_not(ignored).to(dtype);
  return index_select(targets.weight.detach(), 0, targets.classes.masked_fill(ignored, 0))
      .masked_fill(ignored, 0);
}

/// The backward in operations that can be differentiated again.
Tensor composed_gradient(const Tensor& g, const Tensor& logits, const ClassTargets& targets) {
  const std::int64_t classes = logits.shape()[1];
  const Tensor ignored = targets.classes == targets.ignore_index;
  const Tensor probabilities = softmax(logits, 1);
  const Tensor hard = (row_weights(targets, logits.dtype()) * (1 - targets.label_smoothing)).unsqueeze(1);
  const Tensor hot = one_hot(targets.classes.masked_fill(ignored, 0), classes).to(logits.dtype());
  Tensor d = (probabilities - hot) * hard;
  if (targets.label_smoothing != 0) {
    const double share = targets.label_smoothing / static_cast<double>(classes);
    const Tensor weight = targets.weight.defined()
                              ? targets.weight.detach()
                              : ones({classes}, {.dtype = logits.dtype(), .device = logits.device()});
    d = d + (probabilities * sum(weight) - weight) * share;
  }
  return d.masked_fill(ignored.unsqueeze(1), 0) * g.unsqueeze(1);
}

Tensor fused_gradient(const Tensor& g, const Tensor& logits, const Tensor& log_sum_exp,
                      const ClassTargets& targets) {
  Tensor d = allocate(Layout::contiguous(logits.shape()), logits.dtype(), logits.device());
  if (d.numel() != 0) {
    backend_for(logits.device())
        .cross_entropy_backward({.logits = logits.view_for_read(),
                                 .targets = targets.classes.view_for_read(),
                                 .log_sum_exp = log_sum_exp.view_for_read(),
                                 .weight = optional_view(targets.weight),
                                 .ignore_index = targets.ignore_index,
                                 .label_smoothing = targets.label_smoothing,
                                 .d_losses = g.view_for_read(),
                                 .d_logits = d.view_for_write()});
  }
  return d;
}

/// The losses [N] of logits [N, C].
Tensor row_losses(const Tensor& logits, const ClassTargets& targets) {
  const Layout rows = Layout::contiguous({logits.shape()[0]});
  Tensor losses = allocate(rows, logits.dtype(), logits.device());
  Tensor log_sum_exp = allocate(rows, compute_dtype(logits.dtype()), logits.device());
  if (losses.numel() != 0) {
    backend_for(logits.device())
        .cross_entropy_forward({.logits = logits.view_for_read(),
                                .targets = targets.classes.view_for_read(),
                                .weight = optional_view(targets.weight),
                                .ignore_index = targets.ignore_index,
                                .label_smoothing = targets.label_smoothing,
                                .losses = losses.view_for_write(),
                                .log_sum_exp = log_sum_exp.view_for_write()});
  }
  return with_gradient(
      std::move(losses), "cross_entropy", {&logits},
      [logits = Saved(logits), log_sum_exp = std::move(log_sum_exp), targets](const Tensor& g) {
        return grad_enabled() ? composed_gradient(g, *logits, targets)
                              : fused_gradient(g, *logits, log_sum_exp, targets);
      });
}

/// What the mean over rows divides by: the number of rows that count, or the sum of their weights.
Tensor total_weight(const ClassTargets& targets) {
  if (targets.weight.defined()) return sum(row_weights(targets, targets.weight.dtype()));
  Program counts;
  const Program::Register value = counts.input(DType::int64);
  counts.output(counts.apply(Op::ne, value, counts.scalar(targets.ignore_index, DType::int64)), DType::int64);
  return reduce({.op = ReduceOp::sum, .prologue = &counts}, {&targets.classes},
                ReducedDims(targets.classes.shape(), {}, "cross_entropy"), false, DType::int64);
}

Tensor reduce_rows(const Tensor& losses, const ClassTargets& targets, LossReduction reduction,
                   const Shape& shape) {
  switch (reduction) {
    case LossReduction::none:
      return losses.reshape(shape);
    case LossReduction::sum:
      return sum(losses);
    case LossReduction::mean:
      break;
  }
  return sum(losses) / total_weight(targets);
}

/// x with its classes as the last of two dims.
Tensor as_rows(const Tensor& x) {
  const std::int64_t classes = x.shape()[class_dim(x)];
  if (x.rank() == 1) return x.reshape({1, classes});
  if (x.rank() == 2) return x;
  std::int64_t rows = x.shape()[0];
  for (std::size_t dim = 2; dim < x.rank(); ++dim) rows *= x.shape()[dim];
  return x.movedim({1}, {-1}).reshape({rows, classes});
}

ClassTargets class_targets(const Tensor& target, const CrossEntropyOptions& options) {
  return {.classes = target.detach().to(DType::int64).reshape({target.numel()}).contiguous(),
          .weight = options.weight.defined() ? options.weight.detach() : options.weight,
          .ignore_index = options.ignore_index,
          .label_smoothing = options.label_smoothing};
}

// ---- probabilities

Tensor cross_entropy_of_probabilities(const Tensor& input, const Tensor& target,
                                      const CrossEntropyOptions& options) {
  const auto dim = static_cast<std::int64_t>(class_dim(input));
  const std::int64_t classes = input.shape()[class_dim(input)];
  Tensor wanted = target;
  if (options.label_smoothing != 0) {
    wanted = target * (1 - options.label_smoothing) + options.label_smoothing / static_cast<double>(classes);
  }
  if (options.weight.defined()) {
    Shape along = Shape::filled(input.rank(), 1);
    along[class_dim(input)] = classes;
    wanted = wanted * options.weight.reshape(along);
  }
  const Tensor losses = -sum(log_softmax(input, dim) * wanted, dim);
  return reduce_losses(losses, options.reduction);
}

// ---- nll

/// The kernel of cross entropy checks its targets; here a gather would take negative ones from the end.
void check_range(const ClassTargets& targets, std::int64_t classes) {
  const Tensor& t = targets.classes;
  const Tensor wrong = logical_or(t < 0, t >= classes).logical_and(t != targets.ignore_index);
  if (!any(wrong).item<bool>()) return;
  const Tensor first = argmax(wrong.to(DType::uint8));
  fail(ErrorCode::index_out_of_range, "nll_loss: target {} at position {} is out of range for {} classes",
       t[first.item<std::int64_t>()].item<std::int64_t>(), first.item<std::int64_t>(), classes);
}

}  // namespace

Tensor cross_entropy(const Tensor& input, const Tensor& target, const CrossEntropyOptions& options) {
  check_input("cross_entropy", input, target, options);
  if (target.is_floating_point() && target.shape() == input.shape()) {
    return cross_entropy_of_probabilities(input, target, options);
  }
  check_class_targets("cross_entropy", input, target);
  const ClassTargets targets = class_targets(target, options);
  return reduce_rows(row_losses(as_rows(input), targets), targets, options.reduction, target.shape());
}

Tensor nll_loss(const Tensor& input, const Tensor& target, const CrossEntropyOptions& options) {
  check_input("nll_loss", input, target, options);
  check_class_targets("nll_loss", input, target);
  RUSTORCH_CHECK(options.label_smoothing == 0.0, invalid_argument,
                 "nll_loss has no label_smoothing: use cross_entropy");
  const ClassTargets targets = class_targets(target, options);
  const Tensor rows = as_rows(input);
  check_range(targets, rows.shape()[1]);
  const Tensor safe = targets.classes.masked_fill(targets.classes == targets.ignore_index, 0);
  const Tensor weights = row_weights(targets, input.dtype());
  // Chosen, not multiplied by 0: an ignored -inf must not become NaN.
  const Tensor chosen = gather(rows, 1, safe.unsqueeze(1)).squeeze(1).masked_fill(weights == 0, 0);
  return reduce_rows(-chosen * weights, targets, options.reduction, target.shape());
}

}  // namespace rustorch
