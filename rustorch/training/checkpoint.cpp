#include "rustorch/model_io/common/json.h"
#include "rustorch/model_io/safetensors/safetensors_file.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/training/trainer.h"

// A checkpoint is one safetensors file: tensors "model.*" and "optimizer.*", and in the metadata, as JSON,
// everything that is a number. Doubles are written in hexadecimal so that they come back bit for bit.

namespace rustorch::training {
namespace {

using model_io::Json;

constexpr const char* metadata_key = "rustorch.checkpoint";
constexpr const char* model_prefix = "model.";
constexpr const char* optimizer_prefix = "optimizer.";

std::string exact(double value) { return fmt::format("{:a}", value); }

double exact(const Json& text) {
  const std::string digits = text.to_string();
  char* end = nullptr;
  const double value = std::strtod(digits.c_str(), &end);
  RUSTORCH_CHECK(end == digits.c_str() + digits.size() && !digits.empty(), corrupt_data,
                 "\"{}\" is no number", digits);
  return value;
}

Json numbers_to_json(const OrderedMap<double>& numbers) {
  Json list = Json::array();
  for (const auto& [name, value] : numbers) list.push_back(Json::array({name, exact(value)}));
  return list;
}

OrderedMap<double> numbers_from_json(const Json& list) {
  OrderedMap<double> numbers;
  for (const Json& item : list.elements()) numbers[item.at(0).to_string()] = exact(item.at(1));
  return numbers;
}

}  // namespace

void Trainer::save_checkpoint(const std::filesystem::path& path) const {
  const NoGrad no_grad;
  StateDict tensors;
  for (const auto& [name, tensor] : model_->state_dict()) tensors[model_prefix + name] = tensor;
  const optim::OptimizerState optimizer = optimizer_->state_dict();
  for (const auto& [name, tensor] : optimizer.tensors) tensors[optimizer_prefix + name] = tensor;

  Json groups = Json::array();
  for (const auto& group : optimizer.groups) {
    groups.push_back(
        Json::object({{"parameters", group.parameter_count}, {"options", numbers_to_json(group.options)}}));
  }
  Json state = Json::object({
      {"version", 1},
      {"step", step_},
      {"epoch", epoch_},
      {"batch_in_epoch", batch_in_epoch_},
      {"epoch_loss_sum", exact(epoch_loss_.sum())},
      {"epoch_loss_weight", exact(epoch_loss_.weight())},
      {"epoch_correct", epoch_correct_},
      {"epoch_seconds", exact(epoch_seconds_)},
      {"random_seed", default_generator().seed()},
      {"random_offset", default_generator().offset()},
      {"optimizer", Json::object({{"type", optimizer.type}, {"groups", groups}})},
  });
  if (scheduler_ != nullptr) state.set("scheduler", numbers_to_json(scheduler_->state_dict()));
  save_safetensors(path, tensors, {{metadata_key, state.dump()}});
}

void Trainer::load_checkpoint(const std::filesystem::path& path) {
  const auto describe = [&] { return fmt::format("loading the checkpoint {}", path.string()); };
  const ErrorContext context(describe);
  const NoGrad no_grad;
  const SafetensorsFile file(path);
  const auto found = file.metadata().find(metadata_key);
  RUSTORCH_CHECK(found != file.metadata().end(), corrupt_data,
                 "{} holds no training checkpoint, only tensors", path.string());
  try {
    const Json state = Json::parse(found->second);
    RUSTORCH_CHECK(state.at("version").to_int64() == 1, unsupported, "checkpoint version {}",
                   state.at("version").to_int64());
    StateDict model;
    optim::OptimizerState optimizer;
    for (const auto& entry : file.entries()) {
      const std::string_view name = entry.name;
      if (name.starts_with(model_prefix)) model[name.substr(6)] = file.tensor(name);
      if (name.starts_with(optimizer_prefix)) optimizer.tensors[name.substr(10)] = file.tensor(name);
    }
    optimizer.type = state.at("optimizer").at("type").to_string();
    for (const Json& group : state.at("optimizer").at("groups").elements()) {
      optimizer.groups.push_back({group.at("parameters").to_int64(), numbers_from_json(group.at("options"))});
    }
    const bool has_scheduler = state.contains("scheduler");
    RUSTORCH_CHECK(has_scheduler == (scheduler_ != nullptr), invalid_argument,
                   "the checkpoint was made with{} a learning-rate schedule, this run has {}",
                   has_scheduler ? "" : "out", has_scheduler ? "none" : "one");

    model_->load_state_dict(model);  // checks all names and shapes before it changes anything
    optimizer_->load_state_dict(optimizer);
    if (has_scheduler) scheduler_->load_state_dict(numbers_from_json(state.at("scheduler")));
    step_ = state.at("step").to_int64();
    epoch_ = state.at("epoch").to_int64();
    batch_in_epoch_ = state.at("batch_in_epoch").to_int64();
    epoch_loss_.restore(exact(state.at("epoch_loss_sum")), exact(state.at("epoch_loss_weight")));
    epoch_correct_ = state.at("epoch_correct").to_int64();
    epoch_seconds_ = exact(state.at("epoch_seconds"));
    default_generator().set_state(state.at("random_seed").to_uint64(), state.at("random_offset").to_uint64());
  } catch (const model_io::JsonError& error) {
    fail(ErrorCode::corrupt_data, "{}: the checkpoint's metadata is damaged: {}", path.string(),
         error.what());
  }
}

}  // namespace rustorch::training
