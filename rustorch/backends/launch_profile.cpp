#include "rustorch/backends/launch_profile.h"

#include <mutex>

#include "rustorch/backends/runtime.h"

namespace rustorch {

class LaunchProfile::Record final : public LaunchObserver {
 public:
  void launched(std::string_view kernel, std::unique_ptr<DeviceEvent> begin,
                std::unique_ptr<DeviceEvent> end) override {
    const std::lock_guard lock(mutex_);
    launches_.push_back({std::string(kernel), std::move(begin), std::move(end)});
  }
  std::vector<LaunchTime> times() {
    const std::lock_guard lock(mutex_);
    std::vector<LaunchTime> times;
    times.reserve(launches_.size());
    for (Launch& launch : launches_) {
      if (launch.begin != nullptr) {
        launch.seconds = launch.end->seconds_since(*launch.begin);
        launch.begin.reset();
        launch.end.reset();
      }
      times.push_back({launch.kernel, launch.seconds});
    }
    return times;
  }

 private:
  struct Launch {
    std::string kernel;
    std::unique_ptr<DeviceEvent> begin, end;  // none once the time is known
    double seconds = 0;
  };
  std::mutex mutex_;
  std::vector<Launch> launches_;
};

LaunchProfile::LaunchProfile(Device device) : device_(device), record_(std::make_shared<Record>()) {
  backend_for(device_).observe_launches(record_);
}

LaunchProfile::~LaunchProfile() { backend_for(device_).stop_observing(record_.get()); }

std::vector<LaunchTime> LaunchProfile::launches() const { return record_->times(); }

}  // namespace rustorch
