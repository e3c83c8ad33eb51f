#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "rustorch/backends/runtime.h"
#include "rustorch/cli/commands.h"
#include "rustorch/cli/interrupt.h"
#include "rustorch/cli/progress_bar.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/cli/threads.h"
#include "rustorch/cli/train_settings.h"
#include "rustorch/data/fashion_mnist.h"
#include "rustorch/data/loader.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/error/suggestion.h"
#include "rustorch/model_io/common/json.h"
#include "rustorch/model_io/state_dict_io.h"
#include "rustorch/optim/optim.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/loss.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/training/callbacks.h"
#include "rustorch/training/fashion_mnist_cnn.h"
#include "rustorch/training/report.h"
#include "rustorch/training/trainer.h"

namespace rustorch::cli {
namespace {

using model_io::Json;

/// Scores of the whole test set, for the confusion matrix and the gallery.
struct TestScores {
  Tensor scores, targets;
  double loss = 0.0;
};

TestScores score_test_set(training::FashionMnistCnn& model, data::DataLoader& loader, Device device) {
  const NoGrad no_grad;
  model.eval();
  TensorList scores, targets;
  training::Average loss;
  for (const data::Batch& batch : loader) {
    const Tensor output = model(batch.x.to(device));
    loss.add(cross_entropy(output, batch.y.to(device)).item<double>(), static_cast<double>(batch.size()));
    scores.push_back(output.cpu());
    targets.push_back(batch.y.cpu());
  }
  return {cat(scores), cat(targets), loss.mean()};
}

/// Loads the newest checkpoint that can be read; one that cannot is named on standard error.
void resume_from(training::Trainer& trainer, const std::filesystem::path& folder) {
  const std::vector<std::filesystem::path> checkpoints = training::list_checkpoints(folder);
  if (checkpoints.empty()) {
    fail_with_suggestion(ErrorCode::not_found, "start a new run without --resume",
                         "{}: there is no checkpoint", folder.string());
  }
  for (std::size_t i = 0;; ++i) {
    try {
      return trainer.load_checkpoint(checkpoints[i]);
    } catch (const Error& error) {
      const bool damaged = error.code() == ErrorCode::corrupt_data || error.code() == ErrorCode::io;
      if (!damaged || i + 1 == checkpoints.size()) throw;
      fmt::print(stderr, "{} {} ({}); using the one before\n", styled(stderr, Style::yellow, "warning:"),
                 checkpoints[i].string(), error.message());
    }
  }
}

void remove_old_checkpoints(const std::filesystem::path& folder) {
  for (const auto& path : training::list_checkpoints(folder)) {
    std::error_code error;
    std::filesystem::remove(path, error);
    RUSTORCH_CHECK(!error, io, "{}: a checkpoint of an earlier run cannot be removed: {}", path.string(),
                   error.message());
  }
}

void write_run_report(const std::filesystem::path& path, const TrainSettings& settings,
                      const std::string& device, const TestScores& test,
                      const training::ConfusionMatrix& confusion, double images_per_second,
                      const Tensor& images, const std::filesystem::path& log) {
  training::Report report;
  report.title = "Fashion-MNIST";
  report.facts = {{"test accuracy", fmt::format("{:.2f} %", 100 * confusion.accuracy())},
                  {"test loss", fmt::format("{:.4f}", test.loss)},
                  {"images per second", fmt::format("{:.0f}", images_per_second)},
                  {"epochs", std::to_string(settings.epochs)},
                  {"batch size", std::to_string(settings.batch_size)},
                  {"learning rate", fmt::format("{:g}", settings.learning_rate)},
                  {"seed", std::to_string(settings.seed)},
                  {"device", device}};
  report.log = training::read_training_log(log);
  report.class_names.assign(data::FashionMnist::class_names.begin(), data::FashionMnist::class_names.end());
  report.confusion = &confusion;
  report.wrong = training::most_confidently_wrong(test.scores, test.targets, images, 32);
  training::write_report(path, report);
}

/// Figures of all epochs in the log, those before a resume too.
struct Speed {
  std::vector<double> epoch_seconds;
  double images_per_second = 0.0;
};

Speed speed_of(const training::TrainingLog& log, const training::TrainingResult& result,
               std::int64_t batch_size) {
  Speed speed;
  double seconds = 0, images = 0;
  for (const training::EpochRecord& epoch : log.epochs) {
    speed.epoch_seconds.push_back(epoch.seconds);
    seconds += epoch.seconds;
    images += epoch.seconds * epoch.images_per_second;
  }
  if (log.epochs.empty() && result.steps > 0) {  // not one whole epoch: from the steps
    for (const training::StepRecord& step : log.steps) {
      seconds += static_cast<double>(batch_size) / step.images_per_second;
      images += static_cast<double>(batch_size);
    }
  }
  speed.images_per_second = seconds > 0 ? images / seconds : 0.0;
  return speed;
}

}  // namespace

int train(const TrainArguments& arguments) {
  const std::vector<std::string> known = {"fashion-mnist"};
  if (arguments.what != known.front()) {
    fail_with_suggestion(ErrorCode::invalid_argument, "rustorch train fashion-mnist",
                         "there is no training job \"{}\"", arguments.what);
  }
  const std::filesystem::path out =
      arguments.resume_folder.empty() ? arguments.out : std::filesystem::path(arguments.resume_folder);
  const std::atomic<bool>& interrupted = watch_for_interrupts();  // before any thread is started
  const Device device(arguments.device);
  backend_for(device);  // an absent device is said before any work
  prepare_threads(arguments.threads);
  TrainSettings settings = arguments.settings;
  if (arguments.resume) {
    settings = load_settings(out, arguments.settings, arguments.given);
  } else {
    std::error_code error;
    std::filesystem::create_directories(out, error);
    if (error) {
      fail_with_suggestion(ErrorCode::io, "choose another folder with --out",
                           "{}: the folder cannot be made: {}", out.string(), error.message());
    }
    save_settings(out, settings);
    remove_old_checkpoints(out / "checkpoints");
  }

  const data::FashionMnist images = data::FashionMnist::load(settings.data);
  data::DataLoader train_loader(
      images.train_set(),
      {.batch_size = settings.batch_size, .shuffle = true, .workers = 1, .seed = settings.seed});
  data::DataLoader test_loader(images.test_set(), {.batch_size = 500, .workers = 1});

  manual_seed(settings.seed);
  training::FashionMnistCnn model;
  model.to(device);
  optim::AdamW optimizer(model.parameters(), {.lr = settings.learning_rate, .weight_decay = 1e-2});
  optim::OneCycleLR scheduler(optimizer, {.max_lr = 2 * settings.learning_rate,
                                          .total_steps = settings.epochs * train_loader.size()});
  const auto loss = [](const Tensor& output, const Tensor& target) { return cross_entropy(output, target); };
  training::Trainer trainer(
      model, optimizer, loss,
      {.epochs = settings.epochs, .max_steps = arguments.max_steps, .device = device, .stop = &interrupted});
  trainer.set_scheduler(scheduler);
  if (arguments.resume) resume_from(trainer, out / "checkpoints");

  const std::filesystem::path log_path = out / "log.jsonl";
  if (!arguments.quiet) trainer.add(std::make_shared<ProgressBar>());
  trainer.add(std::make_shared<training::JsonLog>(log_path));
  trainer.add(std::make_shared<training::Checkpoints>(out / "checkpoints", arguments.save_every));
  const training::TrainingResult result = trainer.fit(train_loader, &test_loader);

  if (result.interrupted) {
    const std::string command = fmt::format("rustorch train fashion-mnist --resume {}", out.string());
    fmt::print(stderr, "interrupted after step {}; the checkpoint is saved\n  try: {}\n", result.steps,
               command);
    if (arguments.json) {
      fmt::print("{}\n", Json::object({{"device", device.to_string()},
                                       {"interrupted", true},
                                       {"steps", result.steps},
                                       {"resume", command}})
                             .dump());
    }
    return exit_interrupted;
  }

  const TestScores test = score_test_set(model, test_loader, device);
  training::ConfusionMatrix confusion(static_cast<std::int64_t>(data::FashionMnist::class_names.size()));
  confusion.add(test.scores, test.targets);
  const Speed speed = speed_of(training::read_training_log(log_path), result, settings.batch_size);
  const std::filesystem::path model_path = out / "model.safetensors";
  const std::filesystem::path report_path = out / "report.html";
  save_state_dict(model.state_dict(), model_path,
                  {{"format", "pt"},
                   {"network", "fashion-mnist-cnn"},
                   {"test_accuracy", fmt::format("{:.4f}", confusion.accuracy())}});
  write_run_report(report_path, settings, device.to_string(), test, confusion, speed.images_per_second,
                   images.test_images, log_path);
  if (arguments.json) {
    const Json object = Json::object({{"device", device.to_string()},
                                      {"epochs", settings.epochs},
                                      {"steps", result.steps},
                                      {"seed", settings.seed},
                                      {"test_accuracy", confusion.accuracy()},
                                      {"test_loss", test.loss},
                                      {"images_per_second", speed.images_per_second},
                                      {"epoch_seconds", speed.epoch_seconds},
                                      {"model", std::filesystem::absolute(model_path).string()},
                                      {"report", std::filesystem::absolute(report_path).string()}});
    fmt::print("{}\n", object.dump());
  } else {
    fmt::print("test accuracy  {}\n",
               styled(stdout, Style::bold, fmt::format("{:.2f} %", 100 * confusion.accuracy())));
    fmt::print("speed          {:.0f} images/s\n", speed.images_per_second);
    fmt::print("model          {}\n", std::filesystem::absolute(model_path).string());
    fmt::print("report         {}\n", std::filesystem::absolute(report_path).string());
  }
  return exit_done;
}

}  // namespace rustorch::cli
