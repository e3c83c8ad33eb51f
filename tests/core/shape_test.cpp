#include "rustorch/core/shape.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch {
namespace {

using Dims = std::vector<std::int64_t>;
using testing::expect_error;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

Dims counted(std::size_t size) {
  Dims dims(size);
  for (std::size_t i = 0; i < size; ++i) dims[i] = static_cast<std::int64_t>(i) + 1;
  return dims;
}

TEST(Shape, HoldsItsDims) {
  const Shape none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.to_string(), "[]");
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.size(), 3u);
  EXPECT_EQ(shape.front(), 2);
  EXPECT_EQ(shape.back(), 4);
  EXPECT_EQ(shape[1], 3);
  EXPECT_EQ(shape.to_vector(), (Dims{2, 3, 4}));
  EXPECT_EQ(fmt::format("{}", shape), "[2, 3, 4]");
  EXPECT_EQ(Shape::filled(3, 7), (Shape{7, 7, 7}));
}

TEST(Shape, CopiesAndMovesAnyRank) {
  for (std::size_t size : {0u, 1u, 7u, 8u, 9u, 20u}) {
    const Dims dims = counted(size);
    const Shape shape(dims);
    Shape copy = shape;
    EXPECT_EQ(copy, shape);
    Shape moved = std::move(copy);
    EXPECT_EQ(moved.to_vector(), dims);
    EXPECT_TRUE(copy.empty());  // NOLINT(bugprone-use-after-move): a moved-from shape has no dims
    Shape other{5, 6};
    other = moved;
    EXPECT_EQ(other.to_vector(), dims);
    other = Shape(counted(12));
    other = std::move(moved);
    EXPECT_EQ(other.to_vector(), dims);
    Shape& alias = other;
    other = alias;
    other = std::move(alias);
    EXPECT_EQ(other.to_vector(), dims);
  }
}

TEST(Shape, ChangesLikeAVector) {
  // Around the inline capacity, dims move between the object and the heap.
  std::mt19937 random(3);
  Shape shape;
  Dims dims;
  for (int step = 0; step < 5000; ++step) {
    const auto position = dims.empty() ? 0 : random() % dims.size();
    switch (random() % 5) {
      case 0:
        shape.push_back(step);
        dims.push_back(step);
        break;
      case 1:
        shape.insert(position, step);
        dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(position), step);
        break;
      case 2:
        if (dims.empty()) break;
        shape.erase(position);
        dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(position));
        break;
      case 3:
        if (dims.size() < 12) break;
        shape.resize(6);
        dims.resize(6);
        break;
      default:
        if (dims.size() > 4) break;
        shape.resize(dims.size() + 5, step);
        dims.resize(dims.size() + 5, step);
        break;
    }
    ASSERT_EQ(shape.to_vector(), dims) << step;
  }
  expect_error(ErrorCode::internal, "position 9", [] {
    Shape{1, 2}.insert(9, 1);
    return 0;
  });
}

TEST(Shape, ElementCount) {
  EXPECT_EQ(Shape().element_count(), 1);
  EXPECT_EQ((Shape{2, 3, 4}).element_count(), 24);
  EXPECT_EQ((Shape{2, 0, 4}).element_count(), 0);
  EXPECT_EQ((Shape{largest}).element_count(), largest);
  EXPECT_EQ((Shape{largest, largest, 0}).element_count(), 0);
  EXPECT_EQ((Shape{0, largest, largest}).element_count(), 0);
  expect_error(ErrorCode::invalid_argument, "[9223372036854775807, 2]", [] {
    return Shape{largest, 2}.element_count();
  });
  expect_error(ErrorCode::invalid_argument, "64 bits",
               [] { return Shape::filled(5, 1 << 16).element_count(); });
}

TEST(NormalizeDim, CountsFromBothEnds) {
  EXPECT_EQ(normalize_dim(0, 3, "sum"), 0u);
  EXPECT_EQ(normalize_dim(2, 3, "sum"), 2u);
  EXPECT_EQ(normalize_dim(-1, 3, "sum"), 2u);
  EXPECT_EQ(normalize_dim(-3, 3, "sum"), 0u);
  EXPECT_EQ(normalize_dim(0, 0, "sum"), 0u);
  EXPECT_EQ(normalize_dim(-1, 0, "sum"), 0u);
}

TEST(NormalizeDim, OutOfRangeIsAnErrorThatNamesTheOp) {
  const auto normalize = [](std::int64_t dim, std::size_t rank) {
    return [=] { return normalize_dim(dim, rank, "sum"); };
  };
  expect_error(ErrorCode::index_out_of_range,
               "sum: dim 3 is out of range for a tensor of rank 2 (expected -2 to 1)", normalize(3, 2));
  expect_error(ErrorCode::index_out_of_range, "dim 2 is", normalize(2, 2));
  expect_error(ErrorCode::index_out_of_range, "dim -3 is", normalize(-3, 2));
  expect_error(ErrorCode::index_out_of_range, "rank 0 (expected -1 to 0)", normalize(1, 0));
  expect_error(ErrorCode::index_out_of_range, "-9223372036854775808",
               normalize(std::numeric_limits<std::int64_t>::min(), 2));
}

TEST(BroadcastShapes, FollowsPyTorch) {
  const auto both_ways = [](const Shape& a, const Shape& b) {
    const Shape result = broadcast_shapes(a, b, "add");
    EXPECT_EQ(result, broadcast_shapes(b, a, "add"));
    return result;
  };
  EXPECT_EQ(both_ways({2, 3}, {2, 3}), (Shape{2, 3}));
  EXPECT_EQ(both_ways({2, 3}, {3}), (Shape{2, 3}));
  EXPECT_EQ(both_ways({2, 1}, {1, 3}), (Shape{2, 3}));
  EXPECT_EQ(both_ways({4, 1, 3}, {2, 1}), (Shape{4, 2, 3}));
  EXPECT_EQ(both_ways({}, {2, 3}), (Shape{2, 3}));
  EXPECT_EQ(both_ways({}, {}), Shape());
  EXPECT_EQ(both_ways({0, 3}, {1, 3}), (Shape{0, 3}));
  EXPECT_EQ(both_ways({0}, {1}), (Shape{0}));
  EXPECT_EQ(both_ways(Shape::filled(10, 1), {2, 3}), Shape({1, 1, 1, 1, 1, 1, 1, 1, 2, 3}));
}

TEST(BroadcastShapes, AClashNamesOpShapesAndDim) {
  const auto broadcast = [](const Shape& a, const Shape& b) {
    return [=] { return broadcast_shapes(a, b, "mul"); };
  };
  expect_error(
      ErrorCode::shape_mismatch,
      "mul: shapes [2, 3] and [4, 3] do not broadcast: the first has size 2 and the second 4 at dim 0",
      broadcast({2, 3}, {4, 3}));
  expect_error(ErrorCode::shape_mismatch, "the first has size 5 and the second 3 at dim 2",
               broadcast({5}, {2, 4, 3}));
  expect_error(ErrorCode::shape_mismatch, "size 0 and the second 2", broadcast({0}, {2}));
  expect_error(ErrorCode::shape_mismatch, "[2, 3] and [2]", "reshape the second operand to [2, 1]",
               broadcast({2, 3}, {2}));
}

}  // namespace
}  // namespace rustorch
