#include "rustorch/memory/allocators/tracking_allocator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include "memory/block_checks.h"
#include "memory/small_machine.h"
#include "rustorch/memory/allocators/aligned_allocator.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::expect_error;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallMachine;

constexpr std::size_t MiB = std::size_t{1} << 20;

class Tracking : public ::testing::Test {
 protected:
  AlignedAllocator upstream_;
  TrackingAllocator tracking_{upstream_, 1 * MiB};

  std::byte* take(std::size_t bytes) { return static_cast<std::byte*>(tracking_.allocate(bytes)); }
};

// Exported functions have names in call stacks.
extern "C" [[gnu::noinline]] void* taken_by_this_function(MemoryAllocator& allocator) {
  void* volatile block = allocator.allocate(100);  // no tail call, which would leave no frame
  return block;
}

TEST_F(Tracking, RightUseIsNoMistake) {
  for (const std::size_t bytes : {1ul, 64ul, 1000ul, 3 * MiB}) {
    for (const std::size_t alignment : {1ul, 64ul, 4096ul}) {
      void* const block = tracking_.allocate(bytes, alignment);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0u);
      std::memset(block, 1, bytes);
      tracking_.deallocate(block, bytes, alignment);
    }
  }
  EXPECT_EQ(tracking_.allocate(0), nullptr);
  tracking_.deallocate(nullptr, 0);
  tracking_.check();
  tracking_.trim();
  EXPECT_THAT(tracking_.mistakes(), IsEmpty());
  EXPECT_THAT(tracking_.live_blocks(), IsEmpty());
  EXPECT_EQ(tracking_.statistics().live_bytes, 0u);
  EXPECT_EQ(tracking_.statistics().allocations, 12u);
  EXPECT_EQ(upstream_.statistics().live_bytes, 0u);
}

TEST_F(Tracking, FillsBlocksSoThatStaleReadsShow) {
  std::byte* const block = take(100);
  EXPECT_EQ(block[50], TrackingAllocator::fresh_fill);
  tracking_.deallocate(block, 100);
  EXPECT_EQ(block[50], TrackingAllocator::returned_fill);  // in quarantine
}

TEST_F(Tracking, ABlockReturnedTwice) {
  void* const block = taken_by_this_function(tracking_);
  tracking_.deallocate(block, 100);
  tracking_.deallocate(block, 100);
  EXPECT_THAT(tracking_.mistakes(),
              ElementsAre(AllOf(HasSubstr("returned twice: 100 bytes at"), HasSubstr("returned first in "),
                                HasSubstr("again in"))));
  EXPECT_EQ(tracking_.statistics().deallocations, 1u);
}

TEST_F(Tracking, NamesThePlaceOfAllocation) {
#if !__has_include(<execinfo.h>)
  GTEST_SKIP() << "no call stacks here";
#endif
  void* const block = taken_by_this_function(tracking_);
  const std::vector<std::string> live = tracking_.live_blocks();
  ASSERT_EQ(live.size(), 1u);
  EXPECT_THAT(live[0], HasSubstr("100 bytes at"));
  EXPECT_THAT(live[0], HasSubstr(" < "));
  EXPECT_THAT(CallStack().to_string(), "an unknown place");
  tracking_.deallocate(block, 100);
}

TEST_F(Tracking, WritingAfterTheReturnIsFoundOnce) {
  std::byte* const block = take(100);
  tracking_.deallocate(block, 100);
  EXPECT_THAT(tracking_.mistakes(), IsEmpty());
  block[99] = std::byte{1};
  tracking_.check();
  tracking_.check();
  tracking_.trim();
  EXPECT_THAT(tracking_.mistakes(),
              ElementsAre(AllOf(HasSubstr("written after it was returned: 100 bytes at"),
                                HasSubstr("taken in"), HasSubstr(", returned in"))));
}

TEST_F(Tracking, WritingAfterTheReturnIsFoundWhenQuarantineEnds) {
  std::byte* const block = take(1000);
  tracking_.deallocate(block, 1000);
  block[0] = std::byte{1};
  for (int i = 0; i < 3; ++i) tracking_.deallocate(take(MiB / 2), MiB / 2);
  EXPECT_THAT(tracking_.mistakes(), ElementsAre(HasSubstr("written after it was returned: 1000 bytes")));
  EXPECT_LE(tracking_.statistics().cached_bytes, 1 * MiB);
}

TEST_F(Tracking, WritingOutsideIsFoundAtTheReturn) {
  std::byte* const before = take(100);
  before[-1] = std::byte{1};
  tracking_.deallocate(before, 100);
  std::byte* const beyond = take(101);
  beyond[101] = std::byte{1};
  tracking_.check();  // while it is live
  EXPECT_THAT(tracking_.mistakes(), ElementsAre(HasSubstr("written before its start: 100 bytes"),
                                                HasSubstr("written beyond its end: 101 bytes")));
  tracking_.deallocate(beyond, 101);
}

TEST_F(Tracking, WhatIsNoBlockOrHasAnotherSize) {
  int no_block = 0;
  tracking_.deallocate(&no_block, 4);
  std::byte* const block = take(100);
  tracking_.deallocate(block, 96);
  tracking_.trim();
  EXPECT_THAT(tracking_.mistakes(),
              ElementsAre(HasSubstr("no block of this allocator"), HasSubstr("returned as 96 bytes")));
  EXPECT_EQ(upstream_.statistics().live_bytes, 0u);
}

TEST_F(Tracking, KeepsABoundedListOfMistakes) {
  int no_block = 0;
  for (int i = 0; i < 1000; ++i) tracking_.deallocate(&no_block, 4);
  EXPECT_EQ(tracking_.mistakes().size(), 100u);
}

TEST_F(Tracking, LimitAndBadRequestsAreErrors) {
  void* const block = take(MiB);
  expect_error(ErrorCode::invalid_argument, "tracking memory: a limit of 10 B", [&] {
    tracking_.set_limit(10);
    return 0;
  });
  tracking_.set_limit(2 * MiB);
  EXPECT_EQ(tracking_.limit(), 2 * MiB);
  expect_error(ErrorCode::out_of_memory, "tracking memory: cannot allocate 1.5 MiB",
               [&] { return tracking_.allocate(MiB + MiB / 2); });
  expect_error(ErrorCode::invalid_argument, "alignment 12 is not",
               [&] { return tracking_.allocate(10, 12); });
  expect_error(ErrorCode::out_of_memory, "cannot allocate", [&] { return tracking_.allocate(SIZE_MAX); });
  tracking_.deallocate(block, MiB);
  EXPECT_EQ(tracking_.statistics().live_bytes, 0u);
}

TEST_F(Tracking, QuarantineGivesWayWhereMemoryIsShort) {
  SmallMachine machine(8 * MiB);
  TrackingAllocator tracking(machine, 100 * MiB);
  tracking.deallocate(tracking.allocate(5 * MiB), 5 * MiB);
  EXPECT_EQ(tracking.statistics().cached_bytes, 5 * MiB);
  tracking.deallocate(tracking.allocate(6 * MiB), 6 * MiB);
  expect_error(ErrorCode::out_of_memory, "cannot allocate", [&] { return tracking.allocate(9 * MiB); });
  EXPECT_EQ(tracking.statistics().live_bytes, 0u);
}

TEST_F(Tracking, ManyThreadsExchangeBlocks) {
  testing::exchange_blocks_between_threads(tracking_, 500, 100000, [&] { tracking_.check(); });
  tracking_.trim();
  EXPECT_THAT(tracking_.mistakes(), IsEmpty());
  EXPECT_THAT(tracking_.live_blocks(), IsEmpty());
  EXPECT_EQ(upstream_.statistics().live_bytes, 0u);
}

}  // namespace
}  // namespace rustorch
