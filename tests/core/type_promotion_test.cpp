#include "rustorch/core/type_promotion.h"

#include <gtest/gtest.h>

#include <complex>
#include <sstream>
#include <string>

#include "core/read_table.h"
#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch {
namespace {

// Sets the default dtype for one scope.
class DefaultDTypeScope {
 public:
  explicit DefaultDTypeScope(DType dtype) : outer_(default_dtype()) { set_default_dtype(dtype); }
  ~DefaultDTypeScope() { set_default_dtype(outer_); }
  DefaultDTypeScope(const DefaultDTypeScope&) = delete;
  DefaultDTypeScope& operator=(const DefaultDTypeScope&) = delete;

 private:
  DType outer_;
};

TEST(PromoteTypes, WholeTableEqualsPyTorch) {
  const auto rows = testing::read_table("promotion_types.csv");
  EXPECT_EQ(rows.size(), std::size_t{dtype_count * dtype_count});
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 4u);
    const DType a = dtype_from_string(row[0]);
    const DType b = dtype_from_string(row[1]);
    EXPECT_EQ(to_string(promote_types(a, b)), row[2]) << row[0] << " with " << row[1];
    EXPECT_EQ(can_cast(a, b), row[3] == "1") << row[0] << " to " << row[1];
  }
}

void add_operand(ResultType& result, const std::string& operand) {
  const std::size_t colon = operand.find(':');
  const std::string kind = operand.substr(0, colon);
  const std::string name = operand.substr(colon + 1);
  if (kind == "dims") {
    result.add(dtype_from_string(name), PromotionClass::dimensioned);
  } else if (kind == "zero_dim") {
    result.add(dtype_from_string(name), PromotionClass::zero_dim);
  } else if (name == "bool") {
    result.add(Scalar(true));
  } else if (name == "int") {
    result.add(Scalar(3));
  } else if (name == "float") {
    result.add(Scalar(2.5));
  } else {
    result.add(Scalar(std::complex<double>(0, 1)));
  }
}

TEST(ResultType, EqualsPyTorch) {
  const auto rows = testing::read_table("result_type.csv");
  EXPECT_GT(rows.size(), 1400u);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 3u);
    const DefaultDTypeScope scope(dtype_from_string(row[0]));
    ResultType result;
    std::istringstream operands(row[1]);
    for (std::string operand; operands >> operand;) add_operand(result, operand);
    EXPECT_EQ(to_string(result.result()), row[2]) << row[1] << " with default " << row[0];
  }
}

TEST(ResultType, WithoutOperandsIsTheDefault) { EXPECT_EQ(ResultType().result(), float32); }

TEST(DefaultDType, TakesFloatingPointTypesOnly) {
  EXPECT_EQ(default_dtype(), float32);
  {
    const DefaultDTypeScope scope(bfloat16);
    EXPECT_EQ(default_dtype(), bfloat16);
    EXPECT_EQ(Scalar(1.5).default_dtype(), bfloat16);
    EXPECT_EQ(Scalar(1).default_dtype(), int64);
  }
  for (const DType wrong : {int32, bool_, complex64}) {
    testing::expect_error(ErrorCode::dtype_mismatch, "not a floating-point dtype", "float16, bfloat16", [&] {
      set_default_dtype(wrong);
      return 0;
    });
  }
  EXPECT_EQ(default_dtype(), float32);
}

}  // namespace
}  // namespace rustorch
