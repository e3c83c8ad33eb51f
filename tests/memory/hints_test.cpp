#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "memory/cached_pool.h"
#include "rustorch/error/error.h"
#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/pool_allocator.h"
#include "rustorch/memory/allocators/system_allocator.h"
#include "rustorch/memory/allocators/thread_caching_allocator.h"
#include "support/child_process.h"

namespace rustorch {
namespace {

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;
constexpr auto usual = MemoryAllocator::default_alignment;

/// What the system says of this process's pinned memory.
std::uint64_t pinned_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmLck:")) return std::stoull(line.substr(6)) * KiB;
  }
  return 0;
}

using Hints = testing::CachedPool;

TEST_F(Hints, PinnedBlocksAreLocked) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers leave mlock out";
#endif
  const std::uint64_t before = pinned_bytes();
  for (const std::size_t bytes : {100ul, 20 * KiB, MiB}) {
    void* block = nullptr;
    try {
      block = allocator_.allocate(bytes, usual, MemoryHint::pinned);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << error.what();
      GTEST_SKIP() << "the system pins no memory for us: " << error.what();
    }
    std::memset(block, 1, bytes);
    EXPECT_GE(pinned_bytes(), before + bytes);
    allocator_.deallocate(block, bytes);
    void* const again = allocator_.allocate(bytes, usual, MemoryHint::pinned);
    EXPECT_EQ(again, block);  // kept as pinned memory
    void* const plain = allocator_.allocate(bytes);
    EXPECT_NE(plain, block);
    allocator_.deallocate(again, bytes);
    void* const plain_too = allocator_.allocate(bytes);  // never from what is pinned
    EXPECT_NE(plain_too, block);
    allocator_.deallocate(plain, bytes);
    allocator_.deallocate(plain_too, bytes);
  }
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
  allocator_.trim();
  EXPECT_EQ(pinned_bytes(), before);
  EXPECT_EQ(system_.statistics().live_bytes, 0u);
}

/// What is wrong with the refusal of `bytes` in a process that may pin nothing; 0 if nothing is.
int refuse_to_pin(std::size_t bytes) {
  AlignedAllocator system;
  PoolAllocator pool(system);
  ThreadCachingAllocator allocator(pool);
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 1;
  if (::geteuid() == 0 && ::setuid(65534) != 0) return 2;  // root may pin without limit
  try {
    allocator.allocate(bytes, usual, MemoryHint::pinned);
    return 3;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) return 4;
    if (error.message().find("system memory: cannot pin ") != 0) return 5;
    if (error.message().find("may pin 0 B in all") == std::string::npos) return 6;
    if (error.suggestion().find("ulimit -l") == std::string::npos) return 7;
  }
  if (allocator.statistics().live_bytes != 0 || allocator.statistics().requested_bytes != 0) return 8;
  SystemAllocator pages;
  try {
    pages.allocate(bytes, usual, MemoryHint::pinned);
    return 9;
  } catch (const Error&) {
    if (pages.statistics().live_bytes != 0) return 10;
  }
  return system.statistics().live_bytes == 0 ? 0 : 11;
}

TEST_F(Hints, ARefusalToPinSaysHowMuchIsAllowed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers leave mlock out";
#endif
  for (const std::size_t bytes : {100ul, 3 * MiB})
    EXPECT_EQ(testing::exit_code_in_child([&] { return refuse_to_pin(bytes); }), 0);
}

TEST_F(Hints, HugePagesStartAtABoundaryInEverySize) {
  for (const std::size_t bytes : {100ul, 40 * KiB, 3 * MiB}) {
    void* const block = allocator_.allocate(bytes, usual, MemoryHint::huge_pages);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % SystemAllocator::huge_page_bytes, 0u);
    EXPECT_EQ(allocator_.statistics().live_bytes % SystemAllocator::huge_page_bytes, 0u);  // whole ones
    std::memset(block, 1, bytes);
    allocator_.deallocate(block, bytes);
    EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
    void* const again = allocator_.allocate(bytes, usual, MemoryHint::huge_pages);
    EXPECT_EQ(again, block);
    allocator_.deallocate(again, bytes);
  }
  allocator_.trim();
  EXPECT_EQ(system_.statistics().live_bytes, 0u);
}

TEST_F(Hints, HintedBlocksBesideOthersOfTheirClass) {
  std::vector<void*> plain, huge;
  for (int i = 0; i < 5; ++i) {
    plain.push_back(allocator_.allocate(40 * KiB));
    huge.push_back(allocator_.allocate(40 * KiB, usual, MemoryHint::huge_pages));
  }
  for (void* block : plain) allocator_.deallocate(block, 40 * KiB);
  for (void* block : huge) allocator_.deallocate(block, 40 * KiB);
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
  EXPECT_EQ(allocator_.statistics().requested_bytes, 0u);
  EXPECT_EQ(allocator_.trim(), 5 * (40 * KiB + 2 * MiB));
  EXPECT_EQ(system_.statistics().live_bytes, 0u);
}

}  // namespace
}  // namespace rustorch
