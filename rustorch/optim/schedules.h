#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "rustorch/optim/scheduler.h"

namespace rustorch::optim {

struct StepLROptions {
  NamedOnly named_only = NamedOnly();
  std::int64_t step_size = 1;
  double gamma = 0.1;
};

/// The rate times gamma every step_size steps (torch's StepLR).
class StepLR : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, const StepLROptions& options);
  StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1)
      : StepLR(optimizer, StepLROptions{.step_size = step_size, .gamma = gamma}) {}

 protected:
  double rate(std::size_t group) const override;
  double entry_rate(std::size_t group) const override;

 private:
  StepLROptions options_;
};

struct MultiStepLROptions {
  NamedOnly named_only = NamedOnly();
  std::vector<std::int64_t> milestones = {};
  double gamma = 0.1;
};

/// The rate times gamma at each milestone (torch's MultiStepLR).
class MultiStepLR : public LRScheduler {
 public:
  MultiStepLR(Optimizer& optimizer, const MultiStepLROptions& options);
  MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma = 0.1)
      : MultiStepLR(optimizer, MultiStepLROptions{.milestones = std::move(milestones), .gamma = gamma}) {}

 protected:
  double rate(std::size_t group) const override;
  double entry_rate(std::size_t group) const override;

 private:
  MultiStepLROptions options_;
};

/// The rate times gamma every step (torch's ExponentialLR).
class ExponentialLR : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma);

 protected:
  double rate(std::size_t group) const override;
  double entry_rate(std::size_t group) const override;

 private:
  double gamma_;
};

struct CosineAnnealingLROptions {
  NamedOnly named_only = NamedOnly();
  std::int64_t t_max = 0;  ///< steps from the base rate to eta_min; must be given
  double eta_min = 0.0;
};

/// Half a cosine from the base rate to eta_min in t_max steps, and back (torch's CosineAnnealingLR).
class CosineAnnealingLR : public LRScheduler {
 public:
  CosineAnnealingLR(Optimizer& optimizer, const CosineAnnealingLROptions& options);
  CosineAnnealingLR(Optimizer& optimizer, std::int64_t t_max, double eta_min = 0.0)
      : CosineAnnealingLR(optimizer, CosineAnnealingLROptions{.t_max = t_max, .eta_min = eta_min}) {}

 protected:
  double rate(std::size_t group) const override;
  double entry_rate(std::size_t group) const override;

 private:
  CosineAnnealingLROptions options_;
};

struct LinearLROptions {
  NamedOnly named_only = NamedOnly();
  double start_factor = 1.0 / 3;
  double end_factor = 1.0;
  std::int64_t total_iters = 5;
};

/// The base rate times a factor that goes from start_factor to end_factor in total_iters steps: warm-up
/// (torch's LinearLR).
class LinearLR : public LRScheduler {
 public:
  explicit LinearLR(Optimizer& optimizer, const LinearLROptions& options = {});
  LinearLR(Optimizer& optimizer, double start_factor, double end_factor = 1.0, std::int64_t total_iters = 5)
      : LinearLR(optimizer,
                 LinearLROptions{
                     .start_factor = start_factor, .end_factor = end_factor, .total_iters = total_iters}) {}

 protected:
  double rate(std::size_t group) const override;
  double entry_rate(std::size_t group) const override;

 private:
  LinearLROptions options_;
};

/// The base rate times a function of the step: one for all groups, or one each (torch's LambdaLR).
class LambdaLR : public LRScheduler {
 public:
  using Factor = std::function<double(std::int64_t step)>;
  LambdaLR(Optimizer& optimizer, const Factor& factor);
  LambdaLR(Optimizer& optimizer, std::vector<Factor> factors);

 protected:
  double rate(std::size_t group) const override;

 private:
  std::vector<Factor> factors_;
};

struct OneCycleLROptions {
  NamedOnly named_only = NamedOnly();
  double max_lr = 0.0;               ///< must be given, here or in max_lrs
  std::vector<double> max_lrs = {};  ///< one per group
  std::int64_t total_steps = 0;      ///< must be given, or epochs and steps_per_epoch
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
  double pct_start = 0.3;
  std::string_view anneal_strategy = "cos";  ///< or "linear"
  bool cycle_momentum = true;                ///< momentum, or beta1, runs against the rate
  double base_momentum = 0.85;
  double max_momentum = 0.95;
  double div_factor = 25.0;
  double final_div_factor = 1e4;
  bool three_phase = false;
};

/// Up from max_lr / div_factor to max_lr in pct_start of the steps, then down to a final_div_factor-th of the
/// start (torch's OneCycleLR). More than total_steps steps are an Error.
class OneCycleLR : public LRScheduler {
 public:
  OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options);
  OneCycleLR(Optimizer& optimizer, double max_lr, std::int64_t total_steps)
      : OneCycleLR(optimizer, OneCycleLROptions{.max_lr = max_lr, .total_steps = total_steps}) {}
  std::int64_t total_steps() const noexcept { return total_steps_; }

 protected:
  double rate(std::size_t group) const override;
  void update_group(std::size_t group) override;

 private:
  struct Phase {
    double end;      // step
    double rate[2];  // at start and end
    double momentum[2];
  };
  struct Place {
    const Phase* phase;
    double share;  // of the phase that has passed
  };
  Place place(std::size_t group) const;
  double anneal(const double (&ends)[2], double share) const;

  std::vector<std::vector<Phase>> phases_;  // of each group
  std::int64_t total_steps_ = 0;
  bool linear_ = false;
  bool cycle_momentum_ = true;
};

/// One schedule after the other: the next takes over at each milestone (torch's SequentialLR). The schedules
/// are constructed on the same optimizer: `SequentialLR(optimizer, {5}, LinearLR(optimizer, 0.1),
/// StepLR(optimizer, 10))`.
class SequentialLR : public LRScheduler {
 public:
  template <std::derived_from<LRScheduler>... Schedules>
  SequentialLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, Schedules... schedules)
      : SequentialLR(optimizer, std::move(milestones), as_list(std::move(schedules)...)) {}
  SequentialLR(Optimizer& optimizer, std::vector<std::int64_t> milestones,
               std::vector<std::unique_ptr<LRScheduler>> schedules);

  void step() override;
  SchedulerState state_dict() const override;
  void load_state_dict(const SchedulerState& state) override;

 protected:
  double rate(std::size_t group) const override;

 private:
  template <class... Schedules>
  static std::vector<std::unique_ptr<LRScheduler>> as_list(Schedules... schedules) {
    std::vector<std::unique_ptr<LRScheduler>> list;
    (list.push_back(std::make_unique<Schedules>(std::move(schedules))), ...);
    return list;
  }
  std::size_t active() const;

  std::vector<std::int64_t> milestones_;
  std::vector<std::unique_ptr<LRScheduler>> schedules_;
};

}  // namespace rustorch::optim
