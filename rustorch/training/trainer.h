#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rustorch/data/loader.h"
#include "rustorch/nn/module.h"
#include "rustorch/optim/optimizer.h"
#include "rustorch/optim/scheduler.h"
#include "rustorch/training/callback.h"
#include "rustorch/training/metrics.h"

namespace rustorch::training {

struct TrainerOptions {
  std::int64_t epochs = 1;
  std::int64_t max_steps = 0;  ///< ends the run after this many steps; 0: no such limit
  Device device = {};          ///< where batches are moved before the step
  /// Asked after each step: true ends the run there. Set it from a signal handler, for example.
  const std::atomic<bool>* stop = nullptr;
};

struct TrainingResult {
  bool interrupted = false;
  std::int64_t steps = 0;
  std::vector<EpochRecord> epochs;  ///< those of this run, not of the one it resumed
};

/// The mean loss and the confusion matrix on a data set, in eval mode without gradients.
struct Evaluation {
  double loss = 0.0;
  ConfusionMatrix confusion;
  double accuracy() const noexcept { return confusion.accuracy(); }
};

/// Trains a module: for each batch zero_grad, forward, loss, backward, optimizer step, scheduler step; after
/// each epoch an evaluation. Module, optimizer, scheduler and loaders stay the caller's and must outlive the
/// trainer.
class Trainer {
 public:
  /// From the network's output and the batch's target to a scalar.
  using Loss = std::function<Tensor(const Tensor& output, const Tensor& target)>;

  Trainer(nn::Module& model, optim::Optimizer& optimizer, Loss loss, TrainerOptions options = {});

  void set_scheduler(optim::LRScheduler& scheduler) { scheduler_ = &scheduler; }
  void add(std::shared_ptr<Callback> callback) { callbacks_.push_back(std::move(callback)); }

  /// Runs until the epochs (or steps) are done or a stop is asked for. The loader's epoch and position follow
  /// the trainer's, so that a resumed run sees the batches that the interrupted one would have seen.
  TrainingResult fit(data::DataLoader& train, data::DataLoader* test = nullptr);

  /// Ends the run after the current step: for callbacks.
  void stop() noexcept { stop_requested_ = true; }

  // ---- checkpoints: model, optimizer, scheduler, random numbers and position, one safetensors file, whole
  // or not at all
  void save_checkpoint(const std::filesystem::path& path) const;
  /// Restores everything. A checkpoint of another network is an Error that names the keys that differ; then
  /// nothing has been changed.
  void load_checkpoint(const std::filesystem::path& path);

  nn::Module& model() noexcept { return *model_; }
  optim::Optimizer& optimizer() noexcept { return *optimizer_; }
  std::int64_t step() const noexcept { return step_; }
  /// The epoch that the next step belongs to, from 1.
  std::int64_t epoch() const noexcept { return epoch_; }

 private:
  double train_batch(const data::Batch& batch);
  void finish_epoch(data::DataLoader* test, TrainingResult& result);
  bool should_stop() const noexcept;

  nn::Module* model_;
  optim::Optimizer* optimizer_;
  Loss loss_;
  TrainerOptions options_;
  optim::LRScheduler* scheduler_ = nullptr;
  std::vector<std::shared_ptr<Callback>> callbacks_;
  bool stop_requested_ = false;

  // The position in the run: saved in checkpoints.
  std::int64_t step_ = 0;
  std::int64_t epoch_ = 1;
  std::int64_t batch_in_epoch_ = 0;
  Average epoch_loss_;
  std::int64_t epoch_correct_ = 0;
  double epoch_seconds_ = 0.0;
};

/// Runs the module over all batches in eval mode and puts it back into the mode it was in. `classes` as in
/// the scores.
Evaluation evaluate(nn::Module& model, data::DataLoader& loader, const Trainer::Loss& loss,
                    std::int64_t classes, Device device = {});

}  // namespace rustorch::training
