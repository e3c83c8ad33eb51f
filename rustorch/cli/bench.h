#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rustorch::cli {

/// `rustorch bench`: measures this machine. `what`: "ops", "gemm", "conv", "transfer" or "all" of devices
/// (bench_device.h). `memory`: the CPU's memory: taking and returning blocks beside malloc, the page faults
/// of a loop that repeats itself, and the allocator's statistics.
struct BenchArguments {
  std::vector<std::string> what;
  std::vector<std::string> devices;  ///< none: all that are here
  std::string filter;
  std::int64_t elements = 0;
  bool memory = false;
  bool json = false;
};
int bench(const BenchArguments& arguments);

}  // namespace rustorch::cli
