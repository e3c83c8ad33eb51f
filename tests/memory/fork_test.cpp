#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "memory/cached_pool.h"
#include "rustorch/memory/memory_tag.h"
#include "support/child_process.h"

namespace rustorch {
namespace {

using testing::exit_code_in_child;

constexpr std::size_t MiB = std::size_t{1} << 20;

/// Allocates as much and as mixed as a step does.
int use(MemoryAllocator& allocator) {
  std::vector<std::pair<std::byte*, std::size_t>> blocks;
  const MemoryTag tag("child");
  for (int i = 0; i < 300; ++i) {
    const std::size_t bytes = i % 20 == 0 ? 2 * MiB : 64 + static_cast<std::size_t>(i) * 50;
    blocks.emplace_back(static_cast<std::byte*>(allocator.allocate(bytes)), bytes);
    std::memset(blocks.back().first, i & 0xff, bytes);
  }
  int wrong = 0;
  for (int i = 0; i < 300; ++i) {
    const auto& [block, bytes] = blocks[static_cast<std::size_t>(i)];
    if (block[0] != static_cast<std::byte>(i & 0xff) || block[bytes - 1] != block[0]) wrong = 1;
    allocator.deallocate(block, bytes);
  }
  allocator.trim();
  return wrong;
}

class Fork : public testing::CachedPool {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a child of a program with threads may find the sanitizer's own locks taken for ever";
#endif
  }
};

TEST_F(Fork, WhileOtherThreadsAllocate) {
  std::atomic<bool> ends{false};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(i);
      std::vector<std::pair<void*, std::size_t>> blocks;
      while (!ends.load(std::memory_order_relaxed)) {
        const std::size_t bytes = 1 + random() % (random() % 50 == 0 ? 3 * MiB : 5000);
        const MemoryTag tag(i == 0 ? "a" : "b");
        blocks.emplace_back(allocator_.allocate(bytes), bytes);
        if (blocks.size() > 40) {
          for (const auto& [block, size] : blocks) allocator_.deallocate(block, size);
          blocks.clear();
        }
      }
      for (const auto& [block, size] : blocks) allocator_.deallocate(block, size);
    });
  }
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(exit_code_in_child([&] { return use(allocator_); }), 0);
    EXPECT_EQ(use(allocator_), 0);
    if (HasFailure()) break;
  }
  ends = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
}

TEST_F(Fork, TheChildGetsWhatVanishedThreadsKept) {
  std::atomic<int> stage{0};
  std::thread other([&] {
    std::vector<void*> blocks;
    for (int i = 0; i < 8; ++i) blocks.push_back(allocator_.allocate(1000));
    for (void* block : blocks) allocator_.deallocate(block, 1000);
    stage = 1;
    while (stage != 2) std::this_thread::yield();
    EXPECT_EQ(pool_.statistics().live_bytes, 9 * 1024u);  // still this thread's
  });
  while (stage != 1) std::this_thread::yield();
  allocator_.deallocate(allocator_.allocate(1000), 1000);
  EXPECT_EQ(pool_.statistics().live_bytes, 9 * 1024u);  // as the pool sees it
  EXPECT_EQ(exit_code_in_child([&] {
              const std::uint64_t asked = system_.statistics().allocations;
              if (pool_.statistics().live_bytes != 1024) return 1;  // only the forking thread's own
              std::vector<void*> blocks;
              for (int i = 0; i < 9; ++i) blocks.push_back(allocator_.allocate(1000));
              if (system_.statistics().allocations != asked) return 2;
              for (void* block : blocks) allocator_.deallocate(block, 1000);
              return allocator_.trim() == 9 * 1024 ? 0 : 3;
            }),
            0);
  stage = 2;
  other.join();
}

/// In a process that has not used memory before: what its threads do first must not be half done in a child.
int fork_during_first_use() {
  std::atomic<bool> begins{false};
  for (int i = 0; i < 2; ++i) {
    std::thread([&] {
      while (!begins) {
      }
      while (true) {
        const MemoryTag tag("a");
        cpu_allocator().deallocate(cpu_allocator().allocate(100), 100);
      }
    }).detach();
  }
  begins = true;
  return exit_code_in_child([] { return use(cpu_allocator()); });
}

TEST(ForkAlone, WhileOtherThreadsUseMemoryForTheFirstTime) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a child of a program with threads may find the sanitizer's own locks taken for ever";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // starts this program anew
  EXPECT_EXIT(std::_Exit(fork_during_first_use()), ::testing::ExitedWithCode(0), "");
}

TEST(ForkAlone, TheCpuAllocatorsChildMayForkAgain) {
  EXPECT_EQ(exit_code_in_child([] {
              return use(cpu_allocator()) + exit_code_in_child([] { return use(cpu_allocator()); });
            }),
            0);
}

}  // namespace
}  // namespace rustorch
