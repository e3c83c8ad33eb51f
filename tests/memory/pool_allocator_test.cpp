#include "rustorch/memory/allocators/pool_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "memory/block_checks.h"
#include "memory/small_machine.h"
#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/poison.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::SmallMachine;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

class Pool : public ::testing::Test {
 protected:
  AlignedAllocator upstream_;
  PoolAllocator pool_{upstream_};

  std::uint64_t asked_upstream() const { return upstream_.statistics().allocations; }
};

bool is_aligned(const void* block, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

TEST_F(Pool, BlocksAreAlignedAndWritable) {
  for (const std::size_t bytes :
       {1ul, 63ul, 64ul, 65ul, 1000ul, 1025ul, 5000ul, 300 * KiB, MiB, MiB + 1, 5 * MiB}) {
    for (const std::size_t alignment : {1ul, 16ul, 64ul, 128ul, 4096ul, 2 * MiB}) {
      void* const block = pool_.allocate(bytes, alignment);
      ASSERT_TRUE(is_aligned(block, std::max<std::size_t>(alignment, 64))) << bytes << " at " << alignment;
      std::memset(block, 0xa5, bytes);
      pool_.deallocate(block, bytes, alignment);
    }
  }
  EXPECT_EQ(pool_.statistics().live_bytes, 0u);
}

TEST_F(Pool, LiveBlocksDoNotOverlap) {
  std::vector<std::pair<std::byte*, std::size_t>> blocks;
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    const std::size_t bytes = 1 + random() % (i % 10 == 0 ? 3 * MiB : 4 * KiB);
    blocks.emplace_back(static_cast<std::byte*>(pool_.allocate(bytes)), bytes);
  }
  testing::expect_no_overlap(blocks);
  for (const auto& [block, bytes] : blocks) pool_.deallocate(block, bytes);
}

TEST_F(Pool, ZeroBytesAreNullAndNullIsFine) {
  EXPECT_EQ(pool_.allocate(0), nullptr);
  pool_.deallocate(nullptr, 0);
  pool_.deallocate(nullptr, 100);
  EXPECT_EQ(pool_.statistics().allocations, 0u);
  EXPECT_EQ(pool_.statistics().deallocations, 0u);
}

TEST_F(Pool, ASteadyLoopAsksTheSystemOnce) {
  const std::vector<std::size_t> sizes{100, 7000, 200 * KiB, 3 * MiB, 3 * MiB, 12 * MiB + 17, 64};
  const auto step = [&] {
    std::vector<void*> blocks;
    for (const std::size_t bytes : sizes) blocks.push_back(pool_.allocate(bytes));
    for (std::size_t i = sizes.size(); i-- > 0;) pool_.deallocate(blocks[i], sizes[i]);
  };
  step();
  const std::uint64_t after_first = asked_upstream();
  EXPECT_EQ(after_first, sizes.size());
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(asked_upstream(), after_first);
  EXPECT_EQ(pool_.statistics().system_allocations, after_first);
  EXPECT_EQ(pool_.statistics().cache_hits, 20 * sizes.size());
  EXPECT_NEAR(pool_.statistics().hit_rate(), 20.0 / 21.0, 1e-12);
}

TEST_F(Pool, ReusesTheBestFitOfAtMostAQuarterMore) {
  void* const small = pool_.allocate(10 * MiB);
  void* const large = pool_.allocate(12 * MiB);
  pool_.deallocate(large, 12 * MiB);
  pool_.deallocate(small, 10 * MiB);
  EXPECT_EQ(pool_.allocate(10 * MiB - 5), small);
  EXPECT_EQ(pool_.allocate(10 * MiB), large);  // 20 % more
  pool_.deallocate(small, 10 * MiB - 5);
  pool_.deallocate(large, 10 * MiB);
  void* const fresh = pool_.allocate(7 * MiB, MemoryAllocator::default_alignment, MemoryHint::persistent);
  EXPECT_EQ(pool_.statistics().cache_hits, 2u);  // both are too large for what shall not be cut
  pool_.deallocate(fresh, 7 * MiB);
  EXPECT_EQ(pool_.statistics().cached_bytes, (7 + 10 + 12) * MiB);
}

TEST_F(Pool, KeptBlocksOfAnotherAlignmentAreNotConfused) {
  std::vector<void*> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(pool_.allocate(100, 4096));
  for (void* block : blocks) pool_.deallocate(block, 100, 4096);
  const std::uint64_t asked = asked_upstream();
  void* const strict = pool_.allocate(100, 4096);
  EXPECT_TRUE(is_aligned(strict, 4096));
  EXPECT_EQ(asked_upstream(), asked);
  pool_.deallocate(strict, 100, 4096);
}

TEST_F(Pool, Statistics) {
  void* const a = pool_.allocate(100);  // a block of 128 bytes
  void* const b = pool_.allocate(2 * MiB);
  MemoryStatistics now = pool_.statistics();
  EXPECT_EQ(now.live_bytes, 128 + 2 * MiB);
  EXPECT_EQ(now.peak_bytes, now.live_bytes);
  EXPECT_EQ(now.requested_bytes, 100 + 2 * MiB);
  EXPECT_EQ(now.allocations, 2u);
  EXPECT_EQ(now.cached_bytes, 0u);
  pool_.deallocate(b, 2 * MiB);
  now = pool_.statistics();
  EXPECT_EQ(now.live_bytes, 128u);
  EXPECT_EQ(now.peak_bytes, 128 + 2 * MiB);
  EXPECT_EQ(now.cached_bytes, 2 * MiB);
  EXPECT_EQ(now.deallocations, 1u);
  EXPECT_NEAR(now.fragmentation(), 1.0 - 100.0 / static_cast<double>(128 + 2 * MiB), 1e-12);
  pool_.reset_peak();
  EXPECT_EQ(pool_.statistics().peak_bytes, 128u);
  pool_.deallocate(a, 100);
  EXPECT_EQ(pool_.statistics().requested_bytes, 0u);
  EXPECT_EQ(MemoryStatistics().hit_rate(), 0.0);
  EXPECT_EQ(MemoryStatistics().fragmentation(), 0.0);
}

TEST_F(Pool, TrimReleasesTheLargestUntilWhatMayStay) {
  const std::vector<std::size_t> sizes{64, 1024, 512 * KiB, 2 * MiB, 8 * MiB};
  std::vector<void*> blocks;
  for (const std::size_t bytes : sizes) blocks.push_back(pool_.allocate(bytes));
  for (std::size_t i = 0; i < sizes.size(); ++i) pool_.deallocate(blocks[i], sizes[i]);
  EXPECT_EQ(pool_.trim(100 * MiB), 0u);
  EXPECT_EQ(pool_.trim(3 * MiB), 8 * MiB);
  EXPECT_EQ(pool_.statistics().cached_bytes, 64 + 1024 + 512 * KiB + 2 * MiB);
  EXPECT_EQ(pool_.trim(2000), 512 * KiB + 2 * MiB);
  EXPECT_EQ(pool_.trim(), 64u + 1024u);
  EXPECT_EQ(pool_.trim(), 0u);
  EXPECT_EQ(upstream_.statistics().live_bytes, 0u);
  void* const again = pool_.allocate(64);
  EXPECT_NE(again, nullptr);
  pool_.deallocate(again, 64);
}

TEST_F(Pool, ReturnsItsKeptBlocksWhenItGoes) {
  {
    PoolAllocator pool(upstream_);
    void* const a = pool.allocate(100);
    void* const b = pool.allocate(5 * MiB);
    pool.deallocate(a, 100);
    pool.deallocate(b, 5 * MiB);
    EXPECT_GT(upstream_.statistics().live_bytes, 5 * MiB);
  }
  EXPECT_EQ(upstream_.statistics().live_bytes, 0u);
}

TEST_F(Pool, LimitRefusesWithTheNumbers) {
  EXPECT_EQ(pool_.limit(), MemoryAllocator::no_limit);
  pool_.set_limit(4 * MiB);
  EXPECT_EQ(pool_.limit(), 4 * MiB);
  void* const block = pool_.allocate(3 * MiB);
  expect_error(ErrorCode::out_of_memory,
               "pool memory: cannot allocate 2.0 MiB (2097152 bytes): 3.0 MiB (3145728 bytes) in 1 blocks "
               "are live, 0 B "
               "(0 bytes) cached, the limit is 4.0 MiB (4194304 bytes)",
               "raise the limit", [&] { return pool_.allocate(2 * MiB); });
  expect_error(ErrorCode::out_of_memory, "cannot allocate", [&] { return pool_.allocate(1 * MiB + 1); });
  void* const rest = pool_.allocate(1 * MiB);
  EXPECT_EQ(pool_.statistics().live_bytes, 4 * MiB);
  expect_error(ErrorCode::out_of_memory, "cannot allocate 1 B", [&] { return pool_.allocate(1); });
  pool_.deallocate(rest, 1 * MiB);
  pool_.deallocate(block, 3 * MiB);
  EXPECT_EQ(pool_.statistics().allocations, 2u);  // refused ones do not count
}

TEST_F(Pool, LimitReleasesKeptBlocksFirst) {
  void* const a = pool_.allocate(6 * MiB);
  void* const b = pool_.allocate(3 * MiB);
  pool_.deallocate(a, 6 * MiB);
  pool_.set_limit(8 * MiB);  // kept blocks count too
  EXPECT_EQ(pool_.statistics().cached_bytes, 0u);
  pool_.deallocate(b, 3 * MiB);
  EXPECT_EQ(pool_.statistics().cached_bytes, 3 * MiB);
  void* const c = pool_.allocate(7 * MiB);
  EXPECT_EQ(pool_.statistics().cached_bytes, 0u);
  pool_.deallocate(c, 7 * MiB);
  pool_.set_limit(MemoryAllocator::no_limit);
  EXPECT_EQ(pool_.statistics().cached_bytes, 7 * MiB);
}

TEST_F(Pool, AKeptBlockThatWouldCrossTheLimitIsNotUsed) {
  void* const a = pool_.allocate(5 * MiB);
  void* const b = pool_.allocate(2 * MiB);
  pool_.deallocate(a, 5 * MiB);
  pool_.set_limit(6 * MiB + 512 * KiB);
  void* const c = pool_.allocate(4 * MiB + 256 * KiB);  // the kept 5 MiB would fit, but not beside b
  EXPECT_LE(pool_.statistics().live_bytes, pool_.limit());
  pool_.deallocate(b, 2 * MiB);
  pool_.deallocate(c, 4 * MiB + 256 * KiB);
}

TEST_F(Pool, ALimitBelowWhatIsLiveIsAnError) {
  void* const block = pool_.allocate(2 * MiB);
  expect_error(ErrorCode::invalid_argument, "below the 2.0 MiB", [&] {
    pool_.set_limit(1 * MiB);
    return 0;
  });
  EXPECT_EQ(pool_.limit(), MemoryAllocator::no_limit);
  pool_.deallocate(block, 2 * MiB);
}

TEST_F(Pool, BadRequestsAreErrors) {
  for (const std::size_t alignment : {0ul, 3ul, 48ul, 65ul, SIZE_MAX}) {
    expect_error(ErrorCode::invalid_argument, "is not a power of two",
                 [&] { return pool_.allocate(100, alignment); });
  }
  expect_error(ErrorCode::invalid_argument, "too large", [&] { return pool_.allocate(1, SIZE_MAX / 2 + 1); });
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 63, SIZE_MAX / 2 + 1}) {
    expect_error(ErrorCode::out_of_memory, std::to_string(bytes), [&] { return pool_.allocate(bytes); });
  }
  expect_error(ErrorCode::out_of_memory, "cannot allocate 1.0 PiB",
               [&] { return pool_.allocate(std::size_t{1} << 50); });
  EXPECT_EQ(pool_.statistics().live_bytes, 0u);
  EXPECT_EQ(pool_.statistics().requested_bytes, 0u);
}

TEST(PoolOnASmallMachine, ReleasesKeptBlocksAndTriesAgain) {
  SmallMachine machine(8 * MiB);
  PoolAllocator pool(machine);
  void* const small = pool.allocate(100);
  void* const a = pool.allocate(5 * MiB);
  pool.deallocate(a, 5 * MiB);
  pool.deallocate(small, 100);
  void* const b = pool.allocate(7 * MiB);
  EXPECT_EQ(pool.statistics().cached_bytes, 0u);
  expect_error(ErrorCode::out_of_memory, "pool memory: cannot allocate 2.0 MiB (2097152 bytes): 7.0 MiB",
               "use smaller batches", [&] { return pool.allocate(2 * MiB); });
  EXPECT_EQ(pool.statistics().live_bytes, 7 * MiB);
  EXPECT_EQ(pool.statistics().requested_bytes, 7 * MiB);
  pool.deallocate(b, 7 * MiB);
}

TEST_F(Pool, AnErrorsContextMayUseThePool) {
  pool_.set_limit(1 * MiB);
  const ErrorContext context([&] { return std::to_string(pool_.statistics().allocations); });
  expect_error(ErrorCode::out_of_memory, "cannot allocate", [&] { return pool_.allocate(2 * MiB); });
}

TEST_F(Pool, BlocksMayBeReturnedByAnotherThread) {
  constexpr int rounds = 100;
  for (int round = 0; round < rounds; ++round) {
    void* const small = pool_.allocate(500);
    void* const large = pool_.allocate(2 * MiB);
    std::thread([&] {
      pool_.deallocate(small, 500);
      pool_.deallocate(large, 2 * MiB);
    }).join();
  }
  EXPECT_EQ(asked_upstream(), 2u);
}

TEST_F(Pool, ManyThreadsExchangeBlocks) {
  testing::exchange_blocks_between_threads(pool_, 3000, 2 * MiB);
  const MemoryStatistics end = pool_.statistics();
  EXPECT_EQ(end.live_bytes, 0u);
  EXPECT_EQ(end.requested_bytes, 0u);
  EXPECT_EQ(end.allocations, 12000u);
  EXPECT_EQ(end.deallocations, 12000u);
  EXPECT_EQ(end.allocations, end.cache_hits + end.system_allocations);
  EXPECT_EQ(pool_.trim(), end.cached_bytes);
  EXPECT_EQ(upstream_.statistics().live_bytes, 0u);
}

#ifdef RUSTORCH_ADDRESS_SANITIZER
using PoolDeathTest = Pool;

TEST_F(PoolDeathTest, UseOfAReturnedBlockIsFound) {
  for (const std::size_t bytes : {100ul, 2 * MiB}) {
    auto* const block = static_cast<volatile char*>(pool_.allocate(bytes));
    pool_.deallocate(const_cast<char*>(block), bytes);
    EXPECT_DEATH(block[bytes / 2] = 1, "use-after-poison");
  }
}

TEST_F(PoolDeathTest, WritingBeyondWhatWasAskedForIsFound) {
  for (const std::size_t bytes : {100ul, 2 * MiB + 100}) {
    auto* const block = static_cast<volatile char*>(pool_.allocate(bytes));
    block[bytes - 1] = 1;
    EXPECT_DEATH(block[bytes] = 1, "use-after-poison");
    pool_.deallocate(const_cast<char*>(block), bytes);
  }
}
#endif

TEST(CpuAllocator, IsOnePool) {
  EXPECT_EQ(&cpu_allocator(), &cpu_allocator());
  EXPECT_EQ(cpu_allocator().name(), "cpu");
}

}  // namespace
}  // namespace rustorch
