#include "rustorch/core/layout.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <random>

#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch {
namespace {

constexpr std::array<std::size_t, 4> nhwc{0, 2, 3, 1};

TEST(Layout, ContiguousIsRowMajor) {
  const Layout layout = Layout::contiguous({2, 3, 4});
  EXPECT_EQ(layout.strides, (Strides{12, 4, 1}));
  EXPECT_EQ(layout.offset, 0);
  EXPECT_EQ(layout.element_count(), 24);
  EXPECT_EQ(Layout::contiguous({}).strides, Strides());
  EXPECT_EQ(Layout::contiguous({2, 0, 3}).strides, (Strides{3, 3, 1}));
  EXPECT_EQ(Layout::contiguous(Shape::filled(10, 2)).strides.front(), 512);
}

TEST(Layout, ChannelsLast) {
  EXPECT_EQ(Layout::channels_last({2, 3, 4, 5}).strides, (Strides{60, 1, 15, 3}));
  EXPECT_EQ(Layout::channels_last({2, 3, 4}).strides, (Strides{12, 1, 3}));
  EXPECT_EQ(Layout::channels_last({2, 3, 4, 5, 6}).strides, (Strides{360, 1, 90, 18, 3}));
  EXPECT_EQ(Layout::channels_last({2, 3}).strides, (Strides{3, 1}));
  EXPECT_EQ(Layout::channels_last({2, 3, 4, 5}), Layout::dense({2, 3, 4, 5}, nhwc));
}

TEST(Layout, DenseRefusesWhatIsNoPermutation) {
  constexpr std::array<std::size_t, 2> twice{0, 0};
  constexpr std::array<std::size_t, 2> beyond{0, 2};
  testing::expect_error(ErrorCode::internal, "permutation", [&] { return Layout::dense({2, 3}, twice); });
  testing::expect_error(ErrorCode::internal, "permutation", [&] { return Layout::dense({2, 3}, beyond); });
  testing::expect_error(ErrorCode::internal, "2 dims for shape [2]",
                        [&] { return Layout::dense({2}, twice); });
}

TEST(Layout, Contiguity) {
  EXPECT_TRUE(Layout().is_contiguous());
  EXPECT_TRUE(Layout({2, 3}, {3, 1}).is_contiguous());
  EXPECT_FALSE(Layout({2, 3}, {1, 2}).is_contiguous());
  EXPECT_FALSE(Layout({2, 3}, {4, 1}).is_contiguous());
  EXPECT_FALSE(Layout({2, 3}, {0, 1}).is_contiguous());
  EXPECT_TRUE(Layout({2, 3}, {3, 1}, 17).is_contiguous());
  EXPECT_TRUE(Layout({1, 3, 1}, {99, 1, 77}).is_contiguous());  // size-1 dims do not count
  EXPECT_TRUE(Layout({2, 0, 3}, {5, 6, 7}).is_contiguous());    // nor do empty tensors
  EXPECT_TRUE(Layout({1, 1}, {0, 0}).is_contiguous());
}

TEST(Layout, ChannelsLastClassification) {
  EXPECT_TRUE(Layout::channels_last({2, 3, 4, 5}).is_channels_last());
  EXPECT_TRUE(Layout::channels_last({2, 3, 4}).is_channels_last());
  EXPECT_TRUE(Layout::channels_last({2, 3, 4, 5, 6}).is_channels_last());
  EXPECT_FALSE(Layout::contiguous({2, 3, 4, 5}).is_channels_last());
  EXPECT_FALSE(Layout::contiguous({2, 3}).is_channels_last());
  // One channel, or one pixel: the same bytes are both.
  EXPECT_TRUE(Layout::contiguous({2, 1, 4, 5}).is_channels_last());
  EXPECT_TRUE(Layout::contiguous({2, 3, 1, 1}).is_channels_last());
  EXPECT_FALSE(Layout::contiguous({2, 1, 1, 1}).is_channels_last());
}

TEST(Layout, DenseLikeKeepsTheOrderOfStrides) {
  const auto strides = [](const Shape& shape, const Layout& like) {
    return Layout::dense_like(shape, like).strides;
  };
  EXPECT_EQ(strides({4, 6, 5, 7}, Layout::channels_last({2, 3, 4, 5})),
            Layout::channels_last({4, 6, 5, 7}).strides);
  EXPECT_EQ(strides({2, 3}, Layout({2, 3}, {1, 2})), (Strides{1, 2}));
  EXPECT_EQ(strides({2, 3}, Layout({2, 3}, {1, 100})), (Strides{1, 2}));
  EXPECT_EQ(strides({2, 3}, Layout({2, 3}, {0, 0})), (Strides{3, 1}));
  EXPECT_EQ(strides({2, 3}, Layout({2, 3}, {0, 1})), (Strides{3, 1}));
  EXPECT_EQ(strides({4, 5, 6}, Layout({4, 1, 6}, {1, 1, 4})), (Strides{1, 4, 20}));  // size 1 tells nothing
  EXPECT_EQ(Layout::dense_like({2, 3}, Layout({2, 3}, {1, 2}, 9)).offset, 0);
  EXPECT_EQ(strides({2, 1, 4, 5}, Layout::channels_last({2, 1, 4, 5})), (Strides{20, 20, 5, 1}));
  // A slice of a channels-last tensor is not dense but has its order.
  EXPECT_EQ(strides({2, 3, 4, 5}, Layout({2, 3, 4, 5}, {480, 1, 60, 6})),
            Layout::channels_last({2, 3, 4, 5}).strides);
  testing::expect_error(ErrorCode::internal, "[2] like shape [2, 3]", [] {
    return Layout::dense_like({2}, Layout::contiguous({2, 3}));
  });
}

TEST(Layout, End) {
  EXPECT_EQ(Layout().end(), 1);
  EXPECT_EQ(Layout::contiguous({2, 3}).end(), 6);
  EXPECT_EQ(Layout({2, 3}, {10, 2}, 5).end(), 5 + 10 + 4 + 1);
  EXPECT_EQ(Layout({2, 3}, {0, 0}, 5).end(), 6);
  EXPECT_EQ(Layout({2, 0}, {10, 2}, 5).end(), 5);
}

TEST(Layout, OverlapOfKnownCases) {
  EXPECT_FALSE(Layout::channels_last({2, 3, 4, 5}).may_overlap_itself());
  EXPECT_TRUE(Layout({2, 3}, {0, 1}).may_overlap_itself());
  EXPECT_TRUE(Layout({5, 3}, {1, 1}).may_overlap_itself());  // sliding windows
  EXPECT_FALSE(Layout({5, 3}, {3, 1}).may_overlap_itself());
  EXPECT_FALSE(Layout({1, 3}, {0, 1}).may_overlap_itself());
  EXPECT_FALSE(Layout({0, 3}, {0, 0}).may_overlap_itself());
}

// Counts how often each element is reached.
std::map<std::int64_t, int> reached_elements(const Layout& layout) {
  std::map<std::int64_t, int> reached;
  Shape index = Shape::filled(layout.rank(), 0);
  const std::int64_t count = layout.element_count();
  for (std::int64_t n = 0; n < count; ++n) {
    std::int64_t element = layout.offset;
    for (std::size_t dim = 0; dim < index.size(); ++dim) element += index[dim] * layout.strides[dim];
    ++reached[element];
    for (std::size_t dim = index.size(); dim-- > 0;) {
      if (++index[dim] < layout.shape[dim]) break;
      index[dim] = 0;
    }
  }
  return reached;
}

TEST(Layout, ClassificationAgreesWithEnumeration) {
  std::mt19937 random(7);
  const auto below = [&random](unsigned n) { return static_cast<std::int64_t>(random() % n); };
  int dense = 0;
  int overlapping = 0;
  for (int round = 0; round < 20000; ++round) {
    const auto rank = static_cast<std::size_t>(below(5));
    Layout layout(Shape::filled(rank, 0), Strides::filled(rank, 0), below(3));
    for (std::size_t dim = 0; dim < rank; ++dim) {
      layout.shape[dim] = below(10) == 0 ? 0 : 1 + below(3);
      layout.strides[dim] = below(7);
    }
    const auto reached = reached_elements(layout);
    bool overlaps = false;
    for (const auto& [element, times] : reached) overlaps |= times > 1;
    const bool one_range = reached.empty() || reached.rbegin()->first - reached.begin()->first + 1 ==
                                                  static_cast<std::int64_t>(reached.size());
    ASSERT_EQ(layout.is_dense(), one_range && !overlaps)
        << layout.shape.to_string() << layout.strides.to_string();
    if (overlaps) {
      ASSERT_TRUE(layout.may_overlap_itself()) << layout.shape.to_string() << layout.strides.to_string();
    }
    if (layout.is_dense()) {
      ASSERT_FALSE(layout.may_overlap_itself()) << layout.shape.to_string() << layout.strides.to_string();
    }
    ASSERT_EQ(layout.end(), reached.empty() ? layout.offset : reached.rbegin()->first + 1);
    dense += layout.is_dense() ? 1 : 0;
    overlapping += overlaps ? 1 : 0;
  }
  EXPECT_GT(dense, 500);
  EXPECT_GT(overlapping, 500);
}

TEST(Layout, MoreDimsThanAreKeptInside) {
  const Shape shape = Shape::filled(11, 2);
  const Layout layout = Layout::contiguous(shape);
  EXPECT_TRUE(layout.is_contiguous());
  EXPECT_TRUE(layout.is_dense());
  EXPECT_EQ(layout.end(), 2048);
  Layout reversed = layout;
  std::reverse(reversed.strides.begin(), reversed.strides.end());
  EXPECT_FALSE(reversed.is_contiguous());
  EXPECT_TRUE(reversed.is_dense());
  EXPECT_FALSE(reversed.may_overlap_itself());
  EXPECT_EQ(Layout::dense_like(shape, reversed), reversed);
}

}  // namespace
}  // namespace rustorch
