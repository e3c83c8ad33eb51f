#include "rustorch/core/inline_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace rustorch {
namespace {

struct Counted {
  explicit Counted(int& alive_) : alive(alive_) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  int& alive;
};

TEST(InlineList, ConstructsOnlyWhatIsAdded) {
  int alive = 0;
  {
    InlineList<Counted, 100> list;
    EXPECT_EQ(alive, 0);
    EXPECT_TRUE(list.empty());
    list.emplace_back(alive);
    list.emplace_back(alive);
    EXPECT_EQ(alive, 2);
    EXPECT_EQ(list.size(), 2U);
  }
  EXPECT_EQ(alive, 0);
}

TEST(InlineList, HoldsMoveOnlyElementsInOrder) {
  InlineList<std::unique_ptr<std::string>, 3> list;
  for (const char* text : {"a", "b", "c"}) {
    std::unique_ptr<std::string>& added = list.emplace_back(std::make_unique<std::string>(text));
    EXPECT_EQ(added.get(), list[list.size() - 1].get());
  }
  std::string all;
  for (const auto& text : list) all += *text;
  EXPECT_EQ(all, "abc");
  const auto& constant = list;
  EXPECT_EQ(*constant[1], "b");
  EXPECT_EQ(constant.end() - constant.begin(), 3);
  EXPECT_EQ(constant.data(), &constant[0]);
}

TEST(InlineList, KeepsTheAlignmentOfItsElements) {
  struct alignas(64) Wide {
    char bytes[64];
  };
  InlineList<Wide, 2> list;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&list.emplace_back()) % 64, 0U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&list.emplace_back()) % 64, 0U);
}

}  // namespace
}  // namespace rustorch
