#include "rustorch/device/cpu_info.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "support/print.h"

namespace rustorch {
namespace {

// The words of a field of the first processor in /proc/cpuinfo.
std::set<std::string> kernel_words(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

bool supports(CpuIsa isa) {
  const auto& isas = cpu_info().supported_isas;
  return std::find(isas.begin(), isas.end(), isa) != isas.end();
}

TEST(CpuInfo, IsProbedOnce) { EXPECT_EQ(&cpu_info(), &cpu_info()); }

#if defined(__x86_64__)
TEST(CpuInfo, FeaturesAreThoseOfTheKernel) {
  const std::set<std::string> kernel = kernel_words("flags");
  if (kernel.empty()) GTEST_SKIP() << "/proc/cpuinfo lists no flags";
  for (const std::string& feature : cpu_info().features) {
    // Names that a kernel older than the feature does not know may be missing there.
    if (feature == "amx_fp16" || feature == "avx512_fp16" || feature == "avx_vnni") continue;
    EXPECT_TRUE(kernel.contains(feature)) << feature;
  }
  for (const char* feature :
       {"sse2",        "pni",      "ssse3",    "sse4_1",   "sse4_2",   "pclmulqdq", "aes",
        "popcnt",      "avx",      "avx2",     "fma",      "f16c",     "bmi1",      "bmi2",
        "abm",         "avx512f",  "avx512bw", "avx512dq", "avx512vl", "avx512cd",  "avx512_vnni",
        "avx512_bf16", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8", "gfni",      "vaes"}) {
    EXPECT_EQ(cpu_info().has(feature), kernel.contains(feature)) << feature;
  }
}

/// Whether the library has code for an instruction set. The coverage run loads another library than these
/// tests were built with, and says which instruction sets that one has.
bool built_for(const std::string& name, bool with_these_tests) {
  const char* const targets = std::getenv("RUSTORCH_TEST_CPU_TARGETS");
  if (targets == nullptr) return with_these_tests;
  return (";" + std::string(targets) + ";").find(";" + name + ";") != std::string::npos;
}

TEST(CpuInfo, InstructionSetsFollowFromFeatures) {
  EXPECT_TRUE(cpu_info().has("sse2"));  // part of x86-64
  EXPECT_FALSE(cpu_info().has("neon"));
  const bool avx2 = cpu_info().has("avx2") && cpu_info().has("fma") && cpu_info().has("f16c");
#ifdef RUSTORCH_WITHOUT_AVX2
  constexpr bool with_avx2 = false;
#else
  constexpr bool with_avx2 = true;
#endif
#ifdef RUSTORCH_WITHOUT_AVX512
  constexpr bool with_avx512 = false;
#else
  constexpr bool with_avx512 = true;
#endif
  EXPECT_EQ(supports(CpuIsa::avx2), built_for("avx2", with_avx2) && avx2);
  EXPECT_EQ(supports(CpuIsa::avx512), built_for("avx512", with_avx512) && avx2 && cpu_info().has("avx512bw"));
  EXPECT_FALSE(supports(CpuIsa::neon));
}
#elif defined(__aarch64__)
TEST(CpuInfo, EveryArm64HasNeon) {
  EXPECT_TRUE(cpu_info().has("neon"));
  EXPECT_EQ(cpu_info().supported_isas, (std::vector{CpuIsa::scalar, CpuIsa::neon}));
}
#endif

TEST(CpuInfo, ScalarAlwaysRunsAndTheBestIsLast) {
  const auto& isas = cpu_info().supported_isas;
  EXPECT_EQ(isas.front(), CpuIsa::scalar);
  EXPECT_TRUE(std::is_sorted(isas.begin(), isas.end()));
}

TEST(CpuInfo, CoresAreThoseOfOurAffinity) {
  if (omp_get_proc_bind() != omp_proc_bind_false) GTEST_SKIP() << "libgomp has bound this thread";
  cpu_set_t set;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
  EXPECT_EQ(cpu_info().cores, CPU_COUNT(&set));
  EXPECT_GE(cpu_info().numa_nodes, 1);
}

TEST(CpuInfo, SizesArePlausible) {
  const CpuInfo& cpu = cpu_info();
  EXPECT_FALSE(cpu.name.empty());
  EXPECT_GT(cpu.memory_bytes, std::size_t{256} << 20);
  if (cpu.l1_data_bytes != 0) {
    EXPECT_GE(cpu.l1_data_bytes, 8u << 10);
    EXPECT_LE(cpu.l1_data_bytes, 1u << 20);
  }
  if (cpu.l2_bytes != 0) {
    EXPECT_GE(cpu.l2_bytes, cpu.l1_data_bytes);
  }
}

TEST(CpuInfo, UnknownFeaturesAreAbsent) { EXPECT_FALSE(cpu_info().has("flux_capacitor")); }

TEST(CpuIsa, Names) {
  EXPECT_EQ(to_string(CpuIsa::scalar), "scalar");
  EXPECT_EQ(to_string(CpuIsa::sse4), "sse4");
  EXPECT_EQ(to_string(CpuIsa::avx2), "avx2");
  EXPECT_EQ(to_string(CpuIsa::avx512), "avx512");
  EXPECT_EQ(to_string(CpuIsa::neon), "neon");
  EXPECT_EQ(to_string(static_cast<CpuIsa>(50)), "unknown");
}

}  // namespace
}  // namespace rustorch
