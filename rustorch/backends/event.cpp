#include "rustorch/backends/event.h"

#include <chrono>

#include "rustorch/backends/runtime.h"
#include "rustorch/error/error.h"

namespace rustorch {
namespace {

class HostEvent final : public DeviceEvent {
 public:
  bool is_done() override { return true; }
  void wait() override {}
  double seconds_since(DeviceEvent& earlier) override {
    return std::chrono::duration<double>(time_ - static_cast<HostEvent&>(earlier).time_).count();
  }

 private:
  std::chrono::steady_clock::time_point time_ = std::chrono::steady_clock::now();
};

}  // namespace

std::unique_ptr<DeviceEvent> event_of_host_clock() { return std::make_unique<HostEvent>(); }

void Event::record() { marked_ = backend_for(device_).record_event(); }

bool Event::query() const { return marked_ == nullptr || marked_->is_done(); }

void Event::synchronize() const {
  if (marked_ != nullptr) marked_->wait();
}

double Event::elapsed_time(const Event& end) const {
  RUSTORCH_CHECK(device_ == end.device_, device_mismatch,
                 "elapsed_time: the events are of {} and of {}, whose clocks have nothing in common", device_,
                 end.device_);
  for (const auto& [event, name] : {std::pair(this, "first"), std::pair(&end, "second")}) {
    if (event->marked_ == nullptr) {
      fail_with_suggestion(ErrorCode::invalid_argument, "call record() on both events first",
                           "elapsed_time: the {} event was not recorded", name);
    }
  }
  return 1e3 * end.marked_->seconds_since(*marked_);
}

}  // namespace rustorch
