#pragma once

#include <optional>

#include "rustorch/device/device.h"

namespace rustorch {

/// The device that new tensors go to: that of the innermost DeviceScope of this thread, else what
/// set_default_device set, else RUSTORCH_DEVICE, else the CPU.
Device default_device();

/// Sets the default device of all threads; takes names: `set_default_device("cuda:0")`. Whether a backend for
/// the device is present shows when a tensor is put there.
void set_default_device(Device device);

/// Overrides the default device of this thread while it lives: `DeviceScope scope("opencl:0");`.
class [[nodiscard]] DeviceScope {
 public:
  explicit DeviceScope(Device device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  std::optional<Device> outer_;
};

/// What "auto" stands for. Who knows the devices that are present registers a function that picks one; until
/// then it is the CPU. nullptr unregisters.
using PickDevice = Device (*)();
void set_automatic_device(PickDevice pick) noexcept;
Device automatic_device();

}  // namespace rustorch
