#include <gtest/gtest.h>

#include <string>

#include "rustorch/device/cpu_info.h"
#include "rustorch/error/error.h"
#include "support/child_process.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using testing::in_child;

// The selection is cached by the process that first asks: here only children ask.
std::string selected() { return std::string(to_string(selected_cpu_isa())); }
std::string threads() { return std::to_string(num_threads()); }

std::string selected_with(const char* value) { return in_child({{"RUSTORCH_CPU_ISA", value}}, selected); }

TEST(SelectedCpuIsa, IsTheBestUnlessForced) {
  const std::string best(to_string(cpu_info().supported_isas.back()));
  EXPECT_EQ(selected_with(nullptr), best);
  EXPECT_EQ(selected_with(""), best);
}

TEST(SelectedCpuIsa, CanBeForcedToEverySupportedOne) {
  for (const CpuIsa isa : cpu_info().supported_isas) {
    const std::string name(to_string(isa));
    EXPECT_EQ(selected_with(name.c_str()), name);
  }
}

TEST(SelectedCpuIsa, UnknownNamesAreErrorsThatListTheChoices) {
  const std::string error = selected_with("avx51");
  EXPECT_TRUE(error.starts_with("Error: RUSTORCH_CPU_ISA: unknown instruction set \"avx51\"")) << error;
  EXPECT_NE(error.find("one of scalar"), std::string::npos) << error;
}

TEST(SelectedCpuIsa, UnsupportedNamesAreErrorsThatListTheChoices) {
#if defined(__x86_64__)
  const std::string error = selected_with("neon");
#else
  const std::string error = selected_with("avx2");
#endif
  EXPECT_NE(error.find("this processor ("), std::string::npos) << error;
  EXPECT_NE(error.find("one of scalar"), std::string::npos) << error;
}

TEST(SelectedCpuIsa, ThrowsAtEachCall) {
  const auto twice = [] {
    try {
      static_cast<void>(selected_cpu_isa());
    } catch (const Error&) {
      return selected();
    }
    return std::string("no error");
  };
  EXPECT_TRUE(in_child({{"RUSTORCH_CPU_ISA", "mmx"}}, twice).starts_with("Error: RUSTORCH_CPU_ISA"));
}

TEST(NumThreads, ComesFromTheEnvironmentElseTheCores) {
  const std::string cores = std::to_string(cpu_info().cores);
  const auto with = [](const char* ours, const char* openmp) {
    return in_child({{"RUSTORCH_NUM_THREADS", ours}, {"OMP_NUM_THREADS", openmp}}, threads);
  };
  EXPECT_EQ(with(nullptr, nullptr), cores);
  EXPECT_EQ(with("3", "5"), "3");
  EXPECT_EQ(with(nullptr, "5"), "5");
  EXPECT_EQ(with("", "5"), "5");
  EXPECT_EQ(with(nullptr, "4,3,2"), "4");
  EXPECT_EQ(with(nullptr, "many"), cores);  // OpenMP's variable: its runtime complains
  for (const char* wrong : {"0", "-1", "two", "3x", "99999999999", "4097"}) {
    EXPECT_TRUE(with(wrong, nullptr).starts_with("Error: RUSTORCH_NUM_THREADS: \"")) << wrong;
  }
}

TEST(NumThreads, CanBeSet) {
  const auto set = [] {
    set_num_threads(7);
    return threads();
  };
  EXPECT_EQ(in_child({{"RUSTORCH_NUM_THREADS", "nonsense"}}, set), "7");
  for (const int wrong : {0, -3, 5000}) {
    testing::expect_error(ErrorCode::invalid_argument, "set_num_threads: " + std::to_string(wrong), [&] {
      set_num_threads(wrong);
      return 0;
    });
  }
}

}  // namespace
}  // namespace rustorch
