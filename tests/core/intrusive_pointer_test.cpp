#include "rustorch/core/intrusive_pointer.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

namespace rustorch {
namespace {

struct Counted : ReferenceCounted<Counted> {
  explicit Counted(int& alive_) : alive(alive_) { ++alive; }
  ~Counted() { --alive; }
  int& alive;
};
using Pointer = IntrusivePointer<Counted>;

TEST(IntrusivePointer, DeletesWithTheLastOwner) {
  int alive = 0;
  {
    Pointer a = Pointer::make(alive);
    EXPECT_EQ(a->use_count(), 1u);
    Pointer b = a;
    EXPECT_EQ(a, b);
    EXPECT_EQ(b->use_count(), 2u);
    const Pointer c = std::move(a);
    EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): moved-from pointers are empty
    EXPECT_EQ(c->use_count(), 2u);
    b = Pointer();
    EXPECT_EQ(c->use_count(), 1u);
    const Pointer& same = c;
    b = same;
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(IntrusivePointer, CountsAcrossThreads) {
  int alive = 0;
  Pointer shared = Pointer::make(alive);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([shared] {
      for (int round = 0; round < 10000; ++round) {
        const Pointer copy = shared;
        ASSERT_TRUE(copy);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shared->use_count(), 1u);
  shared = Pointer();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace rustorch
