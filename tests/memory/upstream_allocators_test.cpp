#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/system_allocator.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using testing::expect_error;

constexpr std::size_t MiB = std::size_t{1} << 20;

template <class Allocator>
class Upstream : public ::testing::Test {
 protected:
  Allocator allocator_;
};
using Allocators = ::testing::Types<SystemAllocator, AlignedAllocator>;
TYPED_TEST_SUITE(Upstream, Allocators);

constexpr auto temporary = MemoryHint::temporary;

TYPED_TEST(Upstream, BlocksAreAlignedAndWritable) {
  MemoryAllocator& allocator = this->allocator_;
  for (const std::size_t bytes : {1ul, 100ul, 4096ul, 70000ul, MiB, MiB + 5, 3 * MiB}) {
    for (const std::size_t alignment : {1ul, 64ul, 4096ul, 65536ul, 4 * MiB}) {
      void* const block = allocator.allocate(bytes, alignment, temporary);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0u) << bytes << " at " << alignment;
      std::memset(block, 0x5a, bytes);
      EXPECT_GE(allocator.statistics().live_bytes, bytes);
      allocator.deallocate(block, bytes, alignment);
    }
  }
  const MemoryStatistics end = allocator.statistics();
  EXPECT_EQ(end.live_bytes, 0u);
  EXPECT_EQ(end.requested_bytes, 0u);
  EXPECT_EQ(end.allocations, 35u);
  EXPECT_EQ(end.deallocations, 35u);
  EXPECT_EQ(end.system_allocations, 35u);
  EXPECT_GE(end.peak_bytes, 3 * MiB);
  allocator.reset_peak();
  EXPECT_EQ(allocator.statistics().peak_bytes, 0u);
}

TYPED_TEST(Upstream, ZeroBytesAreNull) {
  MemoryAllocator& allocator = this->allocator_;
  EXPECT_EQ(allocator.allocate(0), nullptr);
  allocator.deallocate(nullptr, 0);
  EXPECT_EQ(allocator.trim(), 0u);
}

TYPED_TEST(Upstream, LimitAndBadRequestsAreErrors) {
  MemoryAllocator& allocator = this->allocator_;
  const std::string name(allocator.name());
  void* const block = allocator.allocate(MiB);
  expect_error(ErrorCode::invalid_argument, name + " memory: a limit of 10 B", [&] {
    allocator.set_limit(10);
    return 0;
  });
  allocator.set_limit(2 * MiB);
  EXPECT_EQ(allocator.limit(), 2 * MiB);
  expect_error(ErrorCode::out_of_memory, name + " memory: cannot allocate 1.5 MiB", "raise the limit",
               [&] { return allocator.allocate(MiB + MiB / 2); });
  allocator.set_limit(MemoryAllocator::no_limit);
  expect_error(ErrorCode::invalid_argument, "alignment 12 is not",
               [&] { return allocator.allocate(10, 12); });
  expect_error(ErrorCode::out_of_memory, "cannot allocate", [&] { return allocator.allocate(SIZE_MAX); });
  expect_error(ErrorCode::out_of_memory, "cannot allocate 1.0 PiB",
               [&] { return allocator.allocate(std::size_t{1} << 50); });
  allocator.deallocate(block, MiB);
  EXPECT_EQ(allocator.statistics().live_bytes, 0u);
}

TEST(SystemAllocator, LargeBlocksStartAtHugePages) {
  SystemAllocator system;
  for (const std::size_t bytes : {2 * MiB, 5 * MiB}) {
    void* const block = system.allocate(bytes, 64, temporary);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % SystemAllocator::huge_page_bytes, 0u);
    system.deallocate(block, bytes, 64);
  }
  void* const asked = system.allocate(4096, 64, MemoryHint::huge_pages);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(asked) % SystemAllocator::huge_page_bytes, 0u);
  system.deallocate(asked, 4096, 64);
}

TEST(SystemAllocator, FreshMemoryIsZero) {
  SystemAllocator system;
  const auto* const block = static_cast<const unsigned char*>(system.allocate(MiB, 64, temporary));
  EXPECT_EQ(block[0] | block[MiB / 2] | block[MiB - 1], 0);
  system.deallocate(const_cast<unsigned char*>(block), MiB, 64);
}

}  // namespace
}  // namespace rustorch
