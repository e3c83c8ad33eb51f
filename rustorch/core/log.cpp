#include "rustorch/core/log.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "rustorch/core/environment.h"

namespace rustorch {
namespace {

bool warnings_are_wanted() {
  const std::string level = environment("RUSTORCH_LOG");
  return level == "trace" || level == "debug" || level == "info" || level == "warn" || level == "warning";
}

}  // namespace

void log_warning(std::string_view text) {
  if (warnings_are_wanted()) std::fputs(fmt::format("rustorch: warn: {}\n", text).c_str(), stderr);
}

}  // namespace rustorch
