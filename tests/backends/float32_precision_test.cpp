#include "rustorch/backends/float32_precision.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

TEST(Float32PrecisionSetting, TakesPyTorchsNames) {
  EXPECT_EQ(float32_matmul_precision(), Float32Precision::highest);
  EXPECT_EQ(float32_convolution_precision(), Float32Precision::highest);
  for (const auto& [name, expected] :
       {std::pair{"high", "high"}, {"highest", "highest"}, {"medium", "high"}, {"highest", "highest"}}) {
    set_float32_matmul_precision(name);
    EXPECT_EQ(to_string(float32_matmul_precision()), expected);
    EXPECT_EQ(float32_convolution_precision(), Float32Precision::highest) << "is set apart";
    set_float32_convolution_precision(name);
    EXPECT_EQ(to_string(float32_convolution_precision()), expected);
    set_float32_convolution_precision(Float32Precision::highest);
  }
}

TEST(Float32PrecisionSetting, AnotherNameIsAnErrorAndChangesNothing) {
  expect_error(ErrorCode::invalid_argument, "unknown float32 precision \"hihg\"", "high", [] {
    set_float32_matmul_precision("hihg");
    return 0;
  });
  EXPECT_EQ(float32_matmul_precision(), Float32Precision::highest);
}

}  // namespace
}  // namespace rustorch::testing
