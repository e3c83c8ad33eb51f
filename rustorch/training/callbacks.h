#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "rustorch/training/callback.h"

namespace rustorch::training {

/// Saves checkpoints `step-00000469.safetensors` in a folder: every `every` steps (0: never), at the end of
/// each epoch, and where a run is interrupted. Keeps the newest `keep`.
class Checkpoints : public Callback {
 public:
  explicit Checkpoints(std::filesystem::path folder, std::int64_t every = 0, int keep = 3);
  void on_start(Trainer& trainer, const RunPlan& plan) override;
  void on_step(Trainer& trainer, const StepRecord& record) override;
  void on_epoch(Trainer& trainer, const EpochRecord& record) override;
  void on_end(Trainer& trainer, bool interrupted) override;

 private:
  void save(Trainer& trainer);
  std::filesystem::path folder_;
  std::int64_t every_;
  int keep_;
  std::int64_t saved_step_ = -1;
  std::int64_t saved_epoch_ = -1;
};

/// The checkpoints of a folder, newest first; empty if it has none. Unfinished temporary files do not count.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& folder);

/// Ends the run when the test loss (train loss without test data) has not fallen by more than `min_delta` for
/// `patience` epochs.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(int patience, double min_delta = 0.0) : patience_(patience), min_delta_(min_delta) {}
  void on_epoch(Trainer& trainer, const EpochRecord& record) override;

 private:
  int patience_;
  double min_delta_;
  double best_ = 0.0;
  int waited_ = -1;  // -1: no epoch seen yet
};

/// Appends an object per step and per epoch to a JSON Lines file. A resumed run first drops what was written
/// after its checkpoint, so that every step stands there once.
class JsonLog : public Callback {
 public:
  explicit JsonLog(std::filesystem::path path);
  void on_start(Trainer& trainer, const RunPlan& plan) override;
  void on_step(Trainer& trainer, const StepRecord& record) override;
  void on_epoch(Trainer& trainer, const EpochRecord& record) override;

 private:
  void write(const std::string& line);
  std::filesystem::path path_;
  std::ofstream file_;
};

/// What a JSON Lines log holds.
struct TrainingLog {
  std::vector<StepRecord> steps;
  std::vector<EpochRecord> epochs;
};

/// Reads a log; a damaged last line (a run that was killed while it wrote) is left out, others are an Error.
TrainingLog read_training_log(const std::filesystem::path& path);

}  // namespace rustorch::training
