#include <cmath>
#include <numbers>

#include "rustorch/optim/schedules.h"

namespace rustorch::optim {

namespace {

std::int64_t total_steps_of(const OneCycleLROptions& options) {
  if (options.total_steps != 0) {
    RUSTORCH_CHECK(options.total_steps > 0, invalid_argument,
                   "OneCycleLR: total_steps must be positive, not {}", options.total_steps);
    return options.total_steps;
  }
  RUSTORCH_CHECK(options.epochs > 0 && options.steps_per_epoch > 0, invalid_argument,
                 "OneCycleLR needs total_steps, or epochs and steps_per_epoch, all positive");
  return options.epochs * options.steps_per_epoch;
}

}  // namespace

OneCycleLR::OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options)
    : LRScheduler(optimizer),
      total_steps_(total_steps_of(options)),
      linear_(options.anneal_strategy == "linear"),
      cycle_momentum_(options.cycle_momentum) {
  RUSTORCH_CHECK(linear_ || options.anneal_strategy == "cos", invalid_argument,
                 "OneCycleLR: anneal_strategy is \"cos\" or \"linear\", not \"{}\"", options.anneal_strategy);
  RUSTORCH_CHECK(options.pct_start >= 0 && options.pct_start <= 1, invalid_argument,
                 "OneCycleLR: pct_start must be between 0 and 1, not {}", options.pct_start);
  RUSTORCH_CHECK(options.div_factor > 0 && options.final_div_factor > 0, invalid_argument,
                 "OneCycleLR: the divisors must be positive, not {} and {}", options.div_factor,
                 options.final_div_factor);
  RUSTORCH_CHECK(options.max_lrs.empty() || options.max_lrs.size() == groups().size(), invalid_argument,
                 "OneCycleLR: {} rates were given for {} parameter groups", options.max_lrs.size(),
                 groups().size());
  const auto total = static_cast<double>(total_steps_);
  for (std::size_t i = 0; i < groups().size(); ++i) {
    const double max_lr = options.max_lrs.empty() ? options.max_lr : options.max_lrs[i];
    RUSTORCH_CHECK(max_lr > 0, invalid_argument, "OneCycleLR: max_lr must be positive, not {}", max_lr);
    GroupOptions& group = groups()[i].options;
    RUSTORCH_CHECK(!cycle_momentum_ || group.contains("beta1") || group.contains("momentum"),
                   invalid_argument,
                   "OneCycleLR: the optimizer has no momentum to cycle; set cycle_momentum to false");
    const double first = max_lr / options.div_factor;
    const double last = first / options.final_div_factor;
    group["initial_lr"] = first;
    set_base(i, first);
    const double low = options.base_momentum;
    const double high = options.max_momentum;
    const double top = options.pct_start * total - 1;
    if (options.three_phase) {
      phases_.push_back({{top, {first, max_lr}, {high, low}},
                         {2 * options.pct_start * total - 2, {max_lr, first}, {low, high}},
                         {total - 1, {first, last}, {high, high}}});
    } else {
      phases_.push_back({{top, {first, max_lr}, {high, low}}, {total - 1, {max_lr, last}, {low, high}}});
    }
  }
  start();
}

OneCycleLR::Place OneCycleLR::place(std::size_t group) const {
  RUSTORCH_CHECK(last_epoch() <= total_steps_, invalid_argument,
                 "OneCycleLR: step {} of a schedule of {} steps", last_epoch(), total_steps_);
  const auto step = static_cast<double>(last_epoch());
  double begin = 0;
  for (const Phase& phase : phases_[group]) {
    if (step <= phase.end || &phase == &phases_[group].back())
      return {&phase, (step - begin) / (phase.end - begin)};
    begin = phase.end;
  }
  fail(ErrorCode::internal, "OneCycleLR: a schedule without phases");
}

double OneCycleLR::anneal(const double (&ends)[2], double share) const {
  const auto [begin, end] = ends;
  if (linear_) return (end - begin) * share + begin;
  return end + (begin - end) / 2.0 * (std::cos(std::numbers::pi * share) + 1);
}

double OneCycleLR::rate(std::size_t group) const {
  const Place now = place(group);
  return anneal(now.phase->rate, now.share);
}

void OneCycleLR::update_group(std::size_t group) {
  if (!cycle_momentum_) return;
  GroupOptions& options = groups()[group].options;
  const Place now = place(group);
  options[options.contains("beta1") ? "beta1" : "momentum"] = anneal(now.phase->momentum, now.share);
}

}  // namespace rustorch::optim
