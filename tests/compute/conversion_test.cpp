#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "rustorch/compute/simd/kernels.h"
#include "rustorch/core/conversion.h"
#include "rustorch/core/dtype.h"

namespace rustorch {
namespace {

/// Doubles around everything that conversions may trip over.
std::vector<double> interesting_numbers() {
  const double inf = std::numeric_limits<double>::infinity();
  std::vector<double> numbers{
      0.0,    -0.0,  inf,    -inf,    std::nan(""), 1.5,    -1.5,   0.3,     255,    256,        -1,   -129,
      127.5,  32768, 65504,  65519.9, 65520,        65536,  1e-8,   5.9e-8,  3e-8,   2.98e-8,    6e-5, 3.4e38,
      3.5e38, 1e-45, 0x1p31, -0x1p31, 0x1p53,       0x1p62, 0x1p63, -0x1p63, 0x1p64, 0x1p31 - 1, 1e300};
  for (const double at : {1.0, 0x1p31, -0x1p31, 0x1p-14}) {
    for (int bit = -12; bit <= -7; ++bit) {  // halfway cases of float16 and bfloat16
      numbers.push_back(at * (1 + std::ldexp(1.0, bit)));
      numbers.push_back(at * (1 + 3 * std::ldexp(1.0, bit)));
      numbers.push_back(at * (1 + std::ldexp(1.0, bit) + 0x1p-20));
    }
  }
  std::mt19937 random(7);
  std::uniform_real_distribution<double> small(-300, 300);
  std::uniform_real_distribution<double> exponent(-30, 30);
  for (int i = 0; i < 300; ++i) {
    numbers.push_back(small(random));
    numbers.push_back(small(random) * std::pow(10.0, exponent(random)));
  }
  return numbers;
}

template <class T>
std::vector<T> interesting_values() {
  std::vector<T> values;
  for (const double number : interesting_numbers()) {
    if constexpr (is_complex_type<T>) {
      using Part = typename T::value_type;
      values.push_back(
          T(static_cast<Part>(number), static_cast<Part>(values.size() % 3 == 0 ? 0.0 : number / 3)));
      values.push_back(T(Part{0}, static_cast<Part>(number)));
    } else {
      values.push_back(convert_element<T>(number));
    }
  }
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    values.push_back(std::numeric_limits<T>::max());
    values.push_back(std::numeric_limits<T>::min());
  }
  return values;
}

/// Bits that must be equal: all of them, but any NaN may stand for any other.
template <class T>
bool same(T a, T b) {
  if constexpr (is_complex_type<T>) {
    return same(a.real(), b.real()) && same(a.imag(), b.imag());
  } else if constexpr (is_reduced_precision_type<T>) {
    return a.bits == b.bits || (std::isnan(static_cast<float>(a)) && std::isnan(static_cast<float>(b)));
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::memcmp(&a, &b, sizeof(T)) == 0 || (std::isnan(a) && std::isnan(b));
  } else {
    return a == b;
  }
}

template <class From, class To>
void check_conversion(const std::vector<From>& values) {
  const auto kernel = simd::conversion_kernel(dtype_of<From>, dtype_of<To>);
  ASSERT_NE(kernel, nullptr);
  // At every count below 40, so that each tail of each register width runs.
  std::vector<From> in;
  for (std::size_t n = 0; n <= values.size(); n = n < 40 ? n + 1 : values.size() + (n == values.size())) {
    std::unique_ptr<To[]> out(new To[n + 1]());
    std::unique_ptr<From[]> from(new From[n + 1]());
    std::copy_n(values.begin(), n, from.get());
    kernel(from.get(), out.get(), n);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_TRUE(same(out[i], convert_element<To>(from[i])))
          << to_string(dtype_of<From>) << " to " << to_string(dtype_of<To>) << ", element " << i << " of "
          << n;
    }
    EXPECT_TRUE(same(out[n], To())) << "wrote beyond the end";
  }
}

TEST(Conversion, AllPairsEqualTheScalarConversion) {
  for (int f = 0; f < dtype_count; ++f) {
    visit_dtype(static_cast<DType>(f), [](auto from) {
      using From = typename decltype(from)::type;
      const std::vector<From> values = interesting_values<From>();
      for (int t = 0; t < dtype_count; ++t) {
        visit_dtype(static_cast<DType>(t),
                    [&](auto to) { check_conversion<From, typename decltype(to)::type>(values); });
      }
    });
  }
}

TEST(Conversion, EveryHalfAndBFloat16) {
  constexpr std::size_t all = 65536;
  std::vector<std::uint16_t> bits(all);
  for (std::size_t i = 0; i < all; ++i) bits[i] = static_cast<std::uint16_t>(i);
  std::vector<float> floats(all);
  std::vector<std::uint16_t> back(all);
  for (const DType dtype : {float16, bfloat16}) {
    simd::conversion_kernel(dtype, float32)(bits.data(), floats.data(), all);
    simd::conversion_kernel(float32, dtype)(floats.data(), back.data(), all);
    for (std::size_t i = 0; i < all; ++i) {
      const float expected = dtype == float16 ? half_bits_to_float(bits[i]) : bfloat16_bits_to_float(bits[i]);
      ASSERT_TRUE(same(floats[i], expected)) << to_string(dtype) << " bits " << i;
      ASSERT_TRUE(std::isnan(expected) || back[i] == bits[i]) << to_string(dtype) << " bits " << i;
    }
  }
}

TEST(Conversion, FloatToHalfRoundsToNearestEven) {
  // Around every half: the two floats next to each halfway point, and the point itself.
  const auto kernel = simd::conversion_kernel(float32, float16);
  for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const float low = half_bits_to_float(static_cast<std::uint16_t>(bits));
    const float high =
        bits + 1 == 0x7c00 ? 65536.0f : half_bits_to_float(static_cast<std::uint16_t>(bits + 1));
    const float middle = (low + high) / 2;
    const float in[3] = {std::nextafter(middle, low), middle, std::nextafter(middle, high)};
    std::uint16_t out[3];
    kernel(in, out, 3);
    ASSERT_EQ(out[0], bits);
    ASSERT_EQ(out[1], bits + (bits & 1));
    ASSERT_EQ(out[2], bits + 1);
  }
}

TEST(StridedCopies, GatherScatterFill) {
  for (const std::size_t bytes : {1u, 2u, 4u, 8u, 16u}) {
    std::vector<unsigned char> source(bytes * 40);
    for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<unsigned char>(i * 7);
    std::vector<unsigned char> packed(bytes * 10), spread(bytes * 40), filled(bytes * 10);
    simd::gather_strided(source.data(), 4, bytes, packed.data(), 10);
    simd::scatter_strided(packed.data(), spread.data(), 4, bytes, 10);
    simd::fill(source.data() + bytes, bytes, filled.data(), 10);
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(std::memcmp(packed.data() + i * bytes, source.data() + i * 4 * bytes, bytes), 0);
      EXPECT_EQ(std::memcmp(spread.data() + i * 4 * bytes, source.data() + i * 4 * bytes, bytes), 0);
      EXPECT_EQ(std::memcmp(filled.data() + i * bytes, source.data() + bytes, bytes), 0);
    }
  }
}

}  // namespace
}  // namespace rustorch
