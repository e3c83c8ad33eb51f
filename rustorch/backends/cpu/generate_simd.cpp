#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/generate_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: once per target.
#include <hwy/contrib/math/math-inl.h>

#include "rustorch/backends/cpu/generate_kernels.h"
#include "rustorch/backends/philox.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

constexpr double two_pi = 6.283185307179586476925;

void philox(std::uint64_t seed, std::uint64_t first, std::size_t count, std::uint32_t* words) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  // A 64-bit lane for each block: it holds a word, or the product of two.
  const hn::ScalableTag<std::uint64_t> d;
  const hn::Repartition<std::uint32_t, decltype(d)> d32;
  using V = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  const V low = hn::Set(d, 0xFFFFFFFFu);
  const auto multiplier_0 = hn::BitCast(d32, hn::Set(d, std::uint64_t{philox_multiplier_0}));
  const auto multiplier_1 = hn::BitCast(d32, hn::Set(d, std::uint64_t{philox_multiplier_1}));
  for (; i + lanes <= count; i += lanes) {
    const V block = hn::Add(hn::Set(d, first + i), hn::Iota(d, 0));
    V c0 = hn::And(block, low), c1 = hn::ShiftRight<32>(block), c2 = hn::Zero(d), c3 = hn::Zero(d);
    auto k0 = static_cast<std::uint32_t>(seed);
    auto k1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < philox_rounds; ++round) {
      const V product_0 = hn::MulEven(hn::BitCast(d32, c0), multiplier_0);
      const V product_1 = hn::MulEven(hn::BitCast(d32, c2), multiplier_1);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product_1), c1), hn::Set(d, std::uint64_t{k0}));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product_0), c3), hn::Set(d, std::uint64_t{k1}));
      c1 = hn::And(product_1, low);
      c3 = hn::And(product_0, low);
      k0 += philox_weyl_0;
      k1 += philox_weyl_1;
    }
    const auto first_words = hn::BitCast(d32, hn::Or(c0, hn::ShiftLeft<32>(c1)));
    const auto last_words = hn::BitCast(d32, hn::Or(c2, hn::ShiftLeft<32>(c3)));
    hn::StoreInterleaved2(hn::BitCast(d, first_words), hn::BitCast(d, last_words), d,
                          reinterpret_cast<std::uint64_t*>(words + 4 * i));
  }
#endif
  for (; i < count; ++i) {
    const PhiloxCounter block = philox_block(seed, first + i);
    for (std::size_t k = 0; k < 4; ++k) words[4 * i + k] = block[k];
  }
}

void uniform_float(const std::uint32_t* HWY_RESTRICT words, std::size_t n, int shift, float unit, float a,
                   float range, float largest, float* HWY_RESTRICT out) {
  for (std::size_t i = 0; i < n; ++i) {
    const float u = static_cast<float>(static_cast<std::int32_t>(words[i] >> shift)) * unit;
    const float value = a + u * range;
    out[i] = value < largest ? value : largest;
  }
}

/// 53 random bits as an integer.
HWY_INLINE std::int64_t bits_of_two(const std::uint32_t* words) {
  return static_cast<std::int64_t>((std::uint64_t{words[1]} << 21) | (words[0] >> 11));
}

void uniform_double(const std::uint32_t* HWY_RESTRICT words, std::size_t n, double a, double range,
                    double largest, double* HWY_RESTRICT out) {
  for (std::size_t i = 0; i < n; ++i) {
    const double value = a + static_cast<double>(bits_of_two(words + 2 * i)) * 0x1p-53 * range;
    out[i] = value < largest ? value : largest;
  }
}

/// Turns pairs of uniform numbers into pairs of normal ones, in place: u in even places, v in odd ones.
template <class T>
HWY_INLINE void box_muller(T* HWY_RESTRICT values, std::size_t n, T a, T b) {
  const hn::ScalableTag<T> d;
  const std::size_t step = 2 * hn::Lanes(d);
  const auto mean = hn::Set(d, a);
  const auto deviation = hn::Set(d, b);
  const auto transform = [&](T* at) HWY_ATTR {
    hn::Vec<decltype(d)> u, v;
    hn::LoadInterleaved2(d, at, u, v);
    const auto r = hn::Sqrt(hn::Mul(hn::Set(d, T(-2)), hn::Log(d, u)));
    const auto angle = hn::Mul(hn::Set(d, static_cast<T>(two_pi)), v);
    const auto x = hn::Add(mean, hn::Mul(deviation, hn::Mul(r, hn::Cos(d, angle))));
    const auto y = hn::Add(mean, hn::Mul(deviation, hn::Mul(r, hn::Sin(d, angle))));
    hn::StoreInterleaved2(x, y, d, at);
  };
  std::size_t i = 0;
  for (; i + step <= n; i += step) transform(values + i);
  if (i < n) {
    T rest[2 * hn::MaxLanes(hn::ScalableTag<T>())];
    for (T& value : rest) value = T(0.5);
    for (std::size_t j = i; j < n; ++j) rest[j - i] = values[j];
    transform(rest);
    for (std::size_t j = i; j < n; ++j) values[j] = rest[j - i];
  }
}

void normal_float(const std::uint32_t* HWY_RESTRICT words, std::size_t n, float a, float b,
                  float* HWY_RESTRICT out) {
  for (std::size_t i = 0; i < n; i += 2) {
    // Halves are exact, so their sum is the word rounded once, also where no instruction converts it.
    const auto high = static_cast<float>(static_cast<std::int32_t>(words[i] >> 16)) * 65536.0f;
    const auto whole = high + static_cast<float>(static_cast<std::int32_t>(words[i] & 0xFFFFu));
    out[i] = whole * 0x1p-32f + 0x1p-33f;
    out[i + 1] = static_cast<float>(static_cast<std::int32_t>(words[i + 1] >> 8)) * 0x1p-24f;
  }
  box_muller(out, n, a, b);
}

void normal_double(const std::uint32_t* HWY_RESTRICT words, std::size_t n, double a, double b,
                   double* HWY_RESTRICT out) {
  for (std::size_t i = 0; i < n; i += 2) {
    out[i] = static_cast<double>(bits_of_two(words + 2 * i) + 1) * 0x1p-53;
    out[i + 1] = static_cast<double>(bits_of_two(words + 2 * i + 2)) * 0x1p-53;
  }
  box_muller(out, n, a, b);
}

void bernoulli(const std::uint32_t* HWY_RESTRICT words, std::size_t n, std::uint64_t threshold,
               std::uint8_t* HWY_RESTRICT out) {
  if (threshold == 0 || threshold > 0xFFFFFFFFu) {
    for (std::size_t i = 0; i < n; ++i) out[i] = threshold == 0 ? 0 : 1;
    return;
  }
  const auto limit = static_cast<std::uint32_t>(threshold);
  for (std::size_t i = 0; i < n; ++i) out[i] = words[i] < limit ? 1 : 0;
}

void sequence(double a, double b, std::int64_t first, std::size_t n, double* HWY_RESTRICT out) {
  for (std::size_t i = 0; i < n; ++i)
    out[i] = a + static_cast<double>(first + static_cast<std::int64_t>(i)) * b;
}

}  // namespace

const GenerateLoops* generate_table() {
  static constexpr GenerateLoops loops{&philox,        &uniform_float, &uniform_double, &normal_float,
                                       &normal_double, &bernoulli,     &sequence};
  return &loops;
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(generate_table);
const GenerateLoops& generate_loops() { return *RUSTORCH_DISPATCH(generate_table)(); }

}  // namespace rustorch::cpu
#endif
