#include "rustorch/cli/usage.h"

#include <fmt/format.h>

#include <cstdio>

#include "rustorch/cli/terminal.h"
#include "rustorch/error/suggestion.h"

namespace rustorch::cli {
namespace {

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

}  // namespace

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

}  // namespace rustorch::cli
