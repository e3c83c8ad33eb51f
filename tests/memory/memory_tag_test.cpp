#include "rustorch/memory/memory_tag.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "memory/block_checks.h"
#include "memory/cached_pool.h"
#include "rustorch/core/shape.h"
#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/pool_allocator.h"
#include "rustorch/memory/allocators/thread_caching_allocator.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using testing::expect_error;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

class Tags : public testing::CachedPool {
 protected:
  TagStatistics of(const std::string& tag) const {
    for (const TagStatistics& one : allocator_.statistics_by_tag()) {
      if (one.tag == tag) return one;
    }
    return {};
  }
};

TEST_F(Tags, CountBlocksOfEverySize) {
  std::vector<std::pair<void*, std::size_t>> blocks;
  {
    const MemoryTag tag("conv1");
    for (const std::size_t bytes : {100ul, 40 * KiB, 3 * MiB})
      blocks.emplace_back(allocator_.allocate(bytes), bytes);
  }
  void* const other = allocator_.allocate(100);
  const std::size_t all = 100 + 40 * KiB + 3 * MiB;
  EXPECT_EQ(of("conv1").live_bytes, all);
  EXPECT_EQ(of("conv1").allocations, 3u);
  EXPECT_EQ(of("conv1").deallocations, 0u);
  EXPECT_EQ(allocator_.statistics_by_tag().size(), 1u);
  allocator_.deallocate(other, 100);
  EXPECT_EQ(of("conv1").live_bytes, all);
  for (const auto& [block, bytes] : blocks) allocator_.deallocate(block, bytes);
  EXPECT_EQ(of("conv1").live_bytes, 0u);
  EXPECT_EQ(of("conv1").peak_bytes, all);
  EXPECT_EQ(of("conv1").deallocations, 3u);
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
  EXPECT_EQ(allocator_.statistics().requested_bytes, 0u);
}

TEST_F(Tags, TheInnermostScopeCounts) {
  const MemoryTag outer("model");
  void* const a = allocator_.allocate(64);
  void* b = nullptr;
  {
    const MemoryTag inner("head");
    b = allocator_.allocate(640);
  }
  void* const c = allocator_.allocate(64);
  EXPECT_EQ(of("model").live_bytes, 128u);
  EXPECT_EQ(of("head").live_bytes, 640u);
  EXPECT_EQ(allocator_.statistics_by_tag().front().tag, "head");  // the largest first
  for (void* block : {a, c}) allocator_.deallocate(block, 64);
  allocator_.deallocate(b, 640);
}

TEST_F(Tags, AreOfOneThreadAndStayWithTheBlock) {
  const MemoryTag tag("here");
  void* const block = allocator_.allocate(2 * MiB);
  void* const small = allocator_.allocate(200);
  std::thread([&] {
    allocator_.deallocate(allocator_.allocate(2 * MiB), 2 * MiB);  // this thread has no tag
    const MemoryTag there("there");
    allocator_.deallocate(block, 2 * MiB);
    allocator_.deallocate(small, 200);
  }).join();
  EXPECT_EQ(of("here").live_bytes, 0u);
  EXPECT_EQ(of("here").allocations, 2u);
  EXPECT_EQ(of("here").deallocations, 2u);
  EXPECT_EQ(of("there").allocations, 0u);
}

TEST_F(Tags, KeepSmallBlocksInTheThreadsCache) {
  const MemoryTag tag("loop");
  allocator_.deallocate(allocator_.allocate(500), 500);
  const std::uint64_t asked = pool_.statistics().allocations;
  for (int i = 0; i < 100; ++i) allocator_.deallocate(allocator_.allocate(500), 500);
  EXPECT_EQ(pool_.statistics().allocations, asked);
  EXPECT_EQ(of("loop").allocations, 101u);
}

TEST_F(Tags, ExhaustionNamesTheLargestHolders) {
  allocator_.set_limit(40 * MiB);
  const Shape shape{8, 64, 32, 32};  // 2 MiB
  std::vector<void*> activations;
  {
    const MemoryTag tag("conv1");
    const BlockShape named(shape, DType::float32);
    for (int i = 0; i < 3; ++i) activations.push_back(allocator_.allocate(2 * MiB));
  }
  const Shape weights{1024, 1024};  // 4 MiB
  std::optional<BlockShape> named(std::in_place, weights, DType::float32);
  void* const weight = allocator_.allocate(4 * MiB);
  void* const scratch = allocator_.allocate(5 * MiB);  // not the shape's size
  named.reset();
  void* const unknown = allocator_.allocate(5 * MiB);
  expect_error(ErrorCode::out_of_memory,
               "cannot allocate 30.0 MiB (31457280 bytes): 20.0 MiB (20971520 bytes) in 6 blocks are live",
               [&] { return allocator_.allocate(30 * MiB); });
  expect_error(
      ErrorCode::out_of_memory,
      "; the largest holders: 2 blocks for no tag (10.0 MiB), 3 blocks for conv1 float32 [8, 64, 32, 32] "
      "(6.0 MiB), 1 block for no tag float32 [1024, 1024] (4.0 MiB)",
      "raise the limit", [&] { return allocator_.allocate(30 * MiB); });
  for (void* block : activations) allocator_.deallocate(block, 2 * MiB);
  allocator_.deallocate(weight, 4 * MiB);
  allocator_.deallocate(scratch, 5 * MiB);
  allocator_.deallocate(unknown, 5 * MiB);
  expect_error(ErrorCode::out_of_memory, "the limit is 40.0 MiB (41943040 bytes)", [&]() -> void* {
    try {
      return allocator_.allocate(50 * MiB);
    } catch (const Error& error) {
      EXPECT_EQ(error.message().find("holders"), std::string::npos) << error.message();  // nobody holds any
      throw;
    }
  });
}

TEST_F(Tags, ManyKindsOfHoldersAreCutShort) {
  allocator_.set_limit(64 * MiB);
  std::vector<void*> blocks;
  for (std::int64_t i = 1; i <= 9; ++i) {
    const MemoryTag tag("layer" + std::to_string(i));
    blocks.push_back(allocator_.allocate(2 * MiB));
  }
  expect_error(ErrorCode::out_of_memory, "for layer6 (2.0 MiB), and 3 more kinds",
               [&] { return allocator_.allocate(60 * MiB); });
  for (void* block : blocks) allocator_.deallocate(block, 2 * MiB);
}

TEST_F(Tags, ManyThreadsExchangeTaggedBlocks) {
  std::vector<std::thread> threads;
  testing::exchange_blocks_between_threads(allocator_, 1500, 3 * MiB, [&] {
    thread_local std::optional<MemoryTag> tag;  // half of the time
    if (tag) {
      tag.reset();
    } else {
      tag.emplace("worker");
    }
    for (const TagStatistics& one : allocator_.statistics_by_tag()) EXPECT_LT(one.live_bytes, 1000 * MiB);
  });
  EXPECT_GT(of("worker").allocations, 1000u);
  EXPECT_EQ(of("worker").live_bytes, 0u);
  EXPECT_EQ(of("worker").allocations, of("worker").deallocations);
  EXPECT_EQ(allocator_.statistics().live_bytes, 0u);
  EXPECT_EQ(allocator_.statistics().requested_bytes, 0u);
}

TEST_F(Tags, OfTheCpuAllocator) {
  void* block = nullptr;
  {
    const MemoryTag tag("cpu_allocator test");
    block = cpu_allocator().allocate(1000);
  }
  const auto by_tag = cpu_allocator().statistics_by_tag();
  const auto found = std::find_if(by_tag.begin(), by_tag.end(),
                                  [](const TagStatistics& one) { return one.tag == "cpu_allocator test"; });
  ASSERT_NE(found, by_tag.end());
  EXPECT_EQ(found->live_bytes, 1000u);
  EXPECT_FALSE(cpu_allocator().size_classes().empty());
  EXPECT_GT(cpu_allocator().statistics().page_faults, 0u);
  cpu_allocator().deallocate(block, 1000);
}

}  // namespace
}  // namespace rustorch
