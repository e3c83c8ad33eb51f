#include <fmt/format.h>

#include <cstdio>

#include "rustorch/backends/runtime.h"
#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/model_io/common/json.h"

namespace rustorch::cli {

using model_io::Json;

int devices(const DevicesArguments& arguments) {
  if (arguments.json) {
    Json found = Json::array();
    for (const Device device : available_devices()) {
      Json capabilities = Json::object();
      for (const auto& [name, value] : backend_for(device).capabilities()) capabilities.set(name, value);
      found.push_back(Json::object({{"device", device.to_string()}, {"capabilities", capabilities}}));
    }
    Json absent = Json::array();
    for (const AbsentBackend& backend : absent_backends()) {
      absent.push_back(Json::object({{"backend", to_string(backend.type)}, {"reason", backend.reason}}));
    }
    fmt::print("{}\n", Json::object({{"devices", found}, {"absent", absent}}).dump());
    return exit_done;
  }
  for (const Device device : available_devices()) {
    fmt::print("{}\n", styled(stdout, Style::bold, device.to_string()));
    for (const auto& [name, value] : backend_for(device).capabilities())
      fmt::print("  {:<22} {}\n", name, value);
  }
  for (const AbsentBackend& backend : absent_backends()) {
    fmt::print("{}  {}\n", styled(stdout, Style::dim, to_string(backend.type)),
               styled(stdout, Style::dim, "absent: " + backend.reason));
  }
  return exit_done;
}

}  // namespace rustorch::cli
