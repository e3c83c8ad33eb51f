#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/compute/simd/ops/conversion/conversions_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "rustorch/compute/simd/arch/features-inl.h"
#include "rustorch/compute/simd/ops/conversion/conversion_table.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;  // NOLINT(misc-unused-alias-decls): not all targets use it

// What convert_element does, again: its versions of other files are compiled for the baseline, and these
// loops are written so that the compiler vectorizes them.

/// bool as it lies in memory.
struct Truth8 {
  std::uint8_t value;
};

template <class To, class From>
HWY_INLINE To convert_number(From value) {
  if constexpr (std::is_same_v<To, Truth8>) {
    return {static_cast<std::uint8_t>(value != From{0})};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Values beyond the range, and NaN, become the least one first: the cast itself has no undefined case.
    // The low bits of a float beyond int32 are all 0, so 32 bits are enough for float to uint8 and int16.
    constexpr bool narrow = sizeof(To) <= 4 && (std::is_signed_v<To> || sizeof(From) == 4);
    using Wide = std::conditional_t<narrow, std::int32_t, std::int64_t>;
    constexpr From least = static_cast<From>(std::numeric_limits<Wide>::min());
    // Truncation brings doubles a little below the least int32 into the range.
    constexpr From below = least - From{1};
    const bool inside = (below == least ? value >= least : value > below) & (value < -least);
    return static_cast<To>(static_cast<Wide>(inside ? value : least));
  } else {
    return static_cast<To>(value);
  }
}

template <class From, class To>
void convert(const void* in, void* out, std::size_t n) {
  const From* from = static_cast<const From*>(in);
  To* to = static_cast<To*>(out);
  RUSTORCH_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < n; ++i) to[i] = convert_number<To>(from[i]);
}

/// The real parts of complex numbers, converted.
template <class Part, class To>
void convert_from_complex(const void* in, void* out, std::size_t n) {
  const Part* from = static_cast<const Part*>(in);
  To* to = static_cast<To*>(out);
  RUSTORCH_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < n; ++i) to[i] = convert_number<To>(from[2 * i]);
}

/// Complex is true if either part is not 0.
template <class Part>
void convert_complex_to_truth(const void* in, void* out, std::size_t n) {
  const Part* from = static_cast<const Part*>(in);
  std::uint8_t* to = static_cast<std::uint8_t*>(out);
  RUSTORCH_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < n; ++i) {
    to[i] = static_cast<std::uint8_t>((from[2 * i] != Part{0}) | (from[2 * i + 1] != Part{0}));
  }
}

template <class From, class Part>
void convert_to_complex(const void* in, void* out, std::size_t n) {
  const From* from = static_cast<const From*>(in);
  Part* to = static_cast<Part*>(out);
  RUSTORCH_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < n; ++i) {
    to[2 * i] = static_cast<Part>(from[i]);
    to[2 * i + 1] = Part{0};
  }
}

template <class From, class To>
void convert_complex(const void* in, void* out, std::size_t n) {
  convert<From, To>(in, out, 2 * n);
}

template <std::size_t bytes>
void copy(const void* in, void* out, std::size_t n) {
  if (n != 0) std::memcpy(out, in, n * bytes);
}

HWY_INLINE float half_to_float(std::uint16_t half) {
  const std::uint32_t magnitude = half & 0x7fffu;
  // The exponent moves by a multiplication, which makes subnormals normal.
  const float scaled = __builtin_bit_cast(float, magnitude << 13) * 0x1p112f;
  const std::uint32_t finite = __builtin_bit_cast(std::uint32_t, scaled);
  const std::uint32_t bits = magnitude >= 0x7c00u ? (magnitude << 13) | 0x7f800000u : finite;
  return __builtin_bit_cast(float, bits | (static_cast<std::uint32_t>(half & 0x8000u) << 16));
}

HWY_INLINE std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const std::uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
  // 0.5 has the unit of half's subnormals in its last place: the adder rounds to it.
  const float shifted = __builtin_bit_cast(float, magnitude) + 0.5f;
  const std::uint32_t subnormal = __builtin_bit_cast(std::uint32_t, shifted) - 0x3f000000u;
  const std::uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x1ffu);
  std::uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
  half = magnitude >= 0x477ff000u ? 0x7c00u : half;
  half = magnitude > 0x7f800000u ? nan : half;
  return static_cast<std::uint16_t>(half | ((bits >> 16) & 0x8000u));
}

void convert_half_to_float(const void* in, void* out, std::size_t n) {
  const auto* from = static_cast<const std::uint16_t*>(in);
  auto* to = static_cast<float*>(out);
  std::size_t i = 0;
  if constexpr (converts_float16) {
    const hn::ScalableTag<float> d;
    const hn::Rebind<hwy::float16_t, decltype(d)> dh;
    const hn::Rebind<std::uint16_t, decltype(d)> du;
    const std::size_t lanes = hn::Lanes(d);
    for (; i + lanes <= n; i += lanes) {
      hn::StoreU(hn::PromoteTo(d, hn::BitCast(dh, hn::LoadU(du, from + i))), d, to + i);
    }
  }
  for (; i < n; ++i) to[i] = half_to_float(from[i]);
}

void convert_float_to_half(const void* in, void* out, std::size_t n) {
  const auto* from = static_cast<const float*>(in);
  auto* to = static_cast<std::uint16_t*>(out);
  std::size_t i = 0;
  if constexpr (converts_float16) {
    const hn::ScalableTag<float> d;
    const hn::Rebind<hwy::float16_t, decltype(d)> dh;
    const hn::Rebind<std::uint16_t, decltype(d)> du;
    const std::size_t lanes = hn::Lanes(d);
    for (; i + lanes <= n; i += lanes) {
      hn::StoreU(hn::BitCast(du, hn::DemoteTo(dh, hn::LoadU(d, from + i))), du, to + i);
    }
  }
  for (; i < n; ++i) to[i] = float_to_half(from[i]);
}

void convert_bfloat16_to_float(const void* in, void* out, std::size_t n) {
  const auto* from = static_cast<const std::uint16_t*>(in);
  auto* to = static_cast<std::uint32_t*>(out);
  RUSTORCH_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<std::uint32_t>(from[i]) << 16;
}

void convert_float_to_bfloat16(const void* in, void* out, std::size_t n) {
  const auto* from = static_cast<const std::uint32_t*>(in);
  auto* to = static_cast<std::uint16_t*>(out);
  RUSTORCH_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t bits = from[i];
    const std::uint32_t nan = (bits >> 16) | 0x40u;
    const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    to[i] = static_cast<std::uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
  }
}

constexpr std::size_t index_of(DType dtype) { return static_cast<std::size_t>(dtype); }

/// The conversions from a type of numbers that are not complex.
template <class From>
constexpr void add_from(ConversionTable& table, DType from) {
  auto& row = table[index_of(from)];
  row[index_of(DType::uint8)] = &convert<From, std::uint8_t>;
  row[index_of(DType::int8)] = &convert<From, std::int8_t>;
  row[index_of(DType::int16)] = &convert<From, std::int16_t>;
  row[index_of(DType::int32)] = &convert<From, std::int32_t>;
  row[index_of(DType::int64)] = &convert<From, std::int64_t>;
  row[index_of(DType::float32)] = &convert<From, float>;
  row[index_of(DType::float64)] = &convert<From, double>;
  row[index_of(DType::complex64)] = &convert_to_complex<From, float>;
  row[index_of(DType::complex128)] = &convert_to_complex<From, double>;
  row[index_of(DType::bool_)] = &convert<From, Truth8>;
}

template <class Part>
constexpr void add_from_complex(ConversionTable& table, DType from) {
  auto& row = table[index_of(from)];
  row[index_of(DType::uint8)] = &convert_from_complex<Part, std::uint8_t>;
  row[index_of(DType::int8)] = &convert_from_complex<Part, std::int8_t>;
  row[index_of(DType::int16)] = &convert_from_complex<Part, std::int16_t>;
  row[index_of(DType::int32)] = &convert_from_complex<Part, std::int32_t>;
  row[index_of(DType::int64)] = &convert_from_complex<Part, std::int64_t>;
  row[index_of(DType::float32)] = &convert_from_complex<Part, float>;
  row[index_of(DType::float64)] = &convert_from_complex<Part, double>;
  row[index_of(DType::complex64)] = &convert_complex<Part, float>;
  row[index_of(DType::complex128)] = &convert_complex<Part, double>;
  row[index_of(DType::bool_)] = &convert_complex_to_truth<Part>;
}

template <std::size_t bytes>
constexpr void add_copies(ConversionTable& table) {
  for (std::size_t i = 0; i < dtype_count; ++i) {
    if (item_size(static_cast<DType>(i)) == bytes) table[i][i] = &copy<bytes>;
  }
}

constexpr ConversionTable make_conversions() {
  ConversionTable table{};
  add_from<std::uint8_t>(table, DType::uint8);
  add_from<std::int8_t>(table, DType::int8);
  add_from<std::int16_t>(table, DType::int16);
  add_from<std::int32_t>(table, DType::int32);
  add_from<std::int64_t>(table, DType::int64);
  add_from<float>(table, DType::float32);
  add_from<double>(table, DType::float64);
  add_from<std::uint8_t>(table, DType::bool_);
  add_from_complex<float>(table, DType::complex64);
  add_from_complex<double>(table, DType::complex128);
  table[index_of(DType::float16)][index_of(DType::float32)] = &convert_half_to_float;
  table[index_of(DType::float32)][index_of(DType::float16)] = &convert_float_to_half;
  table[index_of(DType::bfloat16)][index_of(DType::float32)] = &convert_bfloat16_to_float;
  table[index_of(DType::float32)][index_of(DType::bfloat16)] = &convert_float_to_bfloat16;
  add_copies<1>(table);
  add_copies<2>(table);
  add_copies<4>(table);
  add_copies<8>(table);
  add_copies<16>(table);
  return table;
}

const ConversionTable& direct_conversions() {
  static constexpr ConversionTable table = make_conversions();
  return table;
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::simd {

HWY_EXPORT(direct_conversions);
const ConversionTable& direct_conversions() { return RUSTORCH_DISPATCH(direct_conversions)(); }

}  // namespace rustorch::simd
#endif
