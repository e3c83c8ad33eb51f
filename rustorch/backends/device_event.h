#pragma once

#include <memory>

namespace rustorch {

/// A point in the order of a device's work, as its backend marks it. Members may be called from any thread;
/// in a forked child of the process that opened the device they are Errors (unsupported).
class DeviceEvent {
 public:
  virtual ~DeviceEvent() = default;
  /// Whether the device has done what was queued before. Does not wait.
  virtual bool is_done() = 0;
  /// Waits until it has.
  virtual void wait() = 0;
  /// Seconds of the device's clock from `earlier`, an event of the same device, to this one; waits for both.
  virtual double seconds_since(DeviceEvent& earlier) = 0;
};

/// For work that is done when the call returns: a time.
std::unique_ptr<DeviceEvent> event_of_host_clock();

}  // namespace rustorch
