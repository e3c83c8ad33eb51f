#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "rustorch/backends/runtime.h"
#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"

namespace rustorch::cli {

int devices(const DevicesArguments& arguments) {
  nlohmann::ordered_json found = nlohmann::ordered_json::array();
  for (const Device device : available_devices()) {
    nlohmann::ordered_json entry = {{"device", device.to_string()}};
    nlohmann::ordered_json capabilities = nlohmann::ordered_json::object();
    for (const auto& [name, value] : backend_for(device).capabilities()) capabilities[name] = value;
    entry["capabilities"] = capabilities;
    found.push_back(entry);
  }
  if (arguments.json) {
    nlohmann::ordered_json absent = nlohmann::ordered_json::array();
    for (const AbsentBackend& backend : absent_backends()) {
      absent.push_back({{"backend", std::string(to_string(backend.type))}, {"reason", backend.reason}});
    }
    fmt::print("{}\n", nlohmann::ordered_json{{"devices", found}, {"absent", absent}}.dump());
    return exit_done;
  }
  for (const auto& entry : found) {
    fmt::print("{}\n", styled(stdout, Style::bold, entry["device"].get<std::string>()));
    for (const auto& [name, value] : entry["capabilities"].items()) {
      fmt::print("  {:<22} {}\n", name, value.get<std::string>());
    }
  }
  for (const AbsentBackend& backend : absent_backends()) {
    fmt::print("{}  {}\n", styled(stdout, Style::dim, to_string(backend.type)),
               styled(stdout, Style::dim, "absent: " + backend.reason));
  }
  return exit_done;
}

}  // namespace rustorch::cli
