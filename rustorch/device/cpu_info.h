#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rustorch {

/// The instruction sets that CPU kernels are built for, worst to best within an architecture.
enum class CpuIsa : std::uint8_t { scalar, sse4, avx2, avx512, neon };

std::string_view to_string(CpuIsa isa) noexcept;

/// What the processor that we run on offers, probed once.
struct CpuInfo {
  std::string name;  ///< "Intel(R) Xeon(R) Processor"
  int cores = 1;     ///< processors that this process may run on (affinity, not the machine's)
  int numa_nodes = 1;
  std::size_t l1_data_bytes = 0;  ///< per core; 0 if unknown, also below
  std::size_t l2_bytes = 0;
  std::size_t l3_bytes = 0;
  std::size_t memory_bytes = 0;        ///< the machine's
  std::vector<std::string> features;   ///< "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "neon" …
  std::vector<CpuIsa> supported_isas;  ///< for which there are kernels that run here, best last

  bool has(std::string_view feature) const noexcept;
};

const CpuInfo& cpu_info();

/// The instruction set that kernels use: the best supported one, or what RUSTORCH_CPU_ISA names (avx512,
/// avx2, sse4, neon, scalar). An unknown or unsupported name is an Error that lists the choices.
CpuIsa selected_cpu_isa();

/// Threads that CPU kernels may use: set_num_threads, else RUSTORCH_NUM_THREADS, else OMP_NUM_THREADS, else
/// the cores of this process. The host's own OpenMP settings are not touched.
int num_threads();
void set_num_threads(int count);

}  // namespace rustorch
