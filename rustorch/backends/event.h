#pragma once

#include <memory>

#include "rustorch/backends/device_event.h"
#include "rustorch/device/device_scope.h"

namespace rustorch {

/// A point in the order of a device's work: to wait for it, to ask whether the device has come there, and to
/// measure the time between two. It is torch.cuda.Event for every device (without streams, of which a device
/// has one here; times are always measured). On the CPU, where work is done when its call returns, it is the
/// time of `record`.
///
///     Event begin("cuda:0"), end("cuda:0");
///     begin.record();
///     materialize(y);  // elementwise results wait for their reader: say what is to be measured
///     end.record();
///     fmt::print("{} ms\n", begin.elapsed_time(end));
///
/// Members are Errors (unsupported) in a process forked after the device was first used.
class Event {
 public:
  explicit Event(Device device = default_device()) : device_(device) {}

  Device device() const noexcept { return device_; }
  /// Marks the work that is queued for the device so far, in place of what was marked before. A device that
  /// is absent is an Error (not_found) that says why.
  void record();
  /// Whether the device has done the marked work; true if none was marked. Does not wait.
  bool query() const;
  /// Waits for the marked work; returns at once if none was marked. Only the host waits.
  void synchronize() const;
  /// Milliseconds between this event and a later one of the same device; waits for both. An Error
  /// (invalid_argument) if one of them was not recorded, (device_mismatch) if they are of two devices.
  double elapsed_time(const Event& end) const;

 private:
  Device device_;
  std::shared_ptr<DeviceEvent> marked_;  // copies of an event share what was marked
};

}  // namespace rustorch
