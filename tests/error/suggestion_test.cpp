#include "rustorch/error/suggestion.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rustorch {
namespace {

using Names = std::vector<std::string>;

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("relu", "relu"), 0u);
  EXPECT_EQ(edit_distance("relu", "rleu"), 1u);   // transposed
  EXPECT_EQ(edit_distance("relu", "reluu"), 1u);  // inserted
  EXPECT_EQ(edit_distance("ab", "ba"), 1u);
  EXPECT_EQ(edit_distance("abcdef", "badcfe"), 3u);
}

TEST(NearestNames, BestFirstAndNoMoreThanAsked) {
  const Names names{"conv2.weight", "conv1.bias", "conv1.weight", "fc.weight"};
  EXPECT_EQ(nearest_names("conv1.wieght", names).front(), "conv1.weight");
  EXPECT_EQ(nearest_names("conv1.wieght", names, 1), (Names{"conv1.weight"}));
  EXPECT_EQ(nearest_names("conv1.wieght", names, 2), (Names{"conv1.weight", "conv2.weight"}));
  EXPECT_TRUE(nearest_names("conv1.weight", names, 0).empty());
}

TEST(NearestNames, NothingThatIsFar) {
  const Names names{"cpu", "cuda", "opencl", "metal"};
  EXPECT_TRUE(nearest_names("tpu9000", names).empty());
  EXPECT_TRUE(nearest_names("", names).empty());
  EXPECT_TRUE(nearest_names("x", Names{"y", "z"}).empty());
  EXPECT_TRUE(nearest_names("abc", {}).empty());
}

TEST(NearestNames, CaseAndPrefixesCountLittle) {
  EXPECT_EQ(nearest_names("ADAMW", Names{"adam", "adamw", "sgd"}).front(), "adamw");
  EXPECT_EQ(nearest_names("fc.weight", Names{"module.fc.weight", "fb.bias"}), (Names{"module.fc.weight"}));
  EXPECT_EQ(nearest_names("model.fc.weight", Names{"fc.weight", "other"}), (Names{"fc.weight"}));
  EXPECT_TRUE(nearest_names("weight", Names{"fullweight_of_everything"}).empty());
}

TEST(NearestNames, HugeNamesFromFilesCostNothing) {
  const std::string huge(1 << 20, 'a');
  EXPECT_TRUE(nearest_names(huge, Names{huge + "b"}).empty());
  EXPECT_TRUE(nearest_names("weight", Names{huge}).empty());
}

TEST(OneOf, ListsTheChoices) {
  EXPECT_EQ(one_of(Names{"cpu"}), "one of cpu");
  EXPECT_EQ(one_of(Names{"cpu", "cuda", "metal"}), "one of cpu, cuda, metal");
}

TEST(DidYouMean, AsksOrSaysNothing) {
  const Names names{"conv1.weight", "conv1.bias"};
  EXPECT_EQ(did_you_mean("conv1.wieght", names), "did you mean `conv1.weight`?");
  EXPECT_EQ(did_you_mean("elephant", names), "");
}

}  // namespace
}  // namespace rustorch
