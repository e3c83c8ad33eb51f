#pragma once

#include <chrono>

#include "rustorch/training/callback.h"

namespace rustorch::cli {

/// Shows how training goes on standard error: on a terminal a live bar with epoch, loss, accuracy, images per
/// second and time left; elsewhere a line per epoch.
class ProgressBar : public training::Callback {
 public:
  ProgressBar();
  void on_start(training::Trainer& trainer, const training::RunPlan& plan) override;
  void on_step(training::Trainer& trainer, const training::StepRecord& record) override;
  void on_epoch(training::Trainer& trainer, const training::EpochRecord& record) override;
  void on_end(training::Trainer& trainer, bool interrupted) override;

 private:
  void clear() const;
  bool live_;
  training::RunPlan plan_;
  double loss_ = 0.0;          // smoothed over about 20 steps
  double step_seconds_ = 0.0;  // likewise
  std::chrono::steady_clock::time_point last_step_, last_draw_;
};

/// "1:05", "2:03:09".
std::string duration_text(double seconds);

}  // namespace rustorch::cli
