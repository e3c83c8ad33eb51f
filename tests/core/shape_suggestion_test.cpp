#include "rustorch/core/shape_suggestion.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace rustorch {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

TEST(SuggestBroadcast, ReshapesOrTransposesWhatWouldFit) {
  EXPECT_EQ(suggest_broadcast({2, 3}, {2}), "reshape the second operand to [2, 1]");
  EXPECT_EQ(suggest_broadcast({8}, {4, 8, 5, 5}), "reshape the first operand to [8, 1, 1]");
  EXPECT_EQ(suggest_broadcast({3, 4}, {4, 3}), "transpose the second operand: [4, 3] -> [3, 4]");
  EXPECT_EQ(suggest_broadcast({4, 3}, {7, 3, 4}), "transpose the second operand: [7, 3, 4] -> [7, 4, 3]");
  EXPECT_EQ(suggest_broadcast({2, 6}, {3, 4}), "reshape the second operand to [2, 6]");
  EXPECT_EQ(suggest_broadcast({2, 3}, {5, 7}), "");
  EXPECT_EQ(suggest_broadcast({largest, largest}, {largest - 1, 5}), "");
}

TEST(SuggestMatmul, FindsTheOperandToChange) {
  EXPECT_EQ(suggest_matmul({4, 3}, {5, 3}), "transpose the second operand: [4, 3] x [3, 5]");
  EXPECT_EQ(suggest_matmul({4, 3}, {4, 5}), "transpose the first operand: [3, 4] x [4, 5]");
  EXPECT_EQ(suggest_matmul({4, 3}, {5, 4}), "swap the operands: [5, 4] x [4, 3]");
  EXPECT_EQ(suggest_matmul({128, 64, 7, 7}, {3136, 10}),
            "flatten(1) the first operand: [128, 3136] x [3136, 10]");
  EXPECT_EQ(suggest_matmul({4, 3}, {7, 9}), "");
  EXPECT_EQ(suggest_matmul({4}, {7}), "");
  EXPECT_EQ(suggest_matmul({}, {7}), "multiply by a number with * instead");
}

TEST(SuggestReshape, FindsTheDimThatWouldFit) {
  EXPECT_EQ(suggest_reshape({2, 3, 4}, {2, 10}), "[2, 12] has the same 24 elements");
  EXPECT_EQ(suggest_reshape({2, 3, 4}, {5, 12}), "[2, 12] has the same 24 elements");
  EXPECT_EQ(suggest_reshape({7}, {2, 3}), "");
  EXPECT_EQ(suggest_reshape({7}, {}), "");
  EXPECT_EQ(suggest_reshape({largest, largest}, {2, 3}), "");
}

TEST(SuggestCat, FindsTheDimThatFits) {
  EXPECT_EQ(suggest_cat({2, 3}, {2, 5}, 0), "they fit along dim 1");
  EXPECT_EQ(suggest_cat({2, 3, 4}, {3, 4}, 0), "unsqueeze(0) the tensor of shape [3, 4]");
  EXPECT_EQ(suggest_cat({2, 3}, {3, 7}, 0), "transpose the tensor of shape [3, 7]: [7, 3]");
  EXPECT_EQ(suggest_cat({2, 3}, {4, 5}, 0), "");
}

TEST(SuggestConvolution, LooksAtTheChannels) {
  EXPECT_EQ(suggest_convolution({8, 28, 28, 3}, {16, 3, 3, 3}, 1),
            "the input's channels are last: permute({0, 3, 1, 2}) it");
  EXPECT_EQ(suggest_convolution({28, 28, 28}, {16, 1, 3, 3}, 1),
            "unsqueeze the input to [1, 1, 28, 28, 28]: it has no channels");
  EXPECT_EQ(suggest_convolution({8, 6, 28, 28}, {16, 3, 3, 3}, 1), "groups = 2 fits these channels");
  EXPECT_EQ(suggest_convolution({8, 4, 28, 28}, {16, 3, 3, 3}, 1),
            "a layer with 4 input channels fits this input");
  EXPECT_EQ(suggest_convolution({28, 28}, {16, 3, 3, 3}, 1), "");
}

}  // namespace
}  // namespace rustorch
