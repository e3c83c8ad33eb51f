#pragma once

#include <string>
#include <string_view>

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu {

/// A whole source for a device's compiler: its prelude, the dialect's common part, the functions of the op
/// table for each type that the device has, and `body`.
std::string dialect_source(const KernelExecutor& executor, std::string_view body);

}  // namespace rustorch::gpu
