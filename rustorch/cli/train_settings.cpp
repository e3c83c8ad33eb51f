#include "rustorch/cli/train_settings.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "rustorch/core/atomic_file.h"
#include "rustorch/error/error.h"
#include "rustorch/model_io/common/json.h"

namespace rustorch::cli {
namespace {

using model_io::Json;

constexpr const char* file_name = "settings.json";

template <class T>
void check_same(const char* option, bool given, const T& wanted, const T& stored) {
  if (!given || wanted == stored) return;
  fail_with_suggestion(ErrorCode::invalid_argument,
                       fmt::format("leave {} out, or start a new run without --resume", option),
                       "{} {} differs from the {} of the run that is resumed", option, wanted, stored);
}

}  // namespace

void save_settings(const std::filesystem::path& folder, const TrainSettings& settings) {
  const Json object = Json::object({{"epochs", settings.epochs},
                                    {"batch_size", settings.batch_size},
                                    {"learning_rate", settings.learning_rate},
                                    {"seed", settings.seed},
                                    {"data", settings.data}});
  write_file_atomically(folder / file_name, object.dump(2) + "\n");
}

TrainSettings load_settings(const std::filesystem::path& folder, const TrainSettings& command_line,
                            const GivenSettings& given) {
  const std::filesystem::path path = folder / file_name;
  std::ifstream file(path);
  if (!file.is_open()) {
    fail_with_suggestion(ErrorCode::not_found,
                         "give the folder of a run: --resume DIR (or --out DIR --resume)",
                         "{}: there is no run to resume", path.string());
  }
  TrainSettings settings;
  try {
    const Json object = Json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
    settings = {object.at("epochs").to_int64(), object.at("batch_size").to_int64(),
                object.at("learning_rate").to_double(), object.at("seed").to_uint64(),
                object.at("data").to_string()};
  } catch (const model_io::JsonError& error) {
    fail(ErrorCode::corrupt_data, "{}: not the settings of a run: {}", path.string(), error.what());
  }
  check_same("--epochs", given.epochs, command_line.epochs, settings.epochs);
  check_same("--batch-size", given.batch_size, command_line.batch_size, settings.batch_size);
  check_same("--lr", given.learning_rate, command_line.learning_rate, settings.learning_rate);
  check_same("--seed", given.seed, command_line.seed, settings.seed);
  if (given.data) settings.data = command_line.data;
  return settings;
}

}  // namespace rustorch::cli
