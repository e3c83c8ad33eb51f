#include "rustorch/backends/cpu/parallel.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "rustorch/error/error.h"
#include "support/child_process.h"

namespace rustorch::cpu {
namespace {

/// Sets the number of threads for one test.
class Threads {
 public:
  explicit Threads(int count) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }

 private:
  int before_;
};

TEST(Parallel, EveryIndexOnce) {
  const Threads threads(3);
  for (const std::int64_t count : {0, 1, 2, 3, 7, 1000}) {
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
    parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
    });
    for (const auto& visit : visits) EXPECT_EQ(visit, 1);
  }
}

TEST(Parallel, SmallWorkStaysHere) {
  const Threads threads(4);
  int calls = 0;
  parallel_for(10, 20, 10, [&](std::int64_t begin, std::int64_t end) {
    ++calls;
    EXPECT_FALSE(in_team());
    EXPECT_EQ(begin, 10);
    EXPECT_EQ(end, 20);
  });
  EXPECT_EQ(calls, 1);
}

TEST(Parallel, NestedWorkStaysOnItsThread) {
  const Threads threads(2);
  std::atomic<int> inner = 0;
  parallel_for(0, 2, 1, [&](std::int64_t, std::int64_t) {
    EXPECT_TRUE(in_team());
    parallel_for(0, 100, 1, [&](std::int64_t begin, std::int64_t end) {
      EXPECT_EQ(begin, 0);
      EXPECT_EQ(end, 100);
      ++inner;
    });
  });
  EXPECT_EQ(inner, 2);
}

TEST(Parallel, TeamRunsEveryPartEvenIfFewerThreadsAreGranted) {
  std::vector<std::atomic<int>> visits(9);
  run_team(9, [&](int thread) { ++visits[static_cast<std::size_t>(thread)]; });
  for (const auto& visit : visits) EXPECT_EQ(visit, 1);
}

TEST(Parallel, ExceptionsReachTheCaller) {
  const Threads threads(2);
  for (const std::int64_t thrower : {0, 99}) {
    const auto work = [&](std::int64_t begin, std::int64_t end) {
      if (begin <= thrower && thrower < end) fail(ErrorCode::invalid_argument, "index {}", thrower);
    };
    try {
      parallel_for(0, 100, 1, work);
      FAIL() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    }
  }
  EXPECT_FALSE(in_team());
}

TEST(Parallel, AChildOfForkWorksAlone) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "what threads held that the child does not have looks like a leak";
#endif
  const Threads threads(3);
  const auto sum = [] {
    std::atomic<std::int64_t> total{0};
    parallel_for(0, 1000, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) total += i;
    });
    return std::to_string(total.load()) + " by " + std::to_string(team_size());
  };
  EXPECT_EQ(sum(), "499500 by 3");
  EXPECT_EQ(testing::in_child({}, sum), "499500 by 1");
  EXPECT_EQ(sum(), "499500 by 3");
}

TEST(Parallel, TheHostsSettingsStay) {
  const int before = omp_get_max_threads();
  const Threads threads(before + 3);
  parallel_for(0, 100, 1, [](std::int64_t, std::int64_t) {});
  EXPECT_EQ(omp_get_max_threads(), before);
}

}  // namespace
}  // namespace rustorch::cpu
