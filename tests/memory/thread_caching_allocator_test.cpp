#include "rustorch/memory/allocators/thread_caching_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "memory/block_checks.h"
#include "memory/cached_pool.h"
#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/pool_allocator.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using testing::expect_error;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

class ThreadCaching : public testing::CachedPool {
 protected:
  /// How often the pool, behind its lock, was called.
  std::uint64_t pool_calls() const {
    const MemoryStatistics now = pool_.statistics();
    return now.allocations + now.deallocations;
  }
};

TEST_F(ThreadCaching, BlocksAreAlignedAndWritable) {
  for (const std::size_t bytes : {1ul, 63ul, 64ul, 65ul, 1000ul, 1025ul, 32 * KiB, 32 * KiB + 1, 3 * MiB}) {
    for (const std::size_t alignment : {1ul, 64ul, 128ul, 4096ul}) {
      void* const block = allocator_.allocate(bytes, alignment);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % std::max<std::size_t>(alignment, 64), 0u);
      std::memset(block, 0xa5, bytes);
      allocator_.deallocate(block, bytes, alignment);
    }
  }
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
  EXPECT_EQ(allocator_.statistics().requested_bytes, 0u);
}

TEST_F(ThreadCaching, ASteadyLoopDoesNotReachThePool) {
  const std::vector<std::size_t> sizes{1, 64, 100, 1000, 5000, 32 * KiB, 100};
  const auto step = [&] {
    std::vector<void*> blocks;
    for (const std::size_t bytes : sizes) blocks.push_back(allocator_.allocate(bytes));
    for (std::size_t i = 0; i < sizes.size(); ++i) allocator_.deallocate(blocks[i], sizes[i]);
  };
  step();
  const std::uint64_t calls = pool_calls();
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(pool_calls(), calls);
}

TEST_F(ThreadCaching, LiveBlocksDoNotOverlap) {
  std::vector<std::pair<std::byte*, std::size_t>> blocks;
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 100; ++i) {
      const std::size_t bytes = 1 + random() % (40 * KiB);
      blocks.emplace_back(static_cast<std::byte*>(allocator_.allocate(bytes)), bytes);
    }
    testing::expect_no_overlap(blocks);
    std::shuffle(blocks.begin(), blocks.end(), random);
    while (blocks.size() > 30) {
      allocator_.deallocate(blocks.back().first, blocks.back().second);
      blocks.pop_back();
    }
  }
  for (const auto& [block, bytes] : blocks) allocator_.deallocate(block, bytes);
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
}

TEST_F(ThreadCaching, StatisticsAreThoseOfTheCaller) {
  void* const a = allocator_.allocate(100);  // a block of 128 bytes
  void* const b = allocator_.allocate(2 * MiB);
  MemoryStatistics now = allocator_.statistics();
  EXPECT_EQ(now.live_bytes, 128 + 2 * MiB);
  EXPECT_EQ(now.requested_bytes, 100 + 2 * MiB);
  EXPECT_EQ(now.allocations, 2u);
  EXPECT_EQ(now.deallocations, 0u);
  EXPECT_EQ(now.system_allocations, 2u);
  allocator_.deallocate(a, 100);
  now = allocator_.statistics();
  EXPECT_EQ(now.live_bytes, 2 * MiB);
  EXPECT_EQ(now.cached_bytes, 128u);
  EXPECT_EQ(now.requested_bytes, 2 * MiB);
  EXPECT_EQ(now.deallocations, 1u);
  void* const again = allocator_.allocate(65);  // the same class
  EXPECT_EQ(again, a);
  now = allocator_.statistics();
  EXPECT_EQ(now.allocations, 3u);
  EXPECT_EQ(now.cache_hits, 1u);
  EXPECT_EQ(now.requested_bytes, 65 + 2 * MiB);
  EXPECT_EQ(now.cached_bytes, 0u);
  allocator_.deallocate(again, 65);
  allocator_.deallocate(b, 2 * MiB);
  now = allocator_.statistics();
  EXPECT_EQ(now.live_bytes, 0u);
  EXPECT_EQ(now.requested_bytes, 0u);
  EXPECT_EQ(now.deallocations, 3u);
  EXPECT_EQ(now.peak_bytes, 128 + 2 * MiB);
}

TEST_F(ThreadCaching, WhatIsTooMuchGoesBackToThePool) {
  std::vector<void*> blocks;
  for (int i = 0; i < 200; ++i) blocks.push_back(allocator_.allocate(64));
  for (void* block : blocks) allocator_.deallocate(block, 64);
  EXPECT_GE(pool_.statistics().deallocations, 200 - ThreadCachingAllocator::most_blocks_per_class);
  EXPECT_EQ(allocator_.statistics().cached_bytes, 200 * 64u);
  EXPECT_EQ(allocator_.statistics().deallocations, 200u);
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
}

TEST_F(ThreadCaching, AThreadThatEndsLeavesNothing) {
  std::thread([&] {
    std::vector<void*> blocks;
    for (const std::size_t bytes : {64ul, 500ul, 5000ul}) {
      void* const block = allocator_.allocate(bytes);
      allocator_.deallocate(block, bytes);
    }
    EXPECT_GT(pool_.statistics().live_bytes, 0u);  // kept by this thread
  }).join();
  EXPECT_EQ(pool_.statistics().live_bytes, 0u);
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
  EXPECT_EQ(allocator_.statistics().allocations, 3u);
  EXPECT_EQ(allocator_.statistics().deallocations, 3u);
  EXPECT_EQ(allocator_.trim(), pool_.statistics().peak_bytes);
  EXPECT_EQ(system_.statistics().live_bytes, 0u);
}

TEST_F(ThreadCaching, BlocksMayBeReturnedByAnotherThread) {
  for (int round = 0; round < 100; ++round) {
    void* const block = allocator_.allocate(500);
    std::thread([&] { allocator_.deallocate(block, 500); }).join();
  }
  const MemoryStatistics now = allocator_.statistics();
  EXPECT_EQ(now.live_bytes, 0u);
  EXPECT_EQ(now.requested_bytes, 0u);
  EXPECT_EQ(now.allocations, 100u);
  EXPECT_EQ(now.deallocations, 100u);
  EXPECT_EQ(system_.statistics().allocations, 1u);
}

TEST_F(ThreadCaching, TrimReachesOtherThreadsWhenTheyAllocate) {
  std::atomic<int> stage{0};
  const auto wait_for = [&](int wanted) {
    while (stage.load() < wanted) std::this_thread::yield();
  };
  std::thread other([&] {
    allocator_.deallocate(allocator_.allocate(5000), 5000);
    stage = 1;
    wait_for(2);
    allocator_.deallocate(allocator_.allocate(64), 64);
    stage = 3;
    wait_for(4);
  });
  wait_for(1);
  allocator_.deallocate(allocator_.allocate(300), 300);
  allocator_.trim();
  EXPECT_EQ(allocator_.statistics().cached_bytes, 5120u);  // the other thread's
  stage = 2;
  wait_for(3);
  allocator_.trim();
  EXPECT_EQ(allocator_.statistics().cached_bytes, 64u);
  stage = 4;
  other.join();
}

TEST_F(ThreadCaching, ALimitTakesBackWhatIsKept) {
  allocator_.set_limit(1 * MiB);
  EXPECT_EQ(allocator_.limit(), 1 * MiB);
  std::vector<void*> blocks;
  for (int i = 0; i < 30; ++i) blocks.push_back(allocator_.allocate(2000));
  for (void* block : blocks) allocator_.deallocate(block, 2000);
  void* const all = allocator_.allocate(1 * MiB);
  EXPECT_EQ(allocator_.statistics().live_bytes, 1 * MiB);
  expect_error(ErrorCode::out_of_memory, "the limit is 1.0 MiB", [&] { return allocator_.allocate(1); });
  allocator_.deallocate(all, 1 * MiB);
  void* const small = allocator_.allocate(100);
  allocator_.deallocate(small, 100);
  allocator_.set_limit(0);  // nothing is live
  allocator_.set_limit(MemoryAllocator::no_limit);
}

TEST_F(ThreadCaching, BadRequestsAreErrors) {
  EXPECT_EQ(allocator_.allocate(0), nullptr);
  allocator_.deallocate(nullptr, 0);
  expect_error(ErrorCode::invalid_argument, "is not a power of two",
               [&] { return allocator_.allocate(8, 3); });
  expect_error(ErrorCode::out_of_memory, "cannot allocate", [&] { return allocator_.allocate(SIZE_MAX); });
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
}

TEST_F(ThreadCaching, SeveralAllocatorsInOneThread) {
  PoolAllocator other_pool(system_);
  std::optional<ThreadCachingAllocator> other(std::in_place, other_pool);
  for (int i = 0; i < 3; ++i) {
    void* const a = allocator_.allocate(64);
    void* const b = other->allocate(64);
    EXPECT_NE(a, b);
    allocator_.deallocate(a, 64);
    other->deallocate(b, 64);
  }
  EXPECT_EQ(pool_.statistics().allocations, 1u);
  EXPECT_EQ(other_pool.statistics().allocations, 1u);
  other.reset();
  EXPECT_EQ(other_pool.statistics().live_bytes, 0u);
  other.emplace(other_pool);  // perhaps at the same address: not the same caches
  void* const block = other->allocate(64);
  EXPECT_EQ(other_pool.statistics().live_bytes, 64u);
  other->deallocate(block, 64);
}

/// Frees a block after the thread's list of caches is gone: thread-local objects are destroyed in the reverse
/// order of their making.
struct LateBlock {
  ThreadCachingAllocator* allocator = nullptr;
  void* block = nullptr;
  ~LateBlock() {
    if (allocator == nullptr) return;
    allocator->deallocate(block, 100);
    allocator->deallocate(allocator->allocate(70), 70);
  }
};

TEST_F(ThreadCaching, ThreadLocalObjectsMayOutliveTheCache) {
  std::thread([&] {
    thread_local LateBlock late;  // made before the cache, so destroyed after it
    late.allocator = &allocator_;
    late.block = allocator_.allocate(100);
  }).join();
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
  EXPECT_EQ(allocator_.statistics().requested_bytes, 0u);
  EXPECT_EQ(pool_.statistics().live_bytes, 0u);
}

TEST_F(ThreadCaching, ManyThreadsExchangeBlocks) {
  for (int wave = 0; wave < 3; ++wave) {  // threads end and others take over their caches
    testing::exchange_blocks_between_threads(allocator_, 2000, 100 * KiB, [&] {
      const MemoryStatistics now = allocator_.statistics();
      EXPECT_LT(now.live_bytes, 1000 * MiB);
      EXPECT_LT(now.requested_bytes, 1000 * MiB);
    });
  }
  const MemoryStatistics now = allocator_.statistics();
  EXPECT_EQ(now.live_bytes, 0u);
  EXPECT_EQ(now.requested_bytes, 0u);
  EXPECT_EQ(now.allocations, 24000u);
  EXPECT_EQ(now.deallocations, 24000u);
}

}  // namespace
}  // namespace rustorch
