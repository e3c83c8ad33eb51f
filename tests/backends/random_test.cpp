#include <gtest/gtest.h>

#include <cmath>

#include "backends/host_array.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/philox.h"
#include "support/expect_error.h"

namespace rustorch {
namespace {

using namespace rustorch::test;

// The known answers of the Random123 distribution (kat_vectors).
static_assert(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
              PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

constexpr std::uint64_t seed = 0x123456789abcdef0;
constexpr std::uint64_t offset = 0xfffffffa;  // so that the counter's low word overflows on the way

HostArray generate(GenerateKind kind, DType dtype, const Layout& layout, double a = 0, double b = 1,
                   std::int64_t ia = 0, std::int64_t ib = 0) {
  HostArray out(dtype, layout);
  CpuBackend().generate(
      {.kind = kind, .out = out.view(), .a = a, .b = b, .ia = ia, .ib = ib, .seed = seed, .offset = offset});
  return out;
}
HostArray generate(GenerateKind kind, DType dtype, std::int64_t n, double a = 0, double b = 1,
                   std::int64_t ia = 0, std::int64_t ib = 0) {
  return generate(kind, dtype, Layout::contiguous({n}), a, b, ia, ib);
}

std::uint32_t word(std::int64_t i) {
  const auto at = static_cast<std::uint64_t>(i);
  return philox_block(seed, offset + at / 4)[at % 4];
}
std::uint64_t two_words(std::int64_t i) { return (std::uint64_t{word(2 * i + 1)} << 32) | word(2 * i); }

constexpr std::int64_t count = 5003;

TEST(Random, UniformIsAsDocumented) {
  const HostArray f32 = generate(GenerateKind::uniform, float32, count, -3, 5);
  const HostArray f64 = generate(GenerateKind::uniform, float64, count, -3, 5);
  const HostArray f16 = generate(GenerateKind::uniform, float16, count);
  const HostArray bf16 = generate(GenerateKind::uniform, bfloat16, count);
  for (std::int64_t i = 0; i < count; ++i) {
    const float u = static_cast<float>(word(i) >> 8) * 0x1p-24f;
    const float product = u * 8.0f;
    const float sum = product - 3.0f;
    EXPECT_EQ(f32.real({i}), std::min(sum, std::nextafter(5.0f, 0.0f)));
    const double v = static_cast<double>(two_words(i) >> 11) * 0x1p-53 * 8.0;
    EXPECT_EQ(f64.real({i}), std::min(v - 3.0, std::nextafter(5.0, 0.0)));
    EXPECT_EQ(f16.real({i}), static_cast<float>(word(i) >> 21) * 0x1p-11f);
    EXPECT_EQ(bf16.real({i}), static_cast<float>(word(i) >> 24) * 0x1p-8f);
  }
}

TEST(Random, UniformStaysBelowItsBound) {
  for (const DType dtype : floating_dtypes()) {
    for (const auto& [a, b] :
         {std::pair{0.0, 1e-3}, std::pair{1.0, 1.01}, std::pair{-1.0, 0.0}, std::pair{5.0, 5.2}}) {
      const HostArray out = generate(GenerateKind::uniform, dtype, 20000, a, b);
      for (std::int64_t i = 0; i < 20000; ++i)
        ASSERT_LT(out.real({i}), static_cast<long double>(b)) << to_string(dtype);
    }
    const HostArray constant = generate(GenerateKind::uniform, dtype, 10, 2, 2);
    for (std::int64_t i = 0; i < 10; ++i) EXPECT_EQ(constant.real({i}), 2);
  }
}

TEST(Random, NormalIsAsDocumented) {
  const HostArray f32 = generate(GenerateKind::normal, float32, count, 1, 2);
  const HostArray f64 = generate(GenerateKind::normal, float64, count, 1, 2);
  constexpr double two_pi = 6.283185307179586;
  for (std::int64_t i = 0; i + 1 < count; i += 2) {
    const double u = static_cast<double>(static_cast<float>(word(i)) * 0x1p-32f + 0x1p-33f);
    const double v = static_cast<double>(word(i + 1) >> 8) * 0x1p-24;
    const double r = std::sqrt(-2 * std::log(u));
    EXPECT_NEAR(static_cast<double>(f32.real({i})), 1 + 2 * r * std::cos(two_pi * v), 1e-5);
    EXPECT_NEAR(static_cast<double>(f32.real({i + 1})), 1 + 2 * r * std::sin(two_pi * v), 1e-5);
    const double u2 = static_cast<double>((two_words(i) >> 11) + 1) * 0x1p-53;
    const double v2 = static_cast<double>(two_words(i + 1) >> 11) * 0x1p-53;
    const double r2 = std::sqrt(-2 * std::log(u2));
    EXPECT_NEAR(static_cast<double>(f64.real({i})), 1 + 2 * r2 * std::cos(two_pi * v2), 1e-13);
    EXPECT_NEAR(static_cast<double>(f64.real({i + 1})), 1 + 2 * r2 * std::sin(two_pi * v2), 1e-13);
  }
  // The 16-bit results are those of float32, rounded.
  const HostArray f16 = generate(GenerateKind::normal, float16, count, 1, 2);
  for (std::int64_t i = 0; i < count; ++i) {
    EXPECT_EQ(f16.real({i}), static_cast<float>(Half(static_cast<float>(f32.real({i})))));
  }
}

TEST(Random, IntegersAndBernoulliAreAsDocumented) {
  for (const DType dtype : {int64, int32, uint8, float32}) {
    const HostArray out = generate(GenerateKind::integers, dtype, count, 0, 1, 3, 103);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto product = static_cast<unsigned __int128>(two_words(i)) * 100u;
      EXPECT_EQ(out.real({i}), 3 + static_cast<std::int64_t>(product >> 64));
    }
  }
  const HostArray wide =
      generate(GenerateKind::integers, int64, count, 0, 1, std::numeric_limits<std::int64_t>::min(),
               std::numeric_limits<std::int64_t>::max());
  bool negative = false, positive = false;
  for (std::int64_t i = 0; i < count; ++i) (wide.real({i}) < 0 ? negative : positive) = true;
  EXPECT_TRUE(negative && positive);
  for (const DType dtype : {bool_, float32, float64, int64}) {
    const HostArray out = generate(GenerateKind::bernoulli, dtype, count, 0.3);
    for (std::int64_t i = 0; i < count; ++i)
      EXPECT_EQ(out.real({i}), word(i) < 1288490189u ? 1 : 0);  // 0.3 · 2^32
    const HostArray never = generate(GenerateKind::bernoulli, dtype, 100, 0);
    const HostArray always = generate(GenerateKind::bernoulli, dtype, 100, 1);
    for (std::int64_t i = 0; i < 100; ++i) {
      EXPECT_EQ(never.real({i}), 0);
      EXPECT_EQ(always.real({i}), 1);
    }
  }
}

TEST(Random, Sequences) {
  const HostArray f32 = generate(GenerateKind::sequence, float32, count, 0.5, 0.1);
  const HostArray i64 = generate(GenerateKind::sequence, int64, count, -7, 3);
  const HostArray u8 = generate(GenerateKind::sequence, uint8, count, 250, 2);
  const HostArray c64 = generate(GenerateKind::sequence, complex64, count, 1, 2);
  for (std::int64_t i = 0; i < count; ++i) {
    EXPECT_EQ(f32.real({i}), static_cast<float>(0.5 + static_cast<double>(i) * 0.1));
    EXPECT_EQ(i64.real({i}), -7 + 3 * i);
    EXPECT_EQ(u8.real({i}), (250 + 2 * i) % 256);
    EXPECT_EQ(c64.at({i}), Number(1 + 2 * i));
  }
}

TEST(Random, ComplexNumbersArePairs) {
  const HostArray pairs = generate(GenerateKind::normal, complex64, count);
  const HostArray reals = generate(GenerateKind::normal, float32, 2 * count);
  for (std::int64_t i = 0; i < count; ++i) {
    EXPECT_EQ(pairs.at({i}), Number(reals.real({2 * i}), reals.real({2 * i + 1})));
  }
}

TEST(Random, LayoutAndThreadsChangeNothing) {
  const ThreadCountGuard guard;
  const Shape shape{37, 3, 300};
  for (const GenerateKind kind : {GenerateKind::uniform, GenerateKind::normal, GenerateKind::bernoulli}) {
    for (const DType dtype : {float32, float64, complex128, bfloat16}) {
      if (kind == GenerateKind::bernoulli && is_complex(dtype)) continue;
      set_num_threads(1);
      const HostArray wanted = generate(kind, dtype, Layout::contiguous(shape), 0.4, 1);
      for (const Layout& layout : layouts_of(shape, false)) {
        for (const int threads : {1, 3}) {
          set_num_threads(threads);
          const HostArray out = generate(kind, dtype, layout, 0.4, 1);
          bool equal = true;
          for_each_index(shape, [&](const Index& i) { equal = equal && out.at(i) == wanted.at(i); });
          EXPECT_TRUE(equal) << to_string(dtype);
        }
      }
    }
  }
}

TEST(Random, Moments) {
  constexpr std::int64_t n = 400000;
  for (const DType dtype : {float32, float64}) {
    const HostArray normal = generate(GenerateKind::normal, dtype, n);
    const HostArray uniform = generate(GenerateKind::uniform, dtype, n);
    long double m1 = 0, m2 = 0, m3 = 0, m4 = 0, u1 = 0, u2 = 0, lag = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const long double z = normal.real({i});
      m1 += z;
      m2 += z * z;
      m3 += z * z * z;
      m4 += z * z * z * z;
      const long double u = uniform.real({i}) - 0.5L;
      u1 += u;
      u2 += u * u;
      if (i > 0) lag += z * normal.real({i - 1});
    }
    const double d = static_cast<double>(n);
    const double unit = 1 / std::sqrt(d);  // five standard errors each
    EXPECT_NEAR(static_cast<double>(m1) / d, 0, 5 * unit);
    EXPECT_NEAR(static_cast<double>(m2) / d, 1, 5 * std::sqrt(2.0) * unit);
    EXPECT_NEAR(static_cast<double>(m3) / d, 0, 5 * std::sqrt(15.0) * unit);
    EXPECT_NEAR(static_cast<double>(m4) / d, 3, 5 * std::sqrt(96.0) * unit);
    EXPECT_NEAR(static_cast<double>(lag) / d, 0, 5 * unit);
    EXPECT_NEAR(static_cast<double>(u1) / d, 0, 5 * std::sqrt(1.0 / 12) * unit);
    EXPECT_NEAR(static_cast<double>(u2) / d, 1.0 / 12, 5 * std::sqrt(1.0 / 180) * unit);
  }
}

TEST(Random, BlocksOfAWork) {
  EXPECT_EQ(philox_blocks(GenerateKind::uniform, float32, 5), 2u);
  EXPECT_EQ(philox_blocks(GenerateKind::uniform, float64, 5), 3u);
  EXPECT_EQ(philox_blocks(GenerateKind::normal, complex64, 5), 3u);
  EXPECT_EQ(philox_blocks(GenerateKind::normal, complex128, 5), 5u);
  EXPECT_EQ(philox_blocks(GenerateKind::integers, uint8, 5), 3u);
  EXPECT_EQ(philox_blocks(GenerateKind::bernoulli, float64, 5), 2u);
  EXPECT_EQ(philox_blocks(GenerateKind::sequence, float64, 5), 0u);
}

TEST(Random, EmptyAndRefused) {
  generate(GenerateKind::uniform, float32, 0);
  EXPECT_THROW(generate(GenerateKind::normal, int32, 3), Error);
  EXPECT_THROW(generate(GenerateKind::uniform, bool_, 3), Error);
}

}  // namespace
}  // namespace rustorch
