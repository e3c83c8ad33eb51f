#include "rustorch/core/dtype.h"

#include <gtest/gtest.h>

#include <complex>
#include <string>

#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch {
namespace {

static_assert(dtype_of<float> == float32 && dtype_of<double> == float64 && dtype_of<Half> == float16);
static_assert(dtype_of<long> == int64 && dtype_of<long long> == int64 && dtype_of<int> == int32);
static_assert(dtype_of<bool> == bool_ && dtype_of<unsigned char> == uint8 && dtype_of<signed char> == int8);
static_assert(dtype_of<std::complex<float>> == complex64 && dtype_of<BFloat16> == bfloat16);

TEST(DType, SwitchSizesAndNamesAgree) {
  for (int i = 0; i < dtype_count; ++i) {
    const auto dtype = static_cast<DType>(i);
    visit_dtype(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      EXPECT_EQ(dtype_of<T>, dtype);
      EXPECT_EQ(sizeof(T), item_size(dtype));
    });
    EXPECT_EQ(dtype_from_string(to_string(dtype)), dtype);
    EXPECT_EQ(dtype_from_string("torch." + std::string(to_string(dtype))), dtype);
    EXPECT_EQ(fmt::format("{}", dtype), to_string(dtype));
  }
}

TEST(DType, SwitchReturnsWhatItsFunctionReturns) {
  EXPECT_EQ(visit_dtype(float64, [](auto tag) { return sizeof(typename decltype(tag)::type); }), 8u);
}

TEST(DType, AValueBeyondTheEnumIsAnError) {
  const auto broken = static_cast<DType>(99);
  testing::expect_error(ErrorCode::internal, "99",
                        [&] { return visit_dtype(broken, [](auto) { return 0; }); });
  EXPECT_EQ(to_string(broken), "unknown");
  EXPECT_EQ(item_size(broken), 0u);
}

TEST(DType, Categories) {
  std::string floating, complex, integral, reduced, differentiable;
  for (int i = 0; i < dtype_count; ++i) {
    const auto dtype = static_cast<DType>(i);
    const std::string name = std::string(to_string(dtype)) + " ";
    if (is_floating_point(dtype)) floating += name;
    if (is_complex(dtype)) complex += name;
    if (is_integral(dtype)) integral += name;
    if (is_reduced_precision(dtype)) reduced += name;
    if (is_differentiable(dtype)) differentiable += name;
  }
  EXPECT_EQ(floating, "float16 bfloat16 float32 float64 ");
  EXPECT_EQ(complex, "complex64 complex128 ");
  EXPECT_EQ(integral, "uint8 int8 int16 int32 int64 ");
  EXPECT_EQ(reduced, "float16 bfloat16 ");
  EXPECT_EQ(differentiable, "float16 bfloat16 float32 float64 complex64 complex128 ");
}

TEST(DType, RealAndComplexPartners) {
  EXPECT_EQ(real_dtype(complex64), float32);
  EXPECT_EQ(real_dtype(complex128), float64);
  EXPECT_EQ(real_dtype(int8), int8);
  EXPECT_EQ(complex_dtype(float64), complex128);
  EXPECT_EQ(complex_dtype(complex128), complex128);
  EXPECT_EQ(complex_dtype(float16), complex64);
  EXPECT_EQ(complex_dtype(bool_), complex64);
}

TEST(DType, NamesOfPyTorchAndCxx) {
  EXPECT_EQ(dtype_from_string("half"), float16);
  EXPECT_EQ(dtype_from_string("float"), float32);
  EXPECT_EQ(dtype_from_string("torch.double"), float64);
  EXPECT_EQ(dtype_from_string("short"), int16);
  EXPECT_EQ(dtype_from_string("int"), int32);
  EXPECT_EQ(dtype_from_string("long"), int64);
  EXPECT_EQ(dtype_from_string("cfloat"), complex64);
  EXPECT_EQ(dtype_from_string("cdouble"), complex128);
  EXPECT_EQ(dtype_from_string("bool_"), bool_);
}

TEST(DType, UnknownNamesAreErrorsWithSuggestions) {
  const auto parse = [](const char* name) { return [name] { return dtype_from_string(name); }; };
  testing::expect_error(ErrorCode::invalid_argument, "unknown dtype \"flaot32\"", "did you mean `float32`?",
                        parse("flaot32"));
  testing::expect_error(ErrorCode::invalid_argument, "unknown dtype \"torch.bfloat61\"", "`bfloat16`",
                        parse("torch.bfloat61"));
  testing::expect_error(ErrorCode::invalid_argument, "unknown dtype \"quaternion\"", "one of uint8, int8",
                        parse("quaternion"));
  testing::expect_error(ErrorCode::invalid_argument, "unknown dtype \"\"", "one of", parse(""));
}

}  // namespace
}  // namespace rustorch
