#pragma once

#include <optional>

#include "rustorch/backends/device_check.h"
#include "rustorch/nn/module.h"

namespace rustorch::nn {

/// Whether a device can run a module, and why not: the parameters, the buffers and the gradients that
/// training would make must fit into its memory beside what is there (what of the module lies there already
/// counts once), and it must compute with their dtypes. `dtype`: as if `module.to(dtype)` had been called,
/// which converts the floating-point and complex ones; another dtype cannot. Which kinds of work the module's
/// forward is made of is not looked into: a reason names all kinds that its dtypes would leave to the CPU.
/// See can_run in backends/device_check.h for the rest.
///
///     if (const DeviceCheck check = nn::can_run(net, "metal:0", float16); !check)
///       fmt::print("{}\n", check.to_string());
DeviceCheck can_run(const Module& module, Device device, std::optional<DType> dtype = std::nullopt);

}  // namespace rustorch::nn
