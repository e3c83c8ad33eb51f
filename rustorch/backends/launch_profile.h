#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rustorch/backends/device_event.h"
#include "rustorch/device/device.h"

namespace rustorch {

/// Told of every kernel that a backend launches while it is set (ComputeBackend::observe_launches).
class LaunchObserver {
 public:
  virtual ~LaunchObserver() = default;
  /// `begin` and `end` stand before and behind the kernel in the device's order. Called from the thread that
  /// launches.
  virtual void launched(std::string_view kernel, std::unique_ptr<DeviceEvent> begin,
                        std::unique_ptr<DeviceEvent> end) = 0;
};

struct LaunchTime {
  std::string kernel;
  double seconds = 0;  ///< of the device's clock
};

/// Writes down the kernels that a device runs while it lives, in the order of their launches, and how long
/// each took. One profile at a time for each device: a later one takes the place of the former. Costs nothing
/// where there is none; where there is one, two events for each launch. The CPU launches no kernels.
class LaunchProfile {
 public:
  /// A device that is absent is an Error (not_found) that says why.
  explicit LaunchProfile(Device device);
  ~LaunchProfile();
  LaunchProfile(const LaunchProfile&) = delete;
  LaunchProfile& operator=(const LaunchProfile&) = delete;

  /// The launches so far; waits for them.
  std::vector<LaunchTime> launches() const;

 private:
  class Record;
  Device device_;
  std::shared_ptr<Record> record_;
};

}  // namespace rustorch
