#include "rustorch/backends/gpu/device_probes.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "rustorch/backends/gpu/dialect.h"
#include "rustorch/backends/gpu/kernel_texts.h"
#include "rustorch/backends/gpu/probe_trials.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// Of what a result on disk means, and of what results are compared with; texts of kernels are in the key.
constexpr int probes_version = 1;

/// What a result depends on beside device, driver and compiler.
std::string key_of(Probe probe, const KernelExecutor& executor) {
  std::string key = fmt::format("probe {} of version {}\n", to_string(probe), probes_version);
  if (probe == Probe::products) {
    std::string kernels;
    for (const char* file : {"product_numbers.h", "product_parts.h", "tile_product.h", "matmul.h"})
      kernels += kernel_text(file);
    return key + dialect_source(executor, kernels);
  }
  return key + dialect_source(executor, probe_source(probe, executor.facts()));
}

std::vector<std::byte> bytes_of(const ProbeResult& result) {
  std::vector<std::byte> bytes = {static_cast<std::byte>(result.outcome)};
  const auto text = std::as_bytes(std::span(result.detail));
  bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

std::optional<ProbeResult> result_of(std::span<const std::byte> bytes) {
  const auto outcome = static_cast<ProbeOutcome>(bytes.front());
  if (outcome >= ProbeOutcome::failed) return std::nullopt;
  const auto detail = bytes.subspan(1);
  return ProbeResult{outcome, {reinterpret_cast<const char*>(detail.data()), detail.size()}};
}

/// The line of a compiler's log that says why.
std::string reason_in(std::string_view log) {
  const auto line_with = [&](std::string_view word) -> std::string_view {
    const std::size_t at = log.find(word);
    if (at == std::string_view::npos) return {};
    return log.substr(at + word.size(), log.find('\n', at) - at - word.size());
  };
  std::string_view reason = line_with("error:");
  if (reason.empty()) reason = log.substr(0, log.find('\n'));
  reason.remove_prefix(std::min(reason.size(), reason.find_first_not_of(' ')));
  return std::string(reason);
}

}  // namespace

std::string_view to_string(Probe probe) noexcept {
  constexpr std::array<std::string_view, probe_count> names = {
      "float16_storage", "float16_arithmetic",      "bfloat16_storage", "float64",      "int64",
      "atomic_add",      "atomic_compare_exchange", "subgroups",        "local_memory", "products"};
  return names[static_cast<std::size_t>(probe)];
}

std::string ProbeResult::to_string() const {
  constexpr std::array<std::string_view, 4> words = {"yes", "wrong results", "no", "could not be tried"};
  const std::string_view word = words[static_cast<std::size_t>(outcome)];
  if (detail.empty()) return std::string(word);
  return works() ? fmt::format("{} ({})", word, detail) : fmt::format("{}: {}", word, detail);
}

DeviceProbes::DeviceProbes(KernelExecutor& executor, std::function<ProbeResult()> try_products,
                           KernelStoreSettings settings)
    : executor_(executor),
      process_(executor.facts().name),
      try_products_(std::move(try_products)),
      disk_(std::move(settings), executor.facts().compiler_identity) {}

const ProbeResult& DeviceProbes::result(Probe probe) noexcept {
  Slot& slot = slots_[static_cast<std::size_t>(probe)];
  std::call_once(slot.once, [&] {
    try {
      slot.result = find_or_run(probe);
    } catch (const Error& error) {
      slot.result = {ProbeOutcome::failed, error.message()};
    } catch (const std::exception& error) {
      slot.result = {ProbeOutcome::failed, error.what()};
    }
  });
  return slot.result;
}

ProbeResult DeviceProbes::find_or_run(Probe probe) {
  if (!disk_.is_on()) return run(probe);
  const std::string key = key_of(probe, executor_);
  if (const std::optional<KernelBinary> kept = disk_.find(key)) {
    if (std::optional<ProbeResult> known = result_of(kept->bytes())) return *std::move(known);
  }
  ProbeResult found = run(probe);
  if (found.outcome != ProbeOutcome::failed) disk_.keep(key, bytes_of(found));
  return found;
}

ProbeResult DeviceProbes::run(Probe probe) {
  runs_.fetch_add(1, std::memory_order_relaxed);
  try {
    return probe == Probe::products ? try_products_() : run_trial(probe, executor_);
  } catch (const Error& error) {
    // What compilers refuse; a forked child, which is refused all, finds nothing out about the device.
    if (error.code() != ErrorCode::unsupported || !process_.is_same()) throw;
    return {ProbeOutcome::not_offered, reason_in(error.message())};
  }
}

}  // namespace rustorch::gpu
