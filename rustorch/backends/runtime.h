#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rustorch/backends/compute_backend.h"

namespace rustorch {

/// The backend that computes for tensors on `device`. The CPU is always there; a device without a backend is
/// an Error that says why it is absent. Work that a backend does not support runs on the CPU with copies
/// (counted, logged once) or, in strict mode, is an Error.
ComputeBackend& backend_for(Device device);

/// The CPU's backend, without a lookup.
ComputeBackend& cpu_backend();

/// Adds a backend; the registry keeps it for the life of the process. A second one for the same device
/// replaces the first.
void register_backend(std::unique_ptr<ComputeBackend> backend);

/// Every device that has a backend.
std::vector<Device> available_devices();

/// One line for each kind of device that has no backend here: why.
struct AbsentBackend {
  DeviceType type;
  std::string reason;
};
std::vector<AbsentBackend> absent_backends();

/// Why `backend_for` has no backend for this device; empty if it has one.
std::string absence_of(Device device);

/// How often work ran on the CPU because the device's backend lacks it.
std::uint64_t fallback_count() noexcept;
void reset_fallback_count() noexcept;

/// Strict mode (RUSTORCH_STRICT=1, or set here): work that a backend lacks is an Error instead of a fallback.
bool strict_mode() noexcept;
void set_strict_mode(bool strict) noexcept;

}  // namespace rustorch
