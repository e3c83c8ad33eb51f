#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>

namespace rustorch::cli {

/// What a chosen subcommand runs; gives the exit code.
using Action = std::function<int()>;

// Each adds its subcommand to the program; parsing it sets `action`.
void add_devices(CLI::App& app, Action& action);
void add_train(CLI::App& app, Action& action);
void add_evaluate(CLI::App& app, Action& action);
void add_predict(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);

// Exit codes.
inline constexpr int exit_done = 0;
inline constexpr int exit_error = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_interrupted = 130;

}  // namespace rustorch::cli
