#include <gtest/gtest.h>

#include <rustorch/rustorch.h>

namespace rustorch {
namespace {

// What is put in a number's place is not replaced itself: as torch.nan_to_num (2.11) gives.
TEST(NanToNum, ReplacesOnlyWhatWasThere) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float largest = std::numeric_limits<float>::max();
  const Tensor x = tensor({std::nanf(""), infinity, -infinity, 2.0f});
  EXPECT_TRUE(equal(nan_to_num(x, infinity), tensor({infinity, largest, -largest, 2.0f})));
  EXPECT_TRUE(equal(nan_to_num(x, 1, -infinity, infinity), tensor({1.0f, -infinity, infinity, 2.0f})));
}

}  // namespace
}  // namespace rustorch
