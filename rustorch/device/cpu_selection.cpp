// What of the processor our kernels use: instruction set and number of threads, and the environment
// variables that say so.

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "rustorch/core/environment.h"
#include "rustorch/device/cpu_info.h"
#include "rustorch/error/error.h"
#include "rustorch/error/suggestion.h"

namespace rustorch {

namespace {

constexpr std::array<std::string_view, 5> isa_names{"scalar", "sse4", "avx2", "avx512", "neon"};
static_assert(static_cast<std::size_t>(CpuIsa::neon) + 1 == isa_names.size());

constexpr int most_threads = 4096;

CpuIsa parse_isa(const std::string& name) {
  std::vector<std::string> choices;
  for (const CpuIsa isa : cpu_info().supported_isas) choices.emplace_back(to_string(isa));
  const auto known = std::find(isa_names.begin(), isa_names.end(), name);
  const std::string list = one_of(choices);
  if (known == isa_names.end()) {
    const std::string near = did_you_mean(name, choices);
    fail_with_suggestion(ErrorCode::invalid_argument, near.empty() ? list : near + " (" + list + ")",
                         "RUSTORCH_CPU_ISA: unknown instruction set \"{}\"", name);
  }
  if (std::find(choices.begin(), choices.end(), name) == choices.end()) {
    fail_with_suggestion(ErrorCode::unsupported, list,
                         "RUSTORCH_CPU_ISA: this processor ({}) or this build does not have {}",
                         cpu_info().name, name);
  }
  return static_cast<CpuIsa>(known - isa_names.begin());
}

int initial_num_threads() {
  if (const auto ours = number_from_environment("RUSTORCH_NUM_THREADS", 1, most_threads, 0); ours != 0)
    return static_cast<int>(ours);
  // One count for each level of nested loops, of which we have one. Not our variable: nonsense is ignored.
  const std::string openmp = environment("OMP_NUM_THREADS");
  if (const auto count = whole_number(std::string_view(openmp).substr(0, openmp.find(',')), 1, most_threads))
    return static_cast<int>(*count);
  return std::min(cpu_info().cores, most_threads);
}

std::atomic<int> thread_count{0};  // 0: not asked for yet

}  // namespace

std::string_view to_string(CpuIsa isa) noexcept {
  const auto index = static_cast<std::size_t>(isa);
  return index < isa_names.size() ? isa_names[index] : "unknown";
}

CpuIsa selected_cpu_isa() {
  static const std::string forced = environment("RUSTORCH_CPU_ISA");
  // Initialization that throws is tried again at the next call, which throws again.
  static const CpuIsa selected = forced.empty() ? cpu_info().supported_isas.back() : parse_isa(forced);
  return selected;
}

int num_threads() {
  int count = thread_count.load(std::memory_order_relaxed);
  if (count == 0) [[unlikely]] {
    const int initial = initial_num_threads();
    // Unless set_num_threads came in between, which wins.
    count = thread_count.compare_exchange_strong(count, initial) ? initial : count;
  }
  return count;
}

void set_num_threads(int count) {
  RUSTORCH_CHECK(count >= 1 && count <= most_threads, invalid_argument,
                 "set_num_threads: {} is not a number from 1 to {}", count, most_threads);
  thread_count.store(count, std::memory_order_relaxed);
}

}  // namespace rustorch
