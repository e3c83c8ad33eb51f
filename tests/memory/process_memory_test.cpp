#include "rustorch/memory/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <limits>

namespace rustorch {
namespace {

TEST(ProcessMemory, CountsPageFaults) {
  constexpr std::size_t page = 4096, pages = 64;
  void* const memory =
      ::mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ::madvise(memory, pages * page, MADV_NOHUGEPAGE);
  const std::uint64_t before = page_faults();
  for (std::size_t i = 0; i < pages; ++i) static_cast<volatile char*>(memory)[i * page] = 1;
  const std::uint64_t after = page_faults();
  EXPECT_GE(after, before + pages / 2);  // a system may fault in several at once
  ::munmap(memory, pages * page);
}

TEST(ProcessMemory, ReadsWhatIsAvailable) {
  constexpr auto unknown = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(available_memory(MemoryTexts{}), unknown);
  const char* const meminfo = "MemTotal:  2000 kB\nMemFree:  10 kB\nMemAvailable:   1000 kB\nBuffers: 1 kB\n";
  EXPECT_EQ(available_memory({.meminfo = meminfo}), 1000u * 1024);
  EXPECT_EQ(available_memory({.meminfo = meminfo, .group_limit = "max\n", .group_use = "5\n"}), 1000u * 1024);
  EXPECT_EQ(available_memory({.meminfo = meminfo, .group_limit = "500000\n", .group_use = "200000\n"}),
            300000u);
  EXPECT_EQ(available_memory({.meminfo = meminfo,
                              .group_limit = "500000\n",
                              .group_use = "200000\n",
                              .group_statistics = "anon 1\ninactive_file 150000\nactive_file 3\n"}),
            450000u);
  EXPECT_EQ(available_memory({.group_limit = "500", .group_use = "700"}), 0u);
  EXPECT_EQ(available_memory({.meminfo = "MemAvailable: nonsense"}), unknown);
}

TEST(ProcessMemory, OfThisMachine) {
  EXPECT_GT(available_memory(), std::uint64_t{1} << 20);
#ifdef __linux__
  EXPECT_LT(available_memory(), std::uint64_t{1} << 50);
#endif
}

}  // namespace
}  // namespace rustorch
