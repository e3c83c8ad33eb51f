#include "rustorch/tensor/lazy.h"

#include <atomic>
#include <limits>
#include <mutex>

#include "rustorch/core/environment.h"
#include "rustorch/tensor/pending.h"

namespace rustorch {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

struct Settings {
  bool enabled = number_from_environment("RUSTORCH_LAZY", 0, 1, 1) != 0;
  std::int64_t minimum = number_from_environment("RUSTORCH_LAZY_MINIMUM", 1, never - 1, 4096);
};

std::mutex settings_mutex;

/// Under settings_mutex.
Settings& settings() {
  static Settings from_environment;
  return from_environment;
}

std::atomic<std::int64_t> threshold{0};  // 0: the environment was not read yet

template <class Change>
std::int64_t change_settings(Change change) {
  const std::lock_guard lock(settings_mutex);
  change(settings());
  const std::int64_t now = settings().enabled ? settings().minimum : never;
  threshold.store(now, std::memory_order_relaxed);
  return now;
}

}  // namespace

std::int64_t least_deferred_elements() {
  const std::int64_t known = threshold.load(std::memory_order_relaxed);
  return known != 0 ? known : change_settings([](Settings&) {});
}

bool lazy_enabled() { return least_deferred_elements() != never; }
void set_lazy_enabled(bool enabled) {
  change_settings([&](Settings& settings) { settings.enabled = enabled; });
}

std::int64_t lazy_minimum() {
  const std::lock_guard lock(settings_mutex);
  return settings().minimum;
}
void set_lazy_minimum(std::int64_t elements) {
  RUSTORCH_CHECK(elements >= 1, invalid_argument, "set_lazy_minimum: {} is less than 1", elements);
  change_settings([&](Settings& settings) { settings.minimum = elements; });
}

bool is_pending(const Tensor& x) { return x.storage()->is_pending(); }
void materialize(const Tensor& x) { static_cast<void>(x.view_for_read()); }

}  // namespace rustorch
