#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace rustorch::cli {

/// What decides the course of a training run, kept as settings.json in its folder so that --resume goes on
/// alike.
struct TrainSettings {
  std::int64_t epochs = 5;
  std::int64_t batch_size = 128;
  double learning_rate = 2e-3;
  std::uint64_t seed = 0;
  std::string data;  ///< the folder with the data set; empty: where it is found
};

/// Which of them the user gave on the command line.
struct GivenSettings {
  bool epochs = false, batch_size = false, learning_rate = false, seed = false, data = false;
};

void save_settings(const std::filesystem::path& folder, const TrainSettings& settings);

/// The settings of the run in `folder`; what was given on the command line must agree with them (the data's
/// folder may differ): an Error that names the option otherwise.
TrainSettings load_settings(const std::filesystem::path& folder, const TrainSettings& command_line,
                            const GivenSettings& given);

}  // namespace rustorch::cli
