#pragma once

namespace rustorch::cli {

/// `rustorch bench`: measures this machine. So far the CPU's memory: taking and returning blocks beside
/// malloc, the page faults of a loop that repeats itself, and the allocator's statistics.
struct BenchArguments {
  bool memory = false;
  bool json = false;
};
int bench(const BenchArguments& arguments);

}  // namespace rustorch::cli
