#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "rustorch/memory/allocators/allocation_counter.h"
#include "rustorch/memory/allocators/size_classes.h"
#include "rustorch/memory/format_bytes.h"

namespace rustorch {
namespace {

TEST(SizeClasses, EverySizeGetsTheSmallestClassThatHoldsIt) {
  std::size_t expected = 0;
  for (std::size_t bytes = 1; bytes <= SizeClasses::largest_bytes; ++bytes) {
    if (bytes > SizeClasses::bytes_of(expected)) ++expected;
    ASSERT_EQ(SizeClasses::index_of(bytes), expected) << bytes;
  }
  EXPECT_EQ(expected + 1, SizeClasses::count);
}

TEST(SizeClasses, WasteLittleAndStayAligned) {
  for (std::size_t i = 0; i < SizeClasses::count; ++i) {
    EXPECT_EQ(SizeClasses::bytes_of(i) % SizeClasses::granule, 0u);
    if (SizeClasses::bytes_of(i) > SizeClasses::linear_bytes) {
      EXPECT_LE(SizeClasses::bytes_of(i) * 4, SizeClasses::bytes_of(i - 1) * 5);
    }
  }
}

TEST(RoundUp, ToPowersOfTwo) {
  EXPECT_EQ(round_up(0, 64), 0u);
  EXPECT_EQ(round_up(1, 64), 64u);
  EXPECT_EQ(round_up(64, 64), 64u);
  EXPECT_EQ(round_up(65, 64), 128u);
}

TEST(FormatBytes, ForPeople) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(3435973837), "3.2 GiB");
  EXPECT_EQ(format_bytes(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

}  // namespace
}  // namespace rustorch
