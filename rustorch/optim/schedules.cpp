#include "rustorch/optim/schedules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rustorch::optim {

// Each rate is computed as PyTorch computes it: mostly from the present rate, so that schedules compose and
// rates that the user set are respected; rounding errors add up in the same way.

// ---- StepLR

StepLR::StepLR(Optimizer& optimizer, const StepLROptions& options)
    : LRScheduler(optimizer), options_(options) {
  RUSTORCH_CHECK(options.step_size > 0, invalid_argument, "StepLR: step_size must be positive, not {}",
                 options.step_size);
  start();
}

double StepLR::rate(std::size_t group) const {
  const bool decays = last_epoch() != 0 && last_epoch() % options_.step_size == 0;
  return decays ? current(group) * options_.gamma : current(group);
}

double StepLR::entry_rate(std::size_t group) const {
  const std::int64_t decays = last_epoch() / options_.step_size;
  return base(group) * std::pow(options_.gamma, static_cast<double>(decays));
}

// ---- MultiStepLR

MultiStepLR::MultiStepLR(Optimizer& optimizer, const MultiStepLROptions& options)
    : LRScheduler(optimizer), options_(options) {
  std::sort(options_.milestones.begin(), options_.milestones.end());
  start();
}

double MultiStepLR::rate(std::size_t group) const {
  const auto count = std::count(options_.milestones.begin(), options_.milestones.end(), last_epoch());
  return count == 0 ? current(group) : current(group) * std::pow(options_.gamma, static_cast<double>(count));
}

double MultiStepLR::entry_rate(std::size_t group) const {
  const auto passed = std::upper_bound(options_.milestones.begin(), options_.milestones.end(), last_epoch());
  return base(group) * std::pow(options_.gamma, static_cast<double>(passed - options_.milestones.begin()));
}

// ---- ExponentialLR

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma) : LRScheduler(optimizer), gamma_(gamma) {
  start();
}

double ExponentialLR::rate(std::size_t group) const {
  return starting() ? current(group) : current(group) * gamma_;
}

double ExponentialLR::entry_rate(std::size_t group) const {
  return base(group) * std::pow(gamma_, static_cast<double>(last_epoch()));
}

// ---- CosineAnnealingLR

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, const CosineAnnealingLROptions& options)
    : LRScheduler(optimizer), options_(options) {
  RUSTORCH_CHECK(options.t_max > 0, invalid_argument, "CosineAnnealingLR: t_max must be positive, not {}",
                 options.t_max);
  start();
}

double CosineAnnealingLR::rate(std::size_t group) const {
  if (starting()) return current(group);
  const auto epoch = static_cast<double>(last_epoch());
  const auto t_max = static_cast<double>(options_.t_max);
  if ((last_epoch() - 1 - options_.t_max) % (2 * options_.t_max) == 0) {
    return current(group) + (base(group) - options_.eta_min) * (1 - std::cos(std::numbers::pi / t_max)) / 2;
  }
  return (1 + std::cos(std::numbers::pi * epoch / t_max)) /
             (1 + std::cos(std::numbers::pi * (epoch - 1) / t_max)) * (current(group) - options_.eta_min) +
         options_.eta_min;
}

double CosineAnnealingLR::entry_rate(std::size_t group) const {
  const double angle =
      std::numbers::pi * static_cast<double>(last_epoch()) / static_cast<double>(options_.t_max);
  return options_.eta_min + (base(group) - options_.eta_min) * (1 + std::cos(angle)) / 2;
}

// ---- LinearLR

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& options)
    : LRScheduler(optimizer), options_(options) {
  RUSTORCH_CHECK(options.start_factor > 0 && options.start_factor <= 1, invalid_argument,
                 "LinearLR: start_factor must be above 0 and at most 1, not {}", options.start_factor);
  RUSTORCH_CHECK(options.end_factor >= 0 && options.end_factor <= 1, invalid_argument,
                 "LinearLR: end_factor must be between 0 and 1, not {}", options.end_factor);
  RUSTORCH_CHECK(options.total_iters > 0, invalid_argument, "LinearLR: total_iters must be positive, not {}",
                 options.total_iters);
  start();
}

double LinearLR::rate(std::size_t group) const {
  if (last_epoch() == 0) return current(group) * options_.start_factor;
  if (starting() || last_epoch() > options_.total_iters) return current(group);
  const double slope = options_.end_factor - options_.start_factor;
  return current(group) * (1.0 + slope / (static_cast<double>(options_.total_iters) * options_.start_factor +
                                          static_cast<double>(last_epoch() - 1) * slope));
}

double LinearLR::entry_rate(std::size_t group) const {
  const auto passed = static_cast<double>(std::min(options_.total_iters, last_epoch()));
  return base(group) * (options_.start_factor + (options_.end_factor - options_.start_factor) * passed /
                                                    static_cast<double>(options_.total_iters));
}

// ---- LambdaLR

LambdaLR::LambdaLR(Optimizer& optimizer, const Factor& factor)
    : LambdaLR(optimizer, std::vector<Factor>(optimizer.param_groups().size(), factor)) {}

LambdaLR::LambdaLR(Optimizer& optimizer, std::vector<Factor> factors)
    : LRScheduler(optimizer), factors_(std::move(factors)) {
  RUSTORCH_CHECK(factors_.size() == groups().size(), invalid_argument,
                 "LambdaLR: {} functions were given for {} parameter groups", factors_.size(),
                 groups().size());
  start();
}

double LambdaLR::rate(std::size_t group) const { return base(group) * factors_[group](last_epoch()); }

// ---- SequentialLR

SequentialLR::SequentialLR(Optimizer& optimizer, std::vector<std::int64_t> milestones,
                           std::vector<std::unique_ptr<LRScheduler>> schedules)
    : LRScheduler(optimizer), milestones_(std::move(milestones)), schedules_(std::move(schedules)) {
  RUSTORCH_CHECK(!schedules_.empty() && milestones_.size() == schedules_.size() - 1, invalid_argument,
                 "SequentialLR: {} schedules need one milestone less, not {}", schedules_.size(),
                 milestones_.size());
  RUSTORCH_CHECK(std::is_sorted(milestones_.begin(), milestones_.end()), invalid_argument,
                 "SequentialLR: the milestones must be in order");
  // Constructing the schedules set their first rates, one over the other: undone, then the first begins.
  for (const std::unique_ptr<LRScheduler>& schedule : schedules_) {
    RUSTORCH_CHECK(schedule && schedule->groups_ == groups_, invalid_argument,
                   "SequentialLR: all schedules must belong to the same optimizer");
    schedule->last_epoch_ = -1;
  }
  for (ParameterGroup& group : groups()) group.options["lr"] = group.options.at("initial_lr");
  schedules_.front()->start();
  last_epoch_ = 0;
  last_lr_ = schedules_.front()->get_last_lr();
}

std::size_t SequentialLR::active() const {
  const auto next = std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch_);
  return static_cast<std::size_t>(next - milestones_.begin());
}

void SequentialLR::step() {
  ++last_epoch_;
  const std::size_t index = active();
  LRScheduler& schedule = *schedules_[index];
  if (index > 0 && milestones_[index - 1] == last_epoch_) {
    schedule.last_epoch_ = 0;
    schedule.update(true);
  } else {
    schedule.step();
  }
  last_lr_ = schedule.get_last_lr();
}

double SequentialLR::rate(std::size_t group) const { return last_lr_[group]; }

SchedulerState SequentialLR::state_dict() const {
  SchedulerState state;
  state["last_epoch"] = static_cast<double>(last_epoch_);
  for (std::size_t i = 0; i < schedules_.size(); ++i) {
    for (const auto& [name, value] : schedules_[i]->state_dict())
      state[fmt::format("{}.{}", i, name)] = value;
  }
  return state;
}

void SequentialLR::load_state_dict(const SchedulerState& state) {
  const auto last_epoch = static_cast<std::int64_t>(state.at("last_epoch"));
  std::vector<SchedulerState> parts(schedules_.size());
  for (const auto& [name, value] : state) {
    if (name == "last_epoch") continue;
    const std::size_t dot = name.find('.');
    const std::string index = name.substr(0, dot);
    bool known = false;
    for (std::size_t i = 0; i < parts.size() && !known; ++i) {
      known = dot != std::string::npos && index == fmt::format("{}", i);
      if (known) parts[i][name.substr(dot + 1)] = value;
    }
    RUSTORCH_CHECK(known, invalid_argument, "SequentialLR: the state holds an unknown `{}`", name);
  }
  // The parts check themselves; what was loaded before a bad one is put back.
  std::vector<SchedulerState> before;
  before.reserve(schedules_.size());
  for (const std::unique_ptr<LRScheduler>& schedule : schedules_) before.push_back(schedule->state_dict());
  try {
    for (std::size_t i = 0; i < parts.size(); ++i) schedules_[i]->load_state_dict(parts[i]);
  } catch (const Error&) {
    for (std::size_t i = 0; i < before.size(); ++i) schedules_[i]->load_state_dict(before[i]);
    throw;
  }
  last_epoch_ = last_epoch;
  last_lr_ = schedules_[active()]->get_last_lr();
}

}  // namespace rustorch::optim
