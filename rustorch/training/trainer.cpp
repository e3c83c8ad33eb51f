#include "rustorch/training/trainer.h"

#include <chrono>
#include <cmath>
#include <limits>

#include "rustorch/tensor/gradient.h"

namespace rustorch::training {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(nn::Module& model, optim::Optimizer& optimizer, Loss loss, TrainerOptions options)
    : model_(&model), optimizer_(&optimizer), loss_(std::move(loss)), options_(options) {
  RUSTORCH_CHECK(options_.epochs >= 0, invalid_argument, "a run of {} epochs", options_.epochs);
  RUSTORCH_CHECK(options_.max_steps >= 0, invalid_argument, "a run of {} steps", options_.max_steps);
}

bool Trainer::should_stop() const noexcept {
  return stop_requested_ || (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed));
}

double Trainer::train_batch(const data::Batch& batch) {
  const Tensor x = batch.x.to(options_.device);
  const Tensor y = batch.y.to(options_.device);
  optimizer_->zero_grad();
  const Tensor output = (*model_)(x);
  const Tensor loss = loss_(output, y);
  loss.backward();
  optimizer_->step();
  const double value = loss.item<double>();
  epoch_loss_.add(value, static_cast<double>(batch.size()));
  epoch_correct_ += count_correct(output, y);
  return value;
}

TrainingResult Trainer::fit(data::DataLoader& train, data::DataLoader* test) {
  TrainingResult result;
  stop_requested_ = false;
  RunPlan plan{options_.epochs, train.size(), options_.epochs * train.size(), step_, epoch_};
  if (options_.max_steps > 0) plan.total_steps = std::min(plan.total_steps, options_.max_steps);
  for (const auto& callback : callbacks_) callback->on_start(*this, plan);

  while (epoch_ <= options_.epochs && step_ < plan.total_steps && !should_stop()) {
    model_->train();
    train.set_epoch(static_cast<std::uint64_t>(epoch_ - 1));
    train.skip(batch_in_epoch_);
    auto start = Clock::now();
    for (const data::Batch& batch : train) {
      StepRecord record;
      record.learning_rate = optimizer_->learning_rate();
      record.loss = train_batch(batch);
      if (scheduler_ != nullptr) scheduler_->step();
      ++step_;
      ++batch_in_epoch_;
      const double seconds = seconds_since(start);
      epoch_seconds_ += seconds;
      record.step = step_;
      record.epoch = epoch_;
      record.images_per_second = static_cast<double>(batch.size()) / seconds;
      record.accuracy = static_cast<double>(epoch_correct_) / epoch_loss_.weight();
      if (!std::isfinite(record.loss)) {
        fail_with_suggestion(ErrorCode::invalid_argument, "lower the learning rate, or clip the gradients",
                             "the loss is {} at step {}: training cannot go on", record.loss, step_);
      }
      for (const auto& callback : callbacks_) callback->on_step(*this, record);
      if (step_ >= plan.total_steps || should_stop()) break;
      start = Clock::now();  // waiting for the next batch counts, what callbacks did does not
    }
    if (batch_in_epoch_ == plan.steps_per_epoch) finish_epoch(test, result);
  }
  result.interrupted = should_stop() && step_ < plan.total_steps;
  result.steps = step_;
  for (const auto& callback : callbacks_) callback->on_end(*this, result.interrupted);
  return result;
}

void Trainer::finish_epoch(data::DataLoader* test, TrainingResult& result) {
  EpochRecord record;
  record.epoch = epoch_;
  record.train_loss = epoch_loss_.mean();
  record.train_accuracy = static_cast<double>(epoch_correct_) / epoch_loss_.weight();
  record.test_loss = record.test_accuracy = std::numeric_limits<double>::quiet_NaN();
  record.seconds = epoch_seconds_;
  record.images_per_second = epoch_loss_.weight() / epoch_seconds_;
  if (test != nullptr) {
    Average loss;
    std::int64_t correct = 0;
    model_->eval();
    const NoGrad no_grad;
    for (const data::Batch& batch : *test) {
      const Tensor target = batch.y.to(options_.device);
      const Tensor output = (*model_)(batch.x.to(options_.device));
      loss.add(loss_(output, target).item<double>(), static_cast<double>(batch.size()));
      correct += count_correct(output, target);
    }
    model_->train();
    record.test_loss = loss.mean();
    record.test_accuracy = static_cast<double>(correct) / loss.weight();
  }
  result.epochs.push_back(record);
  ++epoch_;
  batch_in_epoch_ = 0;
  epoch_loss_ = {};
  epoch_correct_ = 0;
  epoch_seconds_ = 0.0;
  for (const auto& callback : callbacks_) callback->on_epoch(*this, record);
}

Evaluation evaluate(nn::Module& model, data::DataLoader& loader, const Trainer::Loss& loss,
                    std::int64_t classes, Device device) {
  Evaluation result{0.0, ConfusionMatrix(classes)};
  Average mean;
  const bool was_training = model.is_training();
  model.eval();
  const NoGrad no_grad;
  for (const data::Batch& batch : loader) {
    const Tensor output = model(batch.x.to(device));
    const Tensor target = batch.y.to(device);
    mean.add(loss(output, target).item<double>(), static_cast<double>(batch.size()));
    result.confusion.add(output, target);
  }
  model.train(was_training);
  result.loss = mean.mean();
  return result;
}

}  // namespace rustorch::training
