#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "rustorch/compute/simd/kernels.h"
#include "rustorch/compute/simd/targets.h"

namespace rustorch {
namespace {

constexpr const char* report_variable = "RUSTORCH_TEST_ISA_REPORT";

/// Results of some ops that run through much of the vector code.
std::vector<float> sample_results() {
  std::vector<float> x(200), y(200), out(200), results;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i) * 0.37f - 30.0f;
    y[i] = 5.0f - static_cast<float>(i) * 0.11f;
  }
  for (const Op op : {Op::add,     Op::exp,  Op::log,   Op::tanh, Op::sin,   Op::erf,  Op::pow,
                      Op::fmod,    Op::gelu, Op::atan2, Op::exp2, Op::expm1, Op::log2, Op::log1p,
                      Op::sigmoid, Op::tan,  Op::asin,  Op::sinh, Op::asinh, Op::erfc}) {
    simd::elementwise_kernel(op, float32)(x.data(), y.data(), nullptr, out.data(), x.size());
    results.insert(results.end(), out.begin(), out.end());
  }
  return results;
}

struct Report {
  std::string isa;
  std::vector<float> results;
};

/// Runs this program again, with an instruction set forced and only the tests that match; its exit code. What
/// it prints is shown only if it fails.
int run_forced(CpuIsa isa, const std::string& filter, const std::string& report) {
  const std::string name(to_string(isa));
  const std::string log = ::testing::TempDir() + "rustorch_isa_log_" + name + "_" + std::to_string(getpid());
  const pid_t child = fork();
  if (child == 0) {
    setenv("RUSTORCH_CPU_ISA", name.c_str(), 1);
    if (!report.empty()) setenv(report_variable, report.c_str(), 1);
    if (std::freopen(log.c_str(), "w", stdout) == nullptr) _exit(126);
    // For programs of another processor the emulator is named (scripts/test --neon); the shell is the host's.
    const char* emulator = std::getenv("RUSTORCH_TEST_EMULATOR");
    const std::string command = std::string("exec ") + (emulator != nullptr ? emulator : "") + " '" +
                                std::filesystem::read_symlink("/proc/self/exe").string() +
                                "' --gtest_brief=1 '--gtest_filter=" + filter + "'";
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  if (code != 0) std::cout << std::ifstream(log).rdbuf();
  std::filesystem::remove(log);
  return code;
}

// Says nothing unless another process asks it to: then it tells which code ran, and what came out.
TEST(IsaReport, IsWrittenForTheParent) {
  const char* path = std::getenv(report_variable);
  if (path == nullptr) return;
  std::ofstream file(path);
  file << to_string(simd::running_isa()) << '\n' << std::hexfloat;
  for (const float value : sample_results()) file << value << '\n';
}

Report read_report(const std::string& path) {
  Report report;
  std::ifstream file(path);
  std::getline(file, report.isa);
  for (std::string line; std::getline(file, line);)
    report.results.push_back(std::strtof(line.c_str(), nullptr));
  return report;
}

/// Whether the instruction set has a fused multiply-add: those that have give the same bits, and so do those
/// without.
bool is_fused(const std::string& isa) { return isa != "scalar" && isa != "sse4"; }

TEST(Isa, EachForcedIsaIsTheOneThatRuns) {
  const std::vector<float> ours = sample_results();
  std::map<bool, std::vector<float>> by_fusion{{is_fused(std::string(to_string(simd::running_isa()))), ours}};
  for (const CpuIsa isa : cpu_info().supported_isas) {
    const std::string name(to_string(isa));
    const std::string path = ::testing::TempDir() + "rustorch_isa_" + name + "_" + std::to_string(getpid());
    ASSERT_EQ(run_forced(isa, "IsaReport.*", path), 0) << name;
    const Report report = read_report(path);
    std::filesystem::remove(path);
    EXPECT_EQ(report.isa, name);
    ASSERT_EQ(report.results.size(), ours.size());
    const std::vector<float>& same = by_fusion.try_emplace(is_fused(name), report.results).first->second;
    for (std::size_t i = 0; i < same.size(); ++i) {
      const bool both_nan = std::isnan(same[i]) && std::isnan(report.results[i]);
      EXPECT_TRUE(both_nan || same[i] == report.results[i]) << name << ", result " << i << " has other bits";
    }
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const bool both_nan = std::isnan(ours[i]) && std::isnan(report.results[i]);
      const float tolerance = std::isfinite(ours[i]) ? 1e-6f * std::abs(ours[i]) + 1e-38f : 0;
      EXPECT_TRUE(both_nan || ours[i] == report.results[i] ||
                  std::abs(report.results[i] - ours[i]) <= tolerance)
          << name << ", result " << i << ": " << report.results[i] << " and " << ours[i];
    }
  }
}

TEST(Isa, KernelTestsPassOnEachIsa) {
  for (const CpuIsa isa : cpu_info().supported_isas) {
    if (isa == simd::running_isa()) continue;  // they run in this process
    EXPECT_EQ(run_forced(isa, "FloatKernel*:IntegerKernel*:ComplexKernel*:Conversion.*", ""), 0)
        << to_string(isa);
  }
}

TEST(Isa, RunsWhatIsSelected) { EXPECT_EQ(simd::running_isa(), selected_cpu_isa()); }

}  // namespace
}  // namespace rustorch
