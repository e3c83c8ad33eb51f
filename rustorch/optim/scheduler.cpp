#include "rustorch/optim/scheduler.h"

namespace rustorch::optim {

LRScheduler::LRScheduler(Optimizer& optimizer) : groups_(optimizer.groups_) {
  for (ParameterGroup& group : groups()) {
    if (!group.options.contains("initial_lr")) group.options["initial_lr"] = group.options.at("lr");
    base_lrs_.push_back(group.options.at("initial_lr"));
  }
}

LRScheduler::~LRScheduler() = default;

void LRScheduler::fail_moved_from() {
  fail(ErrorCode::invalid_argument, "this scheduler was moved from, or made for an optimizer that was");
}

void LRScheduler::start() {
  starting_ = true;
  ++last_epoch_;
  update(false);
  starting_ = false;
}

void LRScheduler::step() {
  ++last_epoch_;
  update(false);
}

void LRScheduler::update(bool entering) {
  RUSTORCH_CHECK(groups().size() == base_lrs_.size(), invalid_argument,
                 "parameter groups were added after the schedule was made: {} instead of {}", groups().size(),
                 base_lrs_.size());
  last_lr_.resize(groups().size());
  for (std::size_t i = 0; i < groups().size(); ++i) {
    last_lr_[i] = entering ? entry_rate(i) : rate(i);
    groups()[i].options["lr"] = last_lr_[i];
    update_group(i);
  }
}

SchedulerState LRScheduler::state_dict() const {
  SchedulerState state;
  state["last_epoch"] = static_cast<double>(last_epoch_);
  for (std::size_t i = 0; i < base_lrs_.size(); ++i) {
    state[fmt::format("base_lr.{}", i)] = base_lrs_[i];
    state[fmt::format("last_lr.{}", i)] = last_lr_[i];
  }
  return state;
}

void LRScheduler::load_state_dict(const SchedulerState& state) {
  RUSTORCH_CHECK(state.size() == 1 + 2 * base_lrs_.size(), invalid_argument,
                 "the scheduler's state has {} numbers where {} parameter groups need {}", state.size(),
                 base_lrs_.size(), 1 + 2 * base_lrs_.size());
  const auto last_epoch = static_cast<std::int64_t>(state.at("last_epoch"));
  std::vector<double> base_lrs;
  std::vector<double> last_lr;
  for (std::size_t i = 0; i < base_lrs_.size(); ++i) {
    base_lrs.push_back(state.at(fmt::format("base_lr.{}", i)));
    last_lr.push_back(state.at(fmt::format("last_lr.{}", i)));
  }
  last_epoch_ = last_epoch;
  base_lrs_ = std::move(base_lrs);
  last_lr_ = std::move(last_lr);
}

}  // namespace rustorch::optim
