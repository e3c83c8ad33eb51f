#pragma once

#include <gtest/gtest.h>

#include "support/op_case.h"

namespace rustorch::testing {

class OpCaseTest : public ::testing::TestWithParam<OpCase> {};
class OpValues : public OpCaseTest {};           // every case
class OpForms : public OpCaseTest {};            // those with an in-place form or other ways to write them
class OpLargeTensors : public OpCaseTest {};     // those that apply to each element alone
class OpGradients : public OpCaseTest {};        // those with a gradient
class OpSecondGradients : public OpCaseTest {};  // those with a second one

template <class Predicate>
OpCases select_cases(const OpCases& cases, Predicate predicate) {
  OpCases chosen;
  for (const OpCase& one : cases) {
    if (predicate(one)) chosen.push_back(one);
  }
  return chosen;
}

/// "sum_dim_1_keepdim": what GoogleTest takes as a name.
std::string test_name(const ::testing::TestParamInfo<OpCase>& info);

inline void PrintTo(const OpCase& one, std::ostream* out) { *out << one.name; }

/// The cases of a family, marked with its name.
OpCases in_family(const char* family, OpCases cases);

/// The file and the code must have the same cases.
void expect_data_for(const std::string& family, const OpCases& cases);

}  // namespace rustorch::testing

/// The tests of a family of cases, from the function that lists them.
#define RUSTORCH_TEST_OP_CASES(family, list)                                                             \
  OpCases family##_cases() { return in_family(#family, list()); }                                        \
  [[maybe_unused]] const bool family##_is_entered = OpCaseFamilies::instance().add(&family##_cases);     \
  TEST(OpCaseData, family) { expect_data_for(#family, family##_cases()); }                               \
  INSTANTIATE_TEST_SUITE_P(family, OpValues, ::testing::ValuesIn(family##_cases()), test_name);          \
  INSTANTIATE_TEST_SUITE_P(                                                                              \
      family, OpForms,                                                                                   \
      ::testing::ValuesIn(select_cases(                                                                  \
          family##_cases(), [](const OpCase& one) { return one.change || !one.others.empty(); })),       \
      test_name);                                                                                        \
  INSTANTIATE_TEST_SUITE_P(family, OpLargeTensors,                                                       \
                           ::testing::ValuesIn(select_cases(                                             \
                               family##_cases(), [](const OpCase& one) { return one.elementwise; })),    \
                           test_name);                                                                   \
  INSTANTIATE_TEST_SUITE_P(family, OpGradients,                                                          \
                           ::testing::ValuesIn(select_cases(                                             \
                               family##_cases(), [](const OpCase& one) { return one.differentiable; })), \
                           test_name);                                                                   \
  INSTANTIATE_TEST_SUITE_P(                                                                              \
      family, OpSecondGradients,                                                                         \
      ::testing::ValuesIn(select_cases(family##_cases(), [](const OpCase& one) { return one.twice; })),  \
      test_name)
