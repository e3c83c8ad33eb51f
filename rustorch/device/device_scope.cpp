#include "rustorch/device/device_scope.h"

#include <atomic>
#include <cstdlib>
#include <utility>

#include "rustorch/error/error.h"

namespace rustorch {

namespace {

std::atomic<PickDevice> pick_automatic{nullptr};

std::atomic<bool> process_default_is_set{false};
std::atomic<Device> process_default{Device()};
static_assert(std::atomic<Device>::is_always_lock_free);

thread_local std::optional<Device> thread_default;

// RUSTORCH_DEVICE, parsed at each call until it parses: a wrong name is an Error every time.
Device environment_device() {
  const char* const name = std::getenv("RUSTORCH_DEVICE");
  if (name == nullptr || *name == '\0') return Device();
  const auto describe = [] { return std::string("reading RUSTORCH_DEVICE from the environment"); };
  const ErrorContext context(describe);
  return Device(name);
}

}  // namespace

Device automatic_device() {
  const PickDevice pick = pick_automatic.load(std::memory_order_acquire);
  return pick != nullptr ? pick() : Device();
}

void set_automatic_device(PickDevice pick) noexcept { pick_automatic.store(pick, std::memory_order_release); }

Device default_device() {
  if (thread_default) return *thread_default;
  if (process_default_is_set.load(std::memory_order_acquire)) {
    return process_default.load(std::memory_order_relaxed);
  }
  static const Device from_environment = environment_device();
  return from_environment;
}

void set_default_device(Device device) {
  process_default.store(device, std::memory_order_relaxed);
  process_default_is_set.store(true, std::memory_order_release);
}

DeviceScope::DeviceScope(Device device) : outer_(std::exchange(thread_default, device)) {}

DeviceScope::~DeviceScope() { thread_default = outer_; }

}  // namespace rustorch
