#include <fmt/format.h>

#include <algorithm>

#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/memory/format_bytes.h"
#include "rustorch/model_io/common/json.h"
#include "rustorch/model_io/safetensors/safetensors_file.h"

namespace rustorch::cli {
namespace {

using model_io::Json;

Json to_json(const ModelMetadata& texts) {
  Json object = Json::object();
  for (const auto& [name, text] : texts) object.set(name, text);
  return object;
}

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
    Json tensors = Json::array();
    for (const SafetensorsEntry& entry : file.entries()) {
      tensors.push_back(Json::object({{"name", entry.name},
                                      {"dtype", entry.dtype_name},
                                      {"shape", entry.shape.to_vector()},
                                      {"offset", entry.begin},
                                      {"bytes", entry.bytes()}}));
    }
    fmt::print("{}\n", Json::object({{"file", arguments.file},
                                     {"format", "safetensors"},
                                     {"tensors", tensors},
                                     {"elements", elements},
                                     {"bytes", bytes},
                                     {"metadata", to_json(file.metadata())}})
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
