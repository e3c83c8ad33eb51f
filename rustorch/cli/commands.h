#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "rustorch/cli/train_settings.h"

// The subcommands: what each may be told, and what runs it. Each gives the exit code.
namespace rustorch::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_error = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_interrupted = 130;

/// `rustorch devices`: lists the devices, their capabilities, and why a backend is absent; with a model file,
/// whether each can run it.
struct DevicesArguments {
  std::string model;
  bool json = false;
};
int devices(const DevicesArguments& arguments);

/// `rustorch train`: trains a network and leaves model, checkpoints, log and report in a folder.
struct TrainArguments {
  std::string what;
  std::string device = "auto";
  TrainSettings settings;
  GivenSettings given;
  std::optional<int> threads;
  std::filesystem::path out = "runs/fashion-mnist";
  bool resume = false;
  std::string resume_folder;
  std::int64_t save_every = 0;
  std::int64_t max_steps = 0;
  bool quiet = false;
  bool json = false;
};
int train(const TrainArguments& arguments);

/// `rustorch evaluate`: tests a trained model on the test images.
struct EvaluateArguments {
  std::string model;
  std::string device = "auto";
  std::string data;
  bool json = false;
};
int evaluate(const EvaluateArguments& arguments);

/// `rustorch predict`: names what is on images.
struct PredictArguments {
  std::string model;
  std::vector<std::string> images;
  std::int64_t top = 3;
  bool json = false;
};
int predict(const PredictArguments& arguments);

/// `rustorch inspect`: lists what a model file holds.
struct InspectArguments {
  std::string file;
  bool json = false;
};
int inspect(const InspectArguments& arguments);

}  // namespace rustorch::cli
