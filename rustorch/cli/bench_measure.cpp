#include "rustorch/cli/bench_measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "rustorch/backends/runtime.h"

namespace rustorch::cli {

void Measure::operator()(const std::string& name, double bytes, double flops,
                         const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  if (!wants(name)) return;
  ComputeBackend& backend = backend_for(device_);
  const auto seconds_of = [&](int calls) {
    backend.synchronize();
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) work();
    backend.synchronize();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  seconds_of(1);  // compiles kernels, takes memory
  constexpr double shortest = 5e-3;
  constexpr int most_calls = 1000, rounds = 15;
  int calls = 1;
  while (calls < most_calls && seconds_of(calls) < shortest) calls *= 2;
  std::array<double, rounds> times{};
  for (double& time : times) time = seconds_of(calls) / calls;
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  speeds_.push_back({device_, name, times[rounds / 2], bytes, flops});
}

Shape image_activations(std::int64_t elements) {
  constexpr std::int64_t channels = 64, most_images = 32, most_side = 56, least_side = 7;
  const auto side = std::clamp(static_cast<std::int64_t>(std::sqrt(static_cast<double>(elements) / channels)),
                               least_side, most_side);
  const std::int64_t images = std::clamp<std::int64_t>(elements / (channels * side * side), 1, most_images);
  return {images, channels, side, side};
}

}  // namespace rustorch::cli
