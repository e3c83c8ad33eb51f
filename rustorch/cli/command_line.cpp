#include "rustorch/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rustorch/cli/bench.h"
#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/error/suggestion.h"

// Everything that knows CLI11 stands in this file: including it takes longer to compile than any command.
namespace rustorch::cli {
namespace {

/// What a chosen subcommand runs; gives the exit code.
using Action = std::function<int()>;

/// A subcommand; of an option that comes twice the last one counts.
CLI::App* add_command(CLI::App& app, const char* name, const char* description) {
  CLI::App* command = app.add_subcommand(name, description);
  command->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return command;
}

void add_json(CLI::App* command, bool& json) { command->add_flag("--json", json, "Print one JSON object"); }

void add_device(CLI::App* command, std::string& device) {
  command->add_option("--device", device, "auto, cpu, cuda:0, opencl:0, metal:0")->capture_default_str();
}

/// Parsing the subcommand makes `run` of its arguments the action.
template <class Arguments>
void on_parsed(CLI::App* command, Action& action, std::shared_ptr<Arguments> arguments,
               int (*run)(const Arguments&)) {
  command->callback([&action, arguments, run] { action = [arguments, run] { return run(*arguments); }; });
}

// ---- the subcommands

void add_devices(CLI::App& app, Action& action) {
  CLI::App* command =
      add_command(app, "devices", "List the devices, their capabilities, and why a backend is absent");
  auto arguments = std::make_shared<DevicesArguments>();
  command->add_option("--model", arguments->model, "Say of each device whether it can run this model file");
  add_json(command, arguments->json);
  on_parsed(command, action, arguments, devices);
}

void add_train(CLI::App& app, Action& action) {
  CLI::App* command = add_command(app, "train", "Train a network: fashion-mnist");
  auto arguments = std::make_shared<TrainArguments>();
  TrainSettings& settings = arguments->settings;
  command->add_option("what", arguments->what, "What to train: fashion-mnist")->required();
  add_device(command, arguments->device);
  CLI::Option* epochs = command->add_option("--epochs", settings.epochs, "Passes over the training data")
                            ->check(CLI::Range(1, 1000000))
                            ->capture_default_str();
  CLI::Option* batch_size = command->add_option("--batch-size", settings.batch_size, "Images per step")
                                ->check(CLI::Range(1, 60000))
                                ->capture_default_str();
  CLI::Option* lr =
      command->add_option("--lr", settings.learning_rate, "Learning rate; the schedule peaks at twice this")
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
  CLI::Option* seed = command->add_option("--seed", settings.seed, "Of weights, shuffling and dropout")
                          ->capture_default_str();
  command->add_option("--threads", arguments->threads, "Threads to compute with (default: all cores)")
      ->check(CLI::Range(1, 4096));
  CLI::Option* data =
      command->add_option("--data", settings.data, "Folder with the four IDX files, gzipped or not");
  command->add_option("--out", arguments->out, "Folder for model, checkpoints, log and report")
      ->capture_default_str();
  CLI::Option* resume =
      command
          ->add_option("--resume", arguments->resume_folder,
                       "Go on from the last checkpoint of --out, or of the folder given here")
          ->expected(0, 1);
  command
      ->add_option("--save-every", arguments->save_every, "Steps between checkpoints (default: each epoch)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--max-steps", arguments->max_steps, "End after this many steps")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--quiet", arguments->quiet, "No progress on standard error");
  command->add_flag("--json", arguments->json,
                    "Print one JSON object at the end, nothing else on standard output");
  command->callback([=, &action] {
    arguments->given = {epochs->count() > 0, batch_size->count() > 0, lr->count() > 0, seed->count() > 0,
                        data->count() > 0};
    arguments->resume = resume->count() > 0;
    action = [arguments] { return train(*arguments); };
  });
}

void add_evaluate(CLI::App& app, Action& action) {
  CLI::App* command = add_command(app, "evaluate", "Test a trained model on the test images");
  auto arguments = std::make_shared<EvaluateArguments>();
  command->add_option("model", arguments->model, "model.safetensors")->required();
  add_device(command, arguments->device);
  command->add_option("--data", arguments->data, "Folder with the IDX files, gzipped or not");
  add_json(command, arguments->json);
  on_parsed(command, action, arguments, evaluate);
}

void add_predict(CLI::App& app, Action& action) {
  CLI::App* command = add_command(app, "predict", "Name what is on images: PNG, JPEG or IDX");
  auto arguments = std::make_shared<PredictArguments>();
  command->add_option("model", arguments->model, "model.safetensors")->required();
  command->add_option("images", arguments->images, "PNG, JPEG or IDX files")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  command->add_option("--top", arguments->top, "How many classes to show")
      ->check(CLI::Range(1, 10))
      ->capture_default_str();
  add_json(command, arguments->json);
  on_parsed(command, action, arguments, predict);
}

void add_inspect(CLI::App& app, Action& action) {
  CLI::App* command = add_command(app, "inspect", "List what a model file holds: safetensors");
  auto arguments = std::make_shared<InspectArguments>();
  command->add_option("file", arguments->file, "A .safetensors file")->required();
  add_json(command, arguments->json);
  on_parsed(command, action, arguments, inspect);
}

void add_bench(CLI::App& app, Action& action) {
  CLI::App* command = add_command(app, "bench", "Measure this machine: ops, gemm, conv, transfer, memory");
  auto arguments = std::make_shared<BenchArguments>();
  CLI::Option* const what =
      command
          ->add_option("what", arguments->what,
                       "ops (large tensors), gemm (matrix products), conv (convolutions), transfer (host and "
                       "device), all")
          ->check(CLI::IsMember({"ops", "gemm", "conv", "layers", "transfer", "all"}));
  command->add_option("--device", arguments->devices, "Devices to measure (default: all)")->needs(what);
  command->add_option("--filter", arguments->filter, "Only what contains this text")->needs(what);
  command
      ->add_option("--elements", arguments->elements,
                   "Of the large tensors (default: 2^28 on CUDA, else 2^24)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 34))
      ->needs(what);
  CLI::Option* const memory = command->add_flag(
      "--memory", arguments->memory,
      "Taking and returning memory beside malloc, page faults, and statistics in total and by tag");
  CLI::Option_group* const some = command->add_option_group("what is measured");
  some->add_option(what);
  some->add_option(memory);
  some->require_option(1, 0);
  add_json(command, arguments->json);
  on_parsed(command, action, arguments, bench);
}

// ---- mistakes

/// The subcommand that the arguments chose, or the program itself.
const CLI::App& chosen(const CLI::App& app) {
  const std::vector<CLI::App*> commands = app.get_subcommands();
  return commands.empty() ? app : *commands.front();
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string suggestion_for(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App& command = chosen(app);
  if (&command == &app) {
    std::vector<std::string> commands;
    for (const CLI::App* known : app.get_subcommands({})) commands.push_back(known->get_name());
    for (const std::string& argument : arguments) {
      if (!argument.starts_with("-")) return did_you_mean(argument, commands);
    }
    return {};
  }
  const std::vector<std::string> names = option_names(command);
  for (const std::string& argument : arguments) {
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    if (std::find(names.begin(), names.end(), name) == names.end()) return did_you_mean(name, names);
  }
  return {};
}

/// Says on standard error what is wrong with the command line, and suggests the nearest option or command.
void print_usage_error(const CLI::App& app, const CLI::ParseError& error,
                       const std::vector<std::string>& arguments) {
  fmt::print(stderr, "{} {}\n", styled(stderr, Style::red, "error:"), error.what());
  const std::string suggestion = suggestion_for(app, arguments);
  const CLI::App& command = chosen(app);
  const std::string help =
      &command == &app ? "rustorch --help" : fmt::format("rustorch {} --help", command.get_name());
  fmt::print(stderr, "  try: {}\n",
             suggestion.empty() ? help : fmt::format("{} (all options: {})", suggestion, help));
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app("RusTorch: tensors and deep learning", "rustorch");
  app.require_subcommand(1);
  app.set_version_flag("--version", RUSTORCH_VERSION);
  app.failure_message(CLI::FailureMessage::simple);
  Action action;
  add_devices(app, action);
  add_train(app, action);
  add_evaluate(app, action);
  add_predict(app, action);
  add_inspect(app, action);
  add_bench(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    print_usage_error(app, error, {argv + 1, argv + argc});
    return exit_usage;
  }
  return action();
}

}  // namespace rustorch::cli
