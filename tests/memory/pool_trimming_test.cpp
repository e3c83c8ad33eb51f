#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/class_tuning.h"
#include "rustorch/memory/allocators/generation_clock.h"
#include "rustorch/memory/allocators/pool_allocator.h"

namespace rustorch {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

TEST(GenerationClock, KnowsWhatWasReturnedByWhen) {
  const GenerationClock::Time start{1000s};
  GenerationClock clock(start);
  EXPECT_EQ(clock.current(), 0u);
  EXPECT_EQ(clock.last_end(), start);
  EXPECT_EQ(clock.first_after(start + 100s), 0u);  // the current one goes on
  clock.advance(start + 10s);
  clock.advance(start + 20s);
  EXPECT_EQ(clock.current(), 2u);
  EXPECT_EQ(clock.last_end(), start + 20s);
  EXPECT_EQ(clock.first_after(start + 9s), 0u);
  EXPECT_EQ(clock.first_after(start + 10s), 1u);
  EXPECT_EQ(clock.first_after(start + 19s), 1u);
  EXPECT_EQ(clock.first_after(start + 20s), 2u);
  for (int i = 0; i < 10000; ++i) clock.advance(start + 20s);
  EXPECT_EQ(clock.current(), 10002u);
  EXPECT_EQ(clock.first_after(start + 20s), 10002u);
}

TEST(PoolTrimming, ByAgeTakesWhatNobodyUsed) {
  AlignedAllocator upstream;
  PoolAllocator pool(upstream);
  const std::vector<std::size_t> sizes{64, 64, 64, 40 * KiB, 3 * MiB, 7 * MiB};
  const auto take_all = [&] {
    std::vector<void*> blocks;
    for (const std::size_t bytes : sizes) blocks.push_back(pool.allocate(bytes));
    return blocks;
  };
  const std::vector<void*> blocks = take_all();
  for (std::size_t i = 0; i < sizes.size(); ++i) pool.deallocate(blocks[i], sizes[i]);
  EXPECT_EQ(pool.trim_unused(3600), 0u);
  std::this_thread::sleep_for(50ms);
  for (const std::size_t bytes : {64 * std::size_t{1}, 7 * MiB}) pool.deallocate(pool.allocate(bytes), bytes);
  // Those two came back since the last look; the others were there then.
  EXPECT_EQ(pool.trim_unused(0.05), 64 + 64 + 40 * KiB + 3 * MiB);
  EXPECT_EQ(pool.statistics().cached_bytes, 64 + 7 * MiB);
  EXPECT_EQ(pool.trim_unused(0), 64 + 7 * MiB);
  EXPECT_EQ(pool.statistics().cached_bytes, 0u);
  EXPECT_EQ(upstream.statistics().live_bytes, 0u);
}

TEST(PoolTrimming, ByAgeLeavesPartsOfLiveBlocks) {
  AlignedAllocator upstream;
  PoolAllocator pool(upstream);
  pool.deallocate(pool.allocate(8 * MiB), 8 * MiB);
  void* const part = pool.allocate(2 * MiB);
  EXPECT_EQ(pool.trim_unused(0), 0u);
  pool.deallocate(part, 2 * MiB);
  EXPECT_EQ(pool.trim_unused(0), 8 * MiB);
}

/// What the pool is told to be available.
std::uint64_t available = 0;
int looks = 0;

class PoolUnderPressure : public ::testing::Test {
 protected:
  void SetUp() override {
    available = 1000 * MiB;
    looks = 0;
  }
  AlignedAllocator upstream_;
  PoolAllocator pool_{upstream_, "pool", [] {
                        ++looks;
                        return available;
                      }};

  void keep(std::size_t bytes) { pool_.deallocate(pool_.allocate(bytes), bytes); }
};

TEST_F(PoolUnderPressure, GivesBackWhatIsNeeded) {
  for (const std::size_t bytes : {20 * MiB, 40 * MiB, 10 * MiB}) {
    void* const block = pool_.allocate(bytes, MemoryAllocator::default_alignment, MemoryHint::persistent);
    pool_.deallocate(block, bytes);
  }
  EXPECT_EQ(pool_.statistics().cached_bytes, 70 * MiB);
  available = PoolAllocator::reserve_bytes + 70 * MiB;  // 30 MiB less than what is wanted
  keep(100 * MiB);
  EXPECT_EQ(pool_.statistics().cached_bytes, (20 + 10 + 100) * MiB);
  available = 0;
  keep(200 * MiB);
  EXPECT_EQ(pool_.statistics().cached_bytes, 200 * MiB);
}

TEST_F(PoolUnderPressure, LooksOnlyNowAndThen) {
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(pool_.allocate(16 * KiB));
  EXPECT_EQ(looks, 1);
  for (void* block : blocks) pool_.deallocate(block, 16 * KiB);
  for (int i = 0; i < 1000; ++i) keep(16 * KiB);
  EXPECT_EQ(looks, 1);  // kept blocks ask nobody
}

TEST(ClassTuning, MakesWastefulClassesExact) {
  AlignedAllocator upstream;
  PoolAllocator pool(upstream);
  constexpr std::size_t bytes = 65 * KiB;  // of 80 KiB blocks
  std::vector<void*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(pool.allocate(bytes));
  EXPECT_EQ(pool.statistics().exact_classes, 1u);
  EXPECT_EQ(pool.statistics().live_bytes, 4 * 80 * KiB);
  for (int i = 0; i < 4; ++i) blocks.push_back(pool.allocate(bytes));
  EXPECT_EQ(pool.statistics().live_bytes, 4 * (80 + 68) * KiB);
  EXPECT_EQ(pool.statistics().exact_saved_bytes, 4 * 12 * KiB);
  const std::vector<SizeClassStatistics> classes = pool.size_classes();
  ASSERT_EQ(classes.size(), 1u);
  EXPECT_EQ(classes[0].block_bytes, 80 * KiB);
  EXPECT_EQ(classes[0].fresh_blocks, 8u);
  EXPECT_EQ(classes[0].requested_bytes, 8 * bytes);
  EXPECT_TRUE(classes[0].is_exact);
  for (void* block : blocks) pool.deallocate(block, bytes);
  EXPECT_EQ(pool.statistics().live_bytes, 0u);
  EXPECT_EQ(pool.statistics().requested_bytes, 0u);
  for (void*& block : blocks) block = pool.allocate(bytes);
  EXPECT_EQ(pool.statistics().system_allocations, 8u);  // both kinds of blocks serve again
  // A smaller class may use exact blocks too: they come back to where they belong.
  for (void* block : blocks) pool.deallocate(block, bytes);
  EXPECT_EQ(pool.trim(), 4 * (80 + 68) * KiB);
  EXPECT_EQ(upstream.statistics().live_bytes, 0u);
}

TEST(ClassTuning, ExactBlocksServeOtherSizes) {
  AlignedAllocator upstream;
  PoolAllocator pool(upstream);
  std::vector<std::pair<void*, std::size_t>> blocks;
  const auto take = [&](std::size_t bytes) { blocks.emplace_back(pool.allocate(bytes), bytes); };
  const auto return_all = [&] {
    for (const auto& [block, bytes] : blocks) pool.deallocate(block, bytes);
    blocks.clear();
  };
  for (int i = 0; i < 8; ++i) take(65 * KiB);
  for (int i = 0; i < 8; ++i) take(41 * KiB);  // both classes are exact now
  return_all();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 12; ++i) take((41 + static_cast<std::size_t>(i) * 3) * KiB);
    return_all();
  }
  EXPECT_EQ(pool.statistics().live_bytes, 0u);
  const std::uint64_t cached = pool.statistics().cached_bytes;
  EXPECT_EQ(upstream.statistics().live_bytes, cached);
  EXPECT_EQ(pool.trim(), cached);
  EXPECT_EQ(upstream.statistics().live_bytes, 0u);
}

TEST(ClassTuning, LeavesSnugAndSmallClassesAlone) {
  ClassTuning tuning;
  const std::size_t snug = SizeClasses::index_of(79 * KiB), small = SizeClasses::index_of(1025);
  for (int i = 0; i < 100; ++i) {
    tuning.observe(snug, 79 * KiB, 80 * KiB);
    tuning.observe(small, 1025, 1280);
  }
  EXPECT_FALSE(tuning.is_exact(snug));
  EXPECT_FALSE(tuning.is_exact(small));
  EXPECT_EQ(tuning.exact_count(), 0u);
  EXPECT_EQ(tuning.saved_bytes(), 0u);
}

}  // namespace
}  // namespace rustorch
