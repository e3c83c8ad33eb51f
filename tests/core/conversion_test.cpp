#include "rustorch/core/conversion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "core/read_table.h"
#include "rustorch/core/dtype.h"

namespace rustorch {
namespace {

static_assert(convert_element<std::int32_t>(2.9f) == 2 && convert_element<std::int32_t>(-2.9) == -2);
static_assert(convert_element<bool>(0.1f) && !convert_element<bool>(-0.0));

template <class T>
T parse(const std::string& text) {
  if constexpr (std::is_same_v<T, bool>) {
    return text == "True";
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(std::stoll(text));
  } else {
    return convert_element<T>(std::strtod(text.c_str(), nullptr));
  }
}

template <class T>
bool same(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return a == b;
  } else {
    const double x = static_cast<double>(a);
    const double y = static_cast<double>(b);
    return std::isnan(x) ? std::isnan(y) : x == y && std::signbit(x) == std::signbit(y);
  }
}

TEST(ConvertElement, EqualsPyTorch) {
  const auto rows = testing::read_table("conversion.csv");
  EXPECT_GT(rows.size(), 900u);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 4u);
    const auto convert = [&]<class From>(From value) {
      visit_dtype(dtype_from_string(row[2]), [&](auto tag) {
        using To = typename decltype(tag)::type;
        if constexpr (!is_complex_type<To>) {
          EXPECT_TRUE(same(convert_element<To>(value), parse<To>(row[3])))
              << row[0] << " " << row[1] << " to " << row[2] << ": "
              << convert_element<double>(convert_element<To>(value)) << " instead of " << row[3];
        }
      });
    };
    if (row[0] == "float64") {
      convert(parse<double>(row[1]));
    } else if (row[0] == "float32") {
      convert(parse<float>(row[1]));
    } else {
      convert(parse<std::int64_t>(row[1]));
    }
  }
}

TEST(ConvertElement, ComplexNumbers) {
  using C64 = std::complex<float>;
  using C128 = std::complex<double>;
  EXPECT_EQ(convert_element<float>(C128(2.5, 7)), 2.5f);
  EXPECT_EQ(convert_element<std::int8_t>(C64(-3.7f, 1)), -3);
  EXPECT_EQ(convert_element<C64>(C128(1.5, -2)), C64(1.5f, -2));
  EXPECT_EQ(convert_element<C128>(std::int64_t{7}), C128(7, 0));
  EXPECT_EQ(convert_element<C64>(true), C64(1, 0));
  EXPECT_EQ(convert_element<C64>(Half(0.5f)), C64(0.5f, 0));
  EXPECT_EQ(static_cast<float>(convert_element<BFloat16>(C64(3, 4))), 3.0f);
  EXPECT_TRUE(convert_element<bool>(C64(0, 1)));
  EXPECT_FALSE(convert_element<bool>(C64(0, 0)));
}

TEST(ConvertElement, ReducedPrecision) {
  EXPECT_EQ(convert_element<Half>(BFloat16(1.5f)).bits, Half(1.5f).bits);
  EXPECT_EQ(convert_element<std::uint8_t>(Half(200.9f)), 200);
  EXPECT_TRUE(convert_element<bool>(Half(6.0e-8f)));
  EXPECT_EQ(convert_element<Half>(std::int32_t{100000}).bits, 0x7c00);  // infinity
  EXPECT_EQ(convert_element<Half>(true).bits, 0x3c00);
}

}  // namespace
}  // namespace rustorch
