#include "support/op_support.h"

#include <fmt/chrono.h>

#include <chrono>
#include <ctime>

#include "rustorch/backends/runtime.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/model_io/common/json.h"

namespace rustorch::testing {

using model_io::Json;

OpSupport& OpSupport::instance() {
  static OpSupport support;
  return support;
}

std::string OpSupport::json() const {
  const Device device = default_device();
  Json families = Json::object();
  for (const auto& [family, rows] : families_) {
    Json operations = Json::object();
    for (const auto& [operation, row] : rows) {
      Json dtypes = Json::object();
      for (const auto& [dtype, counts] : row.cells) {
        std::vector<int> shown(counts.begin(), counts.end());
        while (shown.size() > 1 && shown.back() == 0) shown.pop_back();
        dtypes.set(std::string(to_string(dtype)), Json(shown));
      }
      Json entry = Json::object({{"dtypes", dtypes}});
      if (row.gradients > 0) entry.set("gradients", row.gradients);
      if (row.second_gradients > 0) entry.set("second_gradients", row.second_gradients);
      operations.set(operation, entry);
    }
    families.set(family, operations);
  }
  Json about = Json::object();
  for (const auto& [name, value] : backend_for(device).capabilities()) {
    if (name == "name" || name == "driver" || name == "instruction set") about.set(name, value);
  }
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return Json::object({{"device", device.to_string()},
                       {"about", about},
                       {"date", fmt::format("{:%Y-%m-%d}", fmt::gmtime(now))},
                       {"families", families}})
      .dump();
}

}  // namespace rustorch::testing
