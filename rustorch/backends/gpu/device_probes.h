#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/backends/gpu/kernel_store.h"
#include "rustorch/backends/gpu/process_guard.h"

namespace rustorch::gpu {

/// What is found out about a device by running a small kernel on it, whatever its API says of itself.
enum class Probe : std::uint8_t {
  float16_storage,     ///< float16 in memory, rounded to the nearest
  float16_arithmetic,  ///< sums and products of 16 bits, which no kernel needs so far
  bfloat16_storage,
  float64,  ///< sums, products, quotients, each rounded once
  int64,
  atomic_add,  ///< of 32 bits in global memory
  atomic_compare_exchange,
  subgroups,     ///< shuffles among the threads that run together, and how many those are
  local_memory,  ///< as much as the device has for a group, up to 64 KiB
  products,      ///< the library's own kernel for products in tiles: PoCL 5.0 (LLVM 16) compiles it wrongly
};
inline constexpr std::size_t probe_count = 10;

/// "float16_storage", as the enum has it.
std::string_view to_string(Probe probe) noexcept;

enum class ProbeOutcome : std::uint8_t {
  works,
  wrong,        ///< it runs, with other results than it should have
  not_offered,  ///< the compiler refuses it, or is known not to have it
  failed,       ///< it could not be tried: no memory, a device that is lost …
};

struct ProbeResult {
  ProbeOutcome outcome = ProbeOutcome::failed;
  std::string detail;  ///< what was measured, or what is wrong; may be empty
  bool works() const noexcept { return outcome == ProbeOutcome::works; }
  /// "yes (32 threads)", "no: the compiler …" for people.
  std::string to_string() const;
};

/// The probes of one device. Each is run when it is first asked for, and its result is kept beside the
/// compiled kernels (KernelStore): a later process, with the same device, driver and compiler and the same
/// text of the probe, does not run it again. What failed is not kept there.
class DeviceProbes {
 public:
  /// `try_products` runs Probe::products.
  DeviceProbes(KernelExecutor& executor, std::function<ProbeResult()> try_products,
               KernelStoreSettings settings = kernel_store_settings());

  /// Called from any thread; who asks for a probe that runs waits for it.
  const ProbeResult& result(Probe probe) noexcept;
  /// How many probes ran, rather than being known from the disk.
  std::uint64_t runs() const noexcept { return runs_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::once_flag once;
    ProbeResult result;
  };
  ProbeResult find_or_run(Probe probe);
  ProbeResult run(Probe probe);

  KernelExecutor& executor_;
  const ProcessGuard process_;
  std::function<ProbeResult()> try_products_;
  KernelStore disk_;
  std::array<Slot, probe_count> slots_;
  std::atomic<std::uint64_t> runs_ = 0;
};

}  // namespace rustorch::gpu
