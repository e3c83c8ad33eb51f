#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace rustorch::training {

/// What is known after one optimizer step.
struct StepRecord {
  std::int64_t step = 0;   ///< from 1, over all epochs
  std::int64_t epoch = 0;  ///< from 1
  double loss = 0.0;
  double learning_rate = 0.0;    ///< the one that this step used
  double images_per_second = 0;  ///< of this step alone
  double accuracy = 0.0;         ///< on the training examples of the epoch so far
};

/// What is known after one epoch; the test figures are NaN without test data.
struct EpochRecord {
  std::int64_t epoch = 0;
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double test_loss = 0.0;
  double test_accuracy = 0.0;
  double seconds = 0.0;            ///< spent on training steps, without the test
  double images_per_second = 0.0;  ///< examples / seconds
};

/// What a training run is about to do.
struct RunPlan {
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t total_steps = 0;  ///< of the whole run, max_steps considered
  std::int64_t first_step = 0;   ///< steps that are done already, in a resumed run
  std::int64_t first_epoch = 1;
};

class Trainer;

/// Watches a training run. The members are called on the training thread, in the order of registration.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_start(Trainer&, const RunPlan&) {}
  virtual void on_step(Trainer&, const StepRecord&) {}
  virtual void on_epoch(Trainer&, const EpochRecord&) {}
  /// The run ended, whole or interrupted. Not called when an Error ends it.
  virtual void on_end(Trainer&, bool /*interrupted*/) {}
};

}  // namespace rustorch::training
