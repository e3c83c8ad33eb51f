#include "rustorch/backends/deterministic.h"

#include <atomic>

namespace rustorch {
namespace {

std::atomic<bool> deterministic{true};

}  // namespace

bool are_deterministic_algorithms_enabled() noexcept { return deterministic.load(std::memory_order_relaxed); }
void use_deterministic_algorithms(bool mode) noexcept {
  deterministic.store(mode, std::memory_order_relaxed);
}

}  // namespace rustorch
