#include "rustorch/training/callbacks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>

#include "rustorch/core/atomic_file.h"
#include "rustorch/model_io/common/json.h"
#include "rustorch/training/trainer.h"

namespace rustorch::training {

// ---- checkpoints

namespace {

constexpr std::string_view checkpoint_prefix = "step-";
constexpr std::string_view checkpoint_suffix = ".safetensors";

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    fail_with_suggestion(ErrorCode::io, "choose another folder with --out",
                         "{}: the folder cannot be made: {}", folder.string(), error.message());
  }
}

}  // namespace

Checkpoints::Checkpoints(std::filesystem::path folder, std::int64_t every, int keep)
    : folder_(std::move(folder)), every_(every), keep_(std::max(1, keep)) {
  RUSTORCH_CHECK(every_ >= 0, invalid_argument, "a checkpoint every {} steps", every_);
}

std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator item(folder, error), end; !error && item != end;
       item.increment(error)) {
    const std::string name = item->path().filename().string();
    if (name.starts_with(checkpoint_prefix) && name.ends_with(checkpoint_suffix))
      found.push_back(item->path());
  }
  std::sort(found.rbegin(), found.rend());  // the step has a fixed number of digits
  return found;
}

void Checkpoints::on_start(Trainer&, const RunPlan&) { make_folder(folder_); }

void Checkpoints::on_step(Trainer& trainer, const StepRecord& record) {
  if (every_ > 0 && record.step % every_ == 0) save(trainer);
}

void Checkpoints::on_epoch(Trainer& trainer, const EpochRecord&) { save(trainer); }

void Checkpoints::on_end(Trainer& trainer, bool) { save(trainer); }

void Checkpoints::save(Trainer& trainer) {
  // The last step of an epoch and the epoch's end are two positions in the run with the same step.
  if (trainer.step() == saved_step_ && trainer.epoch() == saved_epoch_) return;
  trainer.save_checkpoint(folder_ /
                          fmt::format("{}{:08}{}", checkpoint_prefix, trainer.step(), checkpoint_suffix));
  saved_step_ = trainer.step();
  saved_epoch_ = trainer.epoch();
  const std::vector<std::filesystem::path> all = list_checkpoints(folder_);
  for (std::size_t i = static_cast<std::size_t>(keep_); i < all.size(); ++i) {
    std::error_code ignored;  // an old checkpoint that stays does no harm
    std::filesystem::remove(all[i], ignored);
  }
}

// ---- early stopping

void EarlyStopping::on_epoch(Trainer& trainer, const EpochRecord& record) {
  const double loss = std::isnan(record.test_loss) ? record.train_loss : record.test_loss;
  if (waited_ < 0 || loss < best_ - min_delta_) {
    best_ = loss;
    waited_ = 0;
  } else if (++waited_ >= patience_) {
    trainer.stop();
  }
}

// ---- the log

namespace {

using model_io::Json;

/// NaN was written as null.
double number(const Json& object, const char* name) {
  if (!object.contains(name) || object.at(name).is_null()) return std::numeric_limits<double>::quiet_NaN();
  return object.at(name).to_double();
}

}  // namespace

TrainingLog read_training_log(const std::filesystem::path& path) {
  std::ifstream file(path);
  RUSTORCH_CHECK(file.is_open(), not_found, "{}: the log cannot be opened", path.string());
  TrainingLog log;
  std::string line;
  for (std::int64_t number_of_line = 1; std::getline(file, line); ++number_of_line) {
    if (line.empty()) continue;
    try {
      const Json object = Json::parse(line);
      if (object.contains("step")) {
        log.steps.push_back({object.at("step").to_int64(), object.at("epoch").to_int64(),
                             number(object, "loss"), number(object, "learning_rate"),
                             number(object, "images_per_second"), number(object, "accuracy")});
      } else {
        log.epochs.push_back({object.at("epoch").to_int64(), number(object, "train_loss"),
                              number(object, "train_accuracy"), number(object, "test_loss"),
                              number(object, "test_accuracy"), number(object, "seconds"),
                              number(object, "images_per_second")});
      }
    } catch (const model_io::JsonError& error) {
      if (file.peek() == std::char_traits<char>::eof()) break;
      fail(ErrorCode::corrupt_data, "{}: line {} is no JSON object of a log: {}", path.string(),
           number_of_line, error.what());
    }
  }
  return log;
}

JsonLog::JsonLog(std::filesystem::path path) : path_(std::move(path)) {}

void JsonLog::on_start(Trainer& trainer, const RunPlan& plan) {
  if (path_.has_parent_path()) make_folder(path_.parent_path());
  TrainingLog earlier;
  if (plan.first_step > 0 && std::filesystem::exists(path_)) earlier = read_training_log(path_);
  write_file_atomically(path_, "");
  file_.open(path_, std::ios::app);
  RUSTORCH_CHECK(file_.is_open(), io, "{}: the log cannot be written", path_.string());
  // What stood in the log after the checkpoint happens again now.
  std::size_t next_epoch = 0;
  const auto write_epochs_before = [&](std::int64_t epoch) {
    for (; next_epoch < earlier.epochs.size() && earlier.epochs[next_epoch].epoch < epoch; ++next_epoch) {
      on_epoch(trainer, earlier.epochs[next_epoch]);
    }
  };
  for (const StepRecord& record : earlier.steps) {
    if (record.step > plan.first_step) break;
    write_epochs_before(record.epoch);
    on_step(trainer, record);
  }
  write_epochs_before(plan.first_epoch);
}

void JsonLog::on_step(Trainer&, const StepRecord& record) {
  const Json object = Json::object({{"step", record.step},
                                    {"epoch", record.epoch},
                                    {"loss", record.loss},
                                    {"learning_rate", record.learning_rate},
                                    {"images_per_second", record.images_per_second},
                                    {"accuracy", record.accuracy}});
  write(object.dump());
}

void JsonLog::on_epoch(Trainer&, const EpochRecord& record) {
  const Json object = Json::object({{"epoch", record.epoch},
                                    {"train_loss", record.train_loss},
                                    {"train_accuracy", record.train_accuracy},
                                    {"test_loss", record.test_loss},
                                    {"test_accuracy", record.test_accuracy},
                                    {"seconds", record.seconds},
                                    {"images_per_second", record.images_per_second}});
  write(object.dump());
}

void JsonLog::write(const std::string& line) {
  file_ << line << '\n' << std::flush;  // a checkpoint never knows more than the log
  RUSTORCH_CHECK(file_.good(), io, "{}: the log cannot be written (is the disk full?)", path_.string());
}

}  // namespace rustorch::training
