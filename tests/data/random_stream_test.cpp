#include "rustorch/data/random_stream.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <thread>

namespace rustorch::data {
namespace {

TEST(RandomStream, GivesTheSameNumbersForTheSameSeed) {
  RandomStream a(7), b(7), c(8);
  const std::uint64_t first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
  // Written down: shuffles must not change from version to version or between platforms.
  RandomStream zero(0);
  EXPECT_EQ(zero.next(), 0xe220a8397b1dcdafu);
  EXPECT_EQ(zero.next(), 0x6e789e6aa1b965f4u);
}

TEST(RandomStream, KeysMakeStreamsOfTheirOwn) {
  std::set<std::uint64_t> first;
  for (std::uint64_t a = 0; a < 20; ++a) {
    for (std::uint64_t b = 0; b < 20; ++b) first.insert(RandomStream{a, b}.next());
  }
  EXPECT_EQ(first.size(), 400u);
  EXPECT_EQ((RandomStream{1, 2}.next()), (RandomStream{1, 2}.next()));
}

TEST(RandomStream, NumbersStayInRangeAndAreEven) {
  RandomStream random(1);
  std::array<int, 6> counts{};
  for (int i = 0; i < 6000; ++i) {
    const double u = random.uniform();
    ASSERT_TRUE(u >= 0.0 && u < 1.0);
    const std::int64_t k = random.below(6);
    ASSERT_TRUE(k >= 0 && k < 6);
    ++counts[static_cast<std::size_t>(k)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random.below(1), 0);
  EXPECT_LT(random.below(std::int64_t{1} << 62), std::int64_t{1} << 62);
}

TEST(RandomStream, ScopesNestAndBelongToTheirThread) {
  RandomStream outer(1), inner(2);
  {
    const RandomScope scope(outer);
    EXPECT_EQ(&current_random(), &outer);
    {
      const RandomScope nested(inner);
      EXPECT_EQ(&current_random(), &inner);
      std::thread([&] { EXPECT_NE(&current_random(), &inner); }).join();
    }
    EXPECT_EQ(&current_random(), &outer);
  }
  EXPECT_NE(&current_random(), &outer);
}

}  // namespace
}  // namespace rustorch::data
