#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rustorch/core/dtype.h"
#include "rustorch/device/device.h"

namespace rustorch {

class ComputeBackend;

/// Whether a device can run something, and why not.
struct DeviceCheck {
  enum class Verdict : std::uint8_t {
    runs,
    falls_back,  ///< it runs, but some of the work on the CPU, with copies
    cannot,
  };
  Device device;
  Verdict verdict = Verdict::runs;
  std::vector<std::string> reasons;  ///< for people; empty where all runs on the device
  /// Whether it runs at all.
  explicit operator bool() const noexcept { return verdict != Verdict::cannot; }
  /// "metal:0 cannot: reason; reason".
  std::string to_string() const;
};

/// A tensor that is to live on a device.
struct TensorNeed {
  std::string name;
  DType dtype = DType::float32;
  std::uint64_t bytes = 0;
};

/// Whether a device computes with a dtype: it is there, a trial of the dtype on it gave right results (the
/// first check runs it, gpu/device_probes.h), and which kinds of work (compute_backend.h) it leaves to the
/// CPU. In strict mode (RUSTORCH_STRICT) work that is left to the CPU is a refusal. An absent device is
/// a reason, not an Error.
DeviceCheck can_run(DType dtype, Device device);

/// The same for all dtypes of `tensors`; and whether all of them and `further_bytes` (gradients, say) fit
/// beside what the device holds now, in its memory and below its allocator's limit, and each in one buffer.
/// What computing takes on top (activations, kernels, the driver) is not counted.
DeviceCheck can_run(std::span<const TensorNeed> tensors, Device device, std::uint64_t further_bytes = 0);

/// Dtypes, and which kinds of work a backend leaves to the CPU in them, for `rustorch devices`. Dtypes with
/// the same kinds share a pair.
std::vector<std::pair<std::string, std::string>> computed_dtypes(const ComputeBackend& backend);

}  // namespace rustorch
