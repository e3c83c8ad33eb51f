#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace rustorch::cli {

/// Says on standard error what is wrong with the command line, and suggests the nearest option or command.
void print_usage_error(const CLI::App& app, const CLI::ParseError& error,
                       const std::vector<std::string>& arguments);

}  // namespace rustorch::cli
