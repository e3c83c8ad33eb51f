#pragma once

#include <string>

#include "rustorch/backends/gpu/device_probes.h"

namespace rustorch::gpu {

/// The text of a probe's kernel, without the dialect's prelude. Not of Probe::products, which runs the
/// library's own kernels (product_probe.h).
std::string probe_source(Probe probe, const DeviceFacts& facts);

/// Compiles a probe's kernel, runs it and compares its results with the host's. An Error (unsupported) if it
/// does not compile; other Errors if it could not be run.
ProbeResult run_trial(Probe probe, KernelExecutor& executor);

}  // namespace rustorch::gpu
