#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "rustorch/backends/device_check.h"
#include "rustorch/backends/runtime.h"
#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/model_io/common/json.h"
#include "rustorch/model_io/safetensors/safetensors_file.h"

namespace rustorch::cli {
namespace {

using model_io::Json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What a model file asks of a device.
struct ModelNeeds {
  std::vector<TensorNeed> tensors;
  std::vector<std::string> unknown;  ///< what no device can run

  explicit ModelNeeds(const std::string& path) {
    const SafetensorsFile file{std::filesystem::path(path)};
    for (const SafetensorsEntry& entry : file.entries()) {
      if (entry.dtype) {
        tensors.push_back({entry.name, *entry.dtype, entry.bytes()});
      } else {
        unknown.push_back(
            fmt::format("`{}` is {}, which RusTorch has no dtype for", entry.name, entry.dtype_name));
      }
    }
  }

  DeviceCheck on(Device device) const {
    if (!unknown.empty()) return {device, DeviceCheck::Verdict::cannot, unknown};
    return can_run(tensors, device);
  }
};

Json to_json(const Pairs& pairs) {
  Json object = Json::object();
  for (const auto& [name, value] : pairs) object.set(name, value);
  return object;
}

Json to_json(const DeviceCheck& check) {
  constexpr std::string_view words[] = {"runs", "falls_back", "cannot"};
  Json reasons = Json::array();
  for (const std::string& reason : check.reasons) reasons.push_back(reason);
  return Json::object({{"verdict", words[static_cast<std::size_t>(check.verdict)]}, {"reasons", reasons}});
}

void print(std::string_view title, const Pairs& pairs) {
  if (!title.empty() && !pairs.empty()) fmt::print("  {}\n", styled(stdout, Style::dim, title));
  for (const auto& [name, value] : pairs)
    fmt::print("  {}{:<28} {}\n", title.empty() ? "" : "  ", name, value);
}

void print_json(const std::optional<ModelNeeds>& model) {
  Json found = Json::array();
  for (const Device device : available_devices()) {
    ComputeBackend& backend = backend_for(device);
    Json entry = Json::object({{"device", device.to_string()},
                               {"capabilities", to_json(backend.capabilities())},
                               {"measured", to_json(backend.measured_capabilities())},
                               {"dtypes", to_json(computed_dtypes(backend))}});
    if (model) entry.set("model", to_json(model->on(device)));
    found.push_back(entry);
  }
  Json absent = Json::array();
  for (const AbsentBackend& backend : absent_backends()) {
    absent.push_back(Json::object({{"backend", to_string(backend.type)}, {"reason", backend.reason}}));
  }
  fmt::print("{}\n", Json::object({{"devices", found}, {"absent", absent}}).dump());
}

}  // namespace

int devices(const DevicesArguments& arguments) {
  std::optional<ModelNeeds> model;
  if (!arguments.model.empty()) model.emplace(arguments.model);
  if (arguments.json) {
    print_json(model);
    return exit_done;
  }
  for (const Device device : available_devices()) {
    ComputeBackend& backend = backend_for(device);
    fmt::print("{}\n", styled(stdout, Style::bold, device.to_string()));
    print("", backend.capabilities());
    print("tried by kernels", backend.measured_capabilities());
    print("computes", computed_dtypes(backend));
    if (model) fmt::print("  {}: {}\n", arguments.model, model->on(device).to_string());
  }
  for (const AbsentBackend& backend : absent_backends()) {
    fmt::print("{}  {}\n", styled(stdout, Style::dim, to_string(backend.type)),
               styled(stdout, Style::dim, "absent: " + backend.reason));
  }
  return exit_done;
}

}  // namespace rustorch::cli
