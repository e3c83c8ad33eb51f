#include "rustorch/device/cpu_info.h"

#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <thread>

#include "rustorch/device/cpu_features.h"

namespace rustorch {

namespace {

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "48K", "2048K", "32M".
std::size_t parse_size(std::string_view text) noexcept {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [unit, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc()) return 0;
  if (unit == end) return value;
  switch (*unit) {
    case 'K':
      return value << 10;
    case 'M':
      return value << 20;
    case 'G':
      return value << 30;
    default:
      return value;
  }
}

// The size of the data (or unified) cache of a level of the first processor, as the kernel tells it.
std::size_t cache_bytes(int level) {
  const std::filesystem::path caches = "/sys/devices/system/cpu/cpu0/cache";
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(caches, failure)) {
    if (!entry.path().filename().string().starts_with("index")) continue;
    if (first_line(entry.path() / "level") != std::to_string(level)) continue;
    if (first_line(entry.path() / "type") == "Instruction") continue;
    return parse_size(first_line(entry.path() / "size"));
  }
  return 0;
}

std::size_t system_value(int name) noexcept {
  const long value = ::sysconf(name);
  return value > 0 ? static_cast<std::size_t>(value) : 0;
}

std::size_t known_or(std::size_t value, std::size_t otherwise) noexcept {
  return value != 0 ? value : otherwise;
}

int available_cores() {
#ifdef __linux__
  // More processors than a fixed cpu_set_t names (1024) make the call fail: ask with larger sets.
  for (int processors = 1024; processors <= (1 << 16); processors *= 2) {
    cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(processors));
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(processors));
    const bool known = ::sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    // With OMP_PROC_BIND libgomp has bound this thread, but knows what the process had.
    if (known) return std::max(omp_get_num_procs(), count);
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int count_numa_nodes() {
  int nodes = 0;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/devices/system/node", failure)) {
    const std::string name = entry.path().filename().string();
    if (name.size() > 4 && name.starts_with("node") &&
        name.find_first_not_of("0123456789", 4) == std::string::npos) {
      ++nodes;
    }
  }
  return std::max(1, nodes);
}

/// Whether vector code is compiled for it (CMake's RUSTORCH_CPU_TARGETS).
bool is_built(CpuIsa isa) {
  switch (isa) {
#ifdef RUSTORCH_WITHOUT_SSE4
    case CpuIsa::sse4:
      return false;
#endif
#ifdef RUSTORCH_WITHOUT_AVX2
    case CpuIsa::avx2:
      return false;
#endif
#ifdef RUSTORCH_WITHOUT_AVX512
    case CpuIsa::avx512:
      return false;
#endif
#ifdef RUSTORCH_WITHOUT_NEON
    case CpuIsa::neon:
      return false;
#endif
    default:
      return true;
  }
}

// The same conditions under which Highway picks its targets, plus CD, which every processor with BW has.
std::vector<CpuIsa> isas_of(const CpuInfo& cpu) {
  const auto has_all = [&cpu](std::initializer_list<std::string_view> names) {
    return std::all_of(names.begin(), names.end(), [&cpu](std::string_view name) { return cpu.has(name); });
  };
  std::vector<CpuIsa> isas{CpuIsa::scalar};
  if (has_all({"ssse3", "sse4_1", "sse4_2", "pclmulqdq", "aes"})) {
    isas.push_back(CpuIsa::sse4);
    if (has_all({"avx", "avx2", "fma", "bmi1", "bmi2", "abm", "f16c"})) {
      isas.push_back(CpuIsa::avx2);
      if (has_all({"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}))
        isas.push_back(CpuIsa::avx512);
    }
  }
  if (cpu.has("neon")) isas.push_back(CpuIsa::neon);
  std::erase_if(isas, [](CpuIsa isa) { return !is_built(isa); });
  return isas;
}

CpuInfo probe() {
  CpuIdentity identity = identify_cpu();
  CpuInfo cpu;
  cpu.name = std::move(identity.name);
  cpu.features = std::move(identity.features);
  cpu.cores = available_cores();
  cpu.numa_nodes = count_numa_nodes();
#ifdef _SC_LEVEL1_DCACHE_SIZE
  cpu.l1_data_bytes = known_or(system_value(_SC_LEVEL1_DCACHE_SIZE), cache_bytes(1));
  cpu.l2_bytes = known_or(system_value(_SC_LEVEL2_CACHE_SIZE), cache_bytes(2));
  cpu.l3_bytes = known_or(system_value(_SC_LEVEL3_CACHE_SIZE), cache_bytes(3));
#else
  cpu.l1_data_bytes = cache_bytes(1);
  cpu.l2_bytes = cache_bytes(2);
  cpu.l3_bytes = cache_bytes(3);
#endif
  cpu.memory_bytes = system_value(_SC_PHYS_PAGES) * system_value(_SC_PAGESIZE);
  cpu.supported_isas = isas_of(cpu);
  return cpu;
}

}  // namespace

bool CpuInfo::has(std::string_view feature) const noexcept {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

const CpuInfo& cpu_info() {
  static const CpuInfo& info = *new CpuInfo(probe());  // needed by whatever runs while the program ends
  return info;
}

}  // namespace rustorch
