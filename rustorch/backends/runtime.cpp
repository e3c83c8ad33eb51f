#include "rustorch/backends/runtime.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "rustorch/backends/fallback_backend.h"
#include "rustorch/backends/registry.h"

namespace rustorch {
namespace {

constexpr std::size_t device_types = 4;
constexpr std::size_t devices_per_type = 64;

/// Every backend beside the CPU's. Lookups are one atomic read; registration is rare and locked. The object
/// is never destroyed: tensors may outlive static destruction.
class Registry {
 public:
  Registry() {
    for (const BackendKind& kind : backend_kinds()) {
      std::string reason;
      if (kind.open == nullptr) {
        reason = fmt::format("this build has no {} backend", kind.title);
      } else {
        BackendProbe probe = kind.open();
        reason = std::move(probe.absence);
        for (auto& backend : probe.backends) add(std::move(backend));
      }
      absences_.push_back({kind.type, std::move(reason)});
    }
  }

  ComputeBackend* find(Device device) const noexcept {
    const auto type = static_cast<std::size_t>(device.type);
    const auto index = static_cast<std::size_t>(device.index);
    if (type >= device_types || index >= devices_per_type) return nullptr;
    return table_[type][index].load(std::memory_order_acquire);
  }

  void add(std::unique_ptr<ComputeBackend> backend) {
    RUSTORCH_CHECK(backend != nullptr, invalid_argument, "register_backend: there is no backend");
    const Device device = backend->device();
    RUSTORCH_CHECK(!device.is_cpu(), invalid_argument,
                   "register_backend: `{}` is for the cpu, which has its own backend", backend->name());
    RUSTORCH_CHECK(device.index >= 0 && static_cast<std::size_t>(device.index) < devices_per_type,
                   invalid_argument, "register_backend: `{}` is for {}, beyond the {} devices of a kind",
                   backend->name(), device, devices_per_type);
    auto wrapped = std::make_unique<FallbackBackend>(std::move(backend));
    const std::lock_guard lock(mutex_);
    table_[static_cast<std::size_t>(device.type)][static_cast<std::size_t>(device.index)].store(
        wrapped.get(), std::memory_order_release);
    kept_.push_back(std::move(wrapped));  // replaced ones too: somebody may still hold a reference
  }

  std::vector<Device> devices() const {
    std::vector<Device> found = {Device{}};
    for (std::size_t type = 1; type < device_types; ++type) {
      for (std::size_t index = 0; index < devices_per_type; ++index) {
        if (table_[type][index].load(std::memory_order_acquire) != nullptr) {
          found.emplace_back(static_cast<DeviceType>(type), static_cast<int>(index));
        }
      }
    }
    return found;
  }

  std::vector<AbsentBackend> absences() const {
    std::vector<AbsentBackend> absent;
    for (const AbsentBackend& absence : absences_) {
      if (!has(absence.type)) absent.push_back(absence);
    }
    return absent;
  }

 private:
  bool has(DeviceType type) const noexcept {
    for (const auto& entry : table_[static_cast<std::size_t>(type)]) {
      if (entry.load(std::memory_order_acquire) != nullptr) return true;
    }
    return false;
  }

  std::array<std::array<std::atomic<ComputeBackend*>, devices_per_type>, device_types> table_{};
  std::vector<AbsentBackend>
      absences_;  // every kind; those that were registered later are left out when asked
  std::mutex mutex_;
  std::vector<std::unique_ptr<ComputeBackend>> kept_;
};

Registry& registry() {
  static Registry& instance = *new Registry;
  return instance;
}

std::atomic<std::uint64_t> fallbacks = 0;

bool strict_from_environment() noexcept {
  const char* value = std::getenv("RUSTORCH_STRICT");
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

std::atomic<bool>& strict_flag() noexcept {
  static std::atomic<bool> flag = strict_from_environment();
  return flag;
}

[[noreturn]] void fail_absent(Device device) {
  std::string present;
  for (const Device& other : registry().devices())
    present += (present.empty() ? "" : ", ") + other.to_string();
  fail_with_suggestion(ErrorCode::not_found, fmt::format("use one of the devices that are here: {}", present),
                       "device {} is not available: {}", device, absence_of(device));
}

}  // namespace

ComputeBackend& backend_for(Device device) {
  if (device.is_cpu()) [[likely]]
    return cpu_backend();
  if (ComputeBackend* backend = registry().find(device)) return *backend;
  fail_absent(device);
}

void register_backend(std::unique_ptr<ComputeBackend> backend) { registry().add(std::move(backend)); }

std::vector<Device> available_devices() { return registry().devices(); }

std::string absence_of(Device device) {
  if (device.is_cpu() || registry().find(device) != nullptr) return {};
  for (AbsentBackend& absent : absent_backends()) {
    if (absent.type == device.type && !absent.reason.empty()) return std::move(absent.reason);
  }
  return fmt::format("there is no {} device with this number", to_string(device.type));
}

std::vector<AbsentBackend> absent_backends() { return registry().absences(); }

std::uint64_t fallback_count() noexcept { return fallbacks.load(std::memory_order_relaxed); }
void reset_fallback_count() noexcept { fallbacks.store(0, std::memory_order_relaxed); }
void count_fallback() noexcept { fallbacks.fetch_add(1, std::memory_order_relaxed); }

bool strict_mode() noexcept { return strict_flag().load(std::memory_order_relaxed); }
void set_strict_mode(bool strict) noexcept { strict_flag().store(strict, std::memory_order_relaxed); }

}  // namespace rustorch
