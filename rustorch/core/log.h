#pragma once

#include <string_view>

namespace rustorch {

/// Prints "rustorch: warn: <text>" to stderr if RUSTORCH_LOG asks for warnings: the library prints nothing
/// unless it is asked to.
void log_warning(std::string_view text);

}  // namespace rustorch
