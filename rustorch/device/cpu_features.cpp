#include "rustorch/device/cpu_features.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string_view>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace rustorch {

namespace {

// A field of /proc/cpuinfo, empty if it is not there.
[[maybe_unused]] std::string cpuinfo_field(std::string_view key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? std::string() : line.substr(value);
  }
  return {};
}

#if defined(__x86_64__) || defined(__i386__)

enum class Register : std::uint8_t { eax, ebx, ecx, edx };

// The state that the operating system must save at a task switch for a feature to be usable.
enum class State : std::uint8_t { sse, avx, avx512, amx };

struct Feature {
  std::string_view name;
  std::uint32_t leaf;
  std::uint32_t subleaf;
  Register reg;
  int bit;
  State state;
};

using enum Register;

constexpr std::array features{
    Feature{"sse2", 1, 0, edx, 26, State::sse},
    Feature{"pni", 1, 0, ecx, 0, State::sse},  // SSE3: "Prescott new instructions"
    Feature{"pclmulqdq", 1, 0, ecx, 1, State::sse},
    Feature{"ssse3", 1, 0, ecx, 9, State::sse},
    Feature{"fma", 1, 0, ecx, 12, State::avx},
    Feature{"sse4_1", 1, 0, ecx, 19, State::sse},
    Feature{"sse4_2", 1, 0, ecx, 20, State::sse},
    Feature{"popcnt", 1, 0, ecx, 23, State::sse},
    Feature{"aes", 1, 0, ecx, 25, State::sse},
    Feature{"avx", 1, 0, ecx, 28, State::avx},
    Feature{"f16c", 1, 0, ecx, 29, State::avx},
    Feature{"bmi1", 7, 0, ebx, 3, State::sse},
    Feature{"avx2", 7, 0, ebx, 5, State::avx},
    Feature{"bmi2", 7, 0, ebx, 8, State::sse},
    Feature{"avx512f", 7, 0, ebx, 16, State::avx512},
    Feature{"avx512dq", 7, 0, ebx, 17, State::avx512},
    Feature{"avx512ifma", 7, 0, ebx, 21, State::avx512},
    Feature{"avx512cd", 7, 0, ebx, 28, State::avx512},
    Feature{"avx512bw", 7, 0, ebx, 30, State::avx512},
    Feature{"avx512vl", 7, 0, ebx, 31, State::avx512},
    Feature{"avx512vbmi", 7, 0, ecx, 1, State::avx512},
    Feature{"avx512_vbmi2", 7, 0, ecx, 6, State::avx512},
    Feature{"gfni", 7, 0, ecx, 8, State::sse},
    Feature{"vaes", 7, 0, ecx, 9, State::avx},
    Feature{"vpclmulqdq", 7, 0, ecx, 10, State::avx},
    Feature{"avx512_vnni", 7, 0, ecx, 11, State::avx512},
    Feature{"avx512_bitalg", 7, 0, ecx, 12, State::avx512},
    Feature{"avx512_vpopcntdq", 7, 0, ecx, 14, State::avx512},
    Feature{"amx_bf16", 7, 0, edx, 22, State::amx},
    Feature{"avx512_fp16", 7, 0, edx, 23, State::avx512},
    Feature{"amx_tile", 7, 0, edx, 24, State::amx},
    Feature{"amx_int8", 7, 0, edx, 25, State::amx},
    Feature{"avx_vnni", 7, 1, eax, 4, State::avx},
    Feature{"avx512_bf16", 7, 1, eax, 5, State::avx512},
    Feature{"amx_fp16", 7, 1, eax, 21, State::amx},
    Feature{"abm", 0x80000001, 0, ecx, 5, State::sse},  // LZCNT: "advanced bit manipulation"
};

struct Registers {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;

  std::uint32_t operator[](Register reg) const noexcept {
    switch (reg) {
      case Register::eax:
        return eax;
      case Register::ebx:
        return ebx;
      case Register::ecx:
        return ecx;
      case Register::edx:
        break;
    }
    return edx;
  }
};

// Zeros for leaves that the processor does not know.
Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf) noexcept {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

// XCR0, the registers that the operating system saves; read without -mxsave, which would let the compiler use
// it elsewhere in this file.
std::uint64_t saved_state() noexcept {
  constexpr int osxsave_bit = 27;
  if (((cpuid(1, 0).ecx >> osxsave_bit) & 1u) == 0) return 0;
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

bool is_saved(State state, std::uint64_t saved) noexcept {
  constexpr std::uint64_t avx = 0x6;      // XMM, YMM
  constexpr std::uint64_t avx512 = 0xe6;  // and opmasks, ZMM
  constexpr std::uint64_t amx = 0x60000;  // tile configuration, tile data
  const auto all_of = [saved](std::uint64_t wanted) { return (saved & wanted) == wanted; };
  switch (state) {
    case State::sse:
      return true;
    case State::avx:
      return all_of(avx);
    case State::avx512:
      return all_of(avx512);
    case State::amx:
      return all_of(amx);
  }
  return false;
}

std::string brand_string() {
  if (cpuid(0x80000000, 0).eax < 0x80000004) return cpuinfo_field("model name");
  std::array<char, 48> text{};
  for (std::uint32_t i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002 + i, 0);
    const std::array<std::uint32_t, 4> words{r.eax, r.ebx, r.ecx, r.edx};
    std::memcpy(text.data() + 16 * i, words.data(), 16);
  }
  const std::string_view all(text.data(), strnlen(text.data(), text.size()));
  const std::size_t first = all.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(all.substr(first, all.find_last_not_of(' ') - first + 1));
}

#endif

}  // namespace

#if defined(__x86_64__) || defined(__i386__)

CpuIdentity identify_cpu() {
  CpuIdentity cpu;
  cpu.name = brand_string();
  const std::uint64_t saved = saved_state();
  for (const Feature& feature : features) {
    // Subleaf 1 of leaf 7 exists only if subleaf 0 says so.
    if (feature.subleaf > 0 && cpuid(feature.leaf, 0).eax < feature.subleaf) continue;
    const std::uint32_t bits = cpuid(feature.leaf, feature.subleaf)[feature.reg];
    if (((bits >> feature.bit) & 1u) != 0 && is_saved(feature.state, saved)) {
      cpu.features.emplace_back(feature.name);
    }
  }
  return cpu;
}

#elif defined(__aarch64__) && defined(__linux__)

CpuIdentity identify_cpu() {
  struct Feature {
    std::string_view name;
    unsigned long type;
    int bit;
  };
  // Bits of Linux's asm/hwcap.h, which is a promise to programs; "neon" is what the kernel calls asimd.
  constexpr std::array features{
      Feature{"neon", AT_HWCAP, 1},     Feature{"aes", AT_HWCAP, 3},    Feature{"pmull", AT_HWCAP, 4},
      Feature{"atomics", AT_HWCAP, 8},  Feature{"fphp", AT_HWCAP, 9},   Feature{"asimdhp", AT_HWCAP, 10},
      Feature{"asimddp", AT_HWCAP, 20}, Feature{"sve", AT_HWCAP, 22},   Feature{"asimdfhm", AT_HWCAP, 23},
      Feature{"sve2", AT_HWCAP2, 1},    Feature{"i8mm", AT_HWCAP2, 13}, Feature{"bf16", AT_HWCAP2, 14},
  };
  CpuIdentity cpu;
  cpu.name = cpuinfo_field("model name");
  if (cpu.name.empty()) cpu.name = "ARM64 processor";
  for (const Feature& feature : features) {
    if (((::getauxval(feature.type) >> feature.bit) & 1ul) != 0) cpu.features.emplace_back(feature.name);
  }
  return cpu;
}

#elif defined(__aarch64__)

CpuIdentity identify_cpu() { return {"ARM64 processor", {"neon"}}; }  // every one has it

#else

CpuIdentity identify_cpu() { return {cpuinfo_field("model name"), {}}; }

#endif

}  // namespace rustorch
