#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/memory/format_bytes.h"
#include "rustorch/model_io/safetensors/safetensors_file.h"

namespace rustorch::cli {
namespace {

std::vector<std::int64_t> sizes(const Shape& shape) { return shape.to_vector(); }

}  // namespace

int inspect(const InspectArguments& arguments) {
  const SafetensorsFile file{std::filesystem::path(arguments.file)};
  std::uint64_t bytes = 0;
  std::int64_t elements = 0;
  std::size_t widest = 4;
  for (const SafetensorsEntry& entry : file.entries()) {
    bytes += entry.bytes();
    elements += entry.shape.element_count();
    widest = std::max(widest, entry.name.size());
  }
  if (arguments.json) {
    nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
    for (const SafetensorsEntry& entry : file.entries()) {
      tensors.push_back({{"name", entry.name},
                         {"dtype", entry.dtype_name},
                         {"shape", sizes(entry.shape)},
                         {"offset", entry.begin},
                         {"bytes", entry.bytes()}});
    }
    fmt::print("{}\n", nlohmann::ordered_json{{"file", arguments.file},
                                              {"format", "safetensors"},
                                              {"tensors", tensors},
                                              {"elements", elements},
                                              {"bytes", bytes},
                                              {"metadata", file.metadata()}}
                           .dump());
    return exit_done;
  }
  fmt::print("{}  safetensors, {} tensors, {} elements, {}\n", styled(stdout, Style::bold, arguments.file),
             file.entries().size(), elements, format_bytes(bytes));
  for (const SafetensorsEntry& entry : file.entries()) {
    fmt::print("  {:<{}}  {:<5} {}\n", entry.name, widest, entry.dtype_name, entry.shape.to_string());
  }
  if (!file.metadata().empty()) fmt::print("metadata\n");
  for (const auto& [key, value] : file.metadata()) {
    constexpr std::size_t shown = 100;  // training checkpoints keep kilobytes of JSON here
    fmt::print("  {:<{}}  {}{}\n", key, widest, value.substr(0, shown), value.size() > shown ? "…" : "");
  }
  return exit_done;
}

}  // namespace rustorch::cli
