#include "rustorch/memory/allocators/large_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "memory/block_checks.h"
#include "rustorch/error/error.h"
#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/pool_allocator.h"

namespace rustorch {
namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;
constexpr auto usual = MemoryAllocator::default_alignment;

class CutBlocks : public ::testing::Test {
 protected:
  AlignedAllocator upstream_;
  PoolAllocator pool_{upstream_};

  void keep(std::size_t bytes) { pool_.deallocate(pool_.allocate(bytes), bytes); }
};

TEST_F(CutBlocks, ServeSmallerRequestsAndAreJoinedAgain) {
  keep(16 * MiB);
  auto* const a = static_cast<std::byte*>(pool_.allocate(3 * MiB));
  auto* const b = static_cast<std::byte*>(pool_.allocate(5 * MiB));
  auto* const c = static_cast<std::byte*>(pool_.allocate(2 * MiB));
  EXPECT_EQ(b, a + 3 * MiB);
  EXPECT_EQ(c, a + 8 * MiB);
  EXPECT_EQ(upstream_.statistics().allocations, 1u);
  MemoryStatistics now = pool_.statistics();
  EXPECT_EQ(now.live_bytes, 10 * MiB);
  EXPECT_EQ(now.cached_bytes, 6 * MiB);
  EXPECT_EQ(now.splits, 3u);
  EXPECT_EQ(now.merges, 0u);
  pool_.deallocate(a, 3 * MiB);  // the neighbour lives
  EXPECT_EQ(pool_.statistics().merges, 0u);
  pool_.deallocate(c, 2 * MiB);  // joins what is behind
  EXPECT_EQ(pool_.statistics().merges, 1u);
  pool_.deallocate(b, 5 * MiB);  // joins both sides
  now = pool_.statistics();
  EXPECT_EQ(now.merges, 3u);
  EXPECT_EQ(now.live_bytes, 0u);
  EXPECT_EQ(now.cached_bytes, 16 * MiB);
  void* const whole = pool_.allocate(16 * MiB);
  EXPECT_EQ(whole, a);
  EXPECT_EQ(upstream_.statistics().allocations, 1u);
  pool_.deallocate(whole, 16 * MiB);
}

TEST_F(CutBlocks, GoBackToTheSystemOnlyWhole) {
  keep(16 * MiB);
  void* const part = pool_.allocate(4 * MiB);
  EXPECT_EQ(pool_.trim(), 0u);
  EXPECT_EQ(pool_.statistics().cached_bytes, 12 * MiB);
  pool_.deallocate(part, 4 * MiB);
  EXPECT_EQ(pool_.trim(), 16 * MiB);
  EXPECT_EQ(upstream_.statistics().live_bytes, 0u);
}

TEST_F(CutBlocks, AreNotForWhatStaysNorForSmallBlocks) {
  keep(16 * MiB);
  void* const stays = pool_.allocate(4 * MiB, usual, MemoryHint::persistent);
  void* const small = pool_.allocate(MiB / 2);
  EXPECT_EQ(pool_.statistics().splits, 0u);
  void* const part = pool_.allocate(13 * MiB);  // leaves 3 MiB
  EXPECT_EQ(pool_.statistics().splits, 0u);     // a quarter too large is no waste
  pool_.deallocate(part, 13 * MiB);
  void* const cut = pool_.allocate(8 * MiB);
  EXPECT_EQ(pool_.statistics().splits, 1u);
  void* const stays_too = pool_.allocate(8 * MiB, usual, MemoryHint::persistent);  // not the rest
  EXPECT_EQ(pool_.statistics().system_allocations, 4u);
  pool_.deallocate(stays, 4 * MiB);
  pool_.deallocate(stays_too, 8 * MiB);
  pool_.deallocate(cut, 8 * MiB);
  pool_.deallocate(small, MiB / 2);
}

TEST_F(CutBlocks, RespectAlignmentAndLimit) {
  keep(16 * MiB);
  void* const odd = pool_.allocate(3 * MiB);
  auto* const strict = pool_.allocate(3 * MiB, 2 * MiB);  // what is left starts at 3 MiB
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(strict) % (2 * MiB), 0u);
  pool_.deallocate(strict, 3 * MiB, 2 * MiB);
  pool_.deallocate(odd, 3 * MiB);
  pool_.trim();
  keep(16 * MiB);
  pool_.set_limit(17 * MiB);
  void* const a = pool_.allocate(10 * MiB);
  EXPECT_THROW(pool_.allocate(8 * MiB), Error);
  void* const b = pool_.allocate(5 * MiB);
  EXPECT_LE(pool_.statistics().live_bytes, 17 * MiB);
  pool_.deallocate(a, 10 * MiB);
  pool_.deallocate(b, 5 * MiB);
}

TEST_F(CutBlocks, ALimitSetLaterHoldsForTheRestOfACutBlock) {
  keep(16 * MiB);
  void* const part = pool_.allocate(4 * MiB);
  pool_.set_limit(8 * MiB);  // the rest of 12 MiB cannot go back
  EXPECT_THROW(pool_.allocate(6 * MiB), Error);
  void* const more = pool_.allocate(3 * MiB);
  EXPECT_EQ(pool_.statistics().live_bytes, 7 * MiB);
  pool_.deallocate(part, 4 * MiB);
  pool_.deallocate(more, 3 * MiB);
}

TEST_F(CutBlocks, ReturnedTwiceAreNotHandedOutTwice) {
  void* const block = pool_.allocate(4 * MiB);
  pool_.deallocate(block, 4 * MiB);
  pool_.deallocate(block, 4 * MiB);
  EXPECT_EQ(pool_.statistics().cached_bytes, 4 * MiB);
  EXPECT_EQ(pool_.statistics().deallocations, 1u);
}

TEST_F(CutBlocks, NeverOverlap) {
  std::vector<std::pair<std::byte*, std::size_t>> blocks;
  std::mt19937 random(11);
  std::uint64_t most_held = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 10; ++i) {
      const std::size_t bytes = MiB + random() % (round % 7 == 0 ? 40 * MiB : 6 * MiB);
      auto* const data = static_cast<std::byte*>(pool_.allocate(bytes));
      std::memset(data, static_cast<int>(bytes & 0xff), 64);
      std::memset(data + bytes - 64, static_cast<int>(bytes & 0xff), 64);
      blocks.emplace_back(data, bytes);
    }
    testing::expect_no_overlap(blocks);
    std::shuffle(blocks.begin(), blocks.end(), random);
    while (blocks.size() > 12) {
      const auto [data, bytes] = blocks.back();
      ASSERT_EQ(data[0], static_cast<std::byte>(bytes & 0xff));
      ASSERT_EQ(data[bytes - 1], static_cast<std::byte>(bytes & 0xff));
      pool_.deallocate(data, bytes);
      blocks.pop_back();
    }
    const MemoryStatistics now = pool_.statistics();
    most_held = std::max(most_held, now.live_bytes + now.cached_bytes);
    ASSERT_EQ(upstream_.statistics().live_bytes, now.live_bytes + now.cached_bytes);
  }
  for (const auto& [data, bytes] : blocks) pool_.deallocate(data, bytes);
  const MemoryStatistics end = pool_.statistics();
  EXPECT_GT(end.splits, 100u);
  EXPECT_EQ(end.splits, end.merges);  // all is whole again
  EXPECT_LT(most_held, 2 * end.peak_bytes);
  EXPECT_EQ(pool_.trim(), end.cached_bytes);
  EXPECT_EQ(upstream_.statistics().live_bytes, 0u);
}

TEST_F(CutBlocks, ASteadyLoopSettles) {
  const std::vector<std::size_t> sizes{9 * MiB, 2 * MiB, 30 * MiB, 5 * MiB, 14 * MiB, 3 * MiB + 70};
  const auto step = [&] {
    std::vector<std::pair<void*, std::size_t>> live;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      live.emplace_back(pool_.allocate(sizes[i]), sizes[i]);
      if (i % 2 == 1) {
        pool_.deallocate(live.front().first, live.front().second);
        live.erase(live.begin());
      }
    }
    for (const auto& [block, bytes] : live) pool_.deallocate(block, bytes);
  };
  for (int i = 0; i < 5; ++i) step();
  const std::uint64_t asked = upstream_.statistics().allocations;
  for (int i = 0; i < 50; ++i) step();
  EXPECT_EQ(upstream_.statistics().allocations, asked);
}

}  // namespace
}  // namespace rustorch
