#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "rustorch/optim/optimizer.h"

namespace rustorch::optim {

/// A scheduler's memory, as numbers by name.
using SchedulerState = OrderedMap<double>;

/// Base of all learning-rate schedules (torch.optim.lr_scheduler.LRScheduler). Constructing one sets the
/// rates of step 0; `step()` after each optimizer step (or epoch) sets the next. It keeps "initial_lr" in the
/// groups' options, as PyTorch does.
class LRScheduler {
 public:
  virtual ~LRScheduler();
  LRScheduler(LRScheduler&&) noexcept = default;
  LRScheduler& operator=(LRScheduler&&) noexcept = default;
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;

  virtual void step();
  /// The rate of each group.
  const std::vector<double>& get_last_lr() const noexcept { return last_lr_; }
  /// How often step() was called.
  std::int64_t last_epoch() const noexcept { return last_epoch_; }

  /// The position and the base rates, not the settings: load it into a scheduler that was constructed alike.
  /// The groups' present rates are part of the optimizer's state.
  virtual SchedulerState state_dict() const;
  /// An Error (and no change) if names are missing or of another kind of scheduler.
  virtual void load_state_dict(const SchedulerState& state);

 protected:
  explicit LRScheduler(Optimizer& optimizer);
  /// The last act of constructors: sets the rates of step 0.
  void start();
  /// The rate of a group at last_epoch(), which may build on the present one, options["lr"].
  virtual double rate(std::size_t group) const = 0;
  /// The same from the base rate alone, where SequentialLR enters the schedule.
  virtual double entry_rate(std::size_t group) const { return rate(group); }
  /// Sets what a schedule sets beside the rate.
  virtual void update_group(std::size_t) {}

  std::vector<ParameterGroup>& groups() const {
    if (!groups_) [[unlikely]]
      fail_moved_from();
    return *groups_;
  }
  double current(std::size_t group) const { return groups()[group].options.at("lr"); }
  double base(std::size_t group) const { return base_lrs_[group]; }
  void set_base(std::size_t group, double lr) { base_lrs_[group] = lr; }
  /// Whether rate() is asked for the first time.
  bool starting() const noexcept { return starting_; }

 private:
  friend class SequentialLR;
  void update(bool entering);

  [[noreturn]] static void fail_moved_from();

  std::shared_ptr<std::vector<ParameterGroup>> groups_;
  std::vector<double> base_lrs_;
  std::vector<double> last_lr_;
  std::int64_t last_epoch_ = -1;
  bool starting_ = false;
};

}  // namespace rustorch::optim
