// The dialect's exponential, logarithmic, trigonometric and hyperbolic functions of real vectors: Highway's
// kernels, completed where they do not care for NaN, infinities, signed zeros, subnormals or large arguments.

#if defined(RUSTORCH_COMPUTE_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_MATH_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_MATH_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include <limits>

#include "rustorch/compute/simd/float-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// A constant that differs between float and double.
template <class T>
HWY_INLINE Vector<T> by_type(double for_float, double for_double) {
  return Vector<T>::literal(sizeof(T) == 4 ? for_float : for_double);
}

/// e^x. Arguments whose result overflows are replaced by one that just overflows, because Highway's
/// exponent arithmetic wraps.
template <class T>
HWY_INLINE Vector<T> exp(Vector<T> x) {
  const Vector<T> limit = by_type<T>(89.0, 710.0);
  const Vector<T> y{hn::Exp(hn::ScalableTag<T>(), select(x > limit, limit, x).v)};
  return select(x != x, x, y);
}

/// e^x - 1
template <class T>
HWY_INLINE Vector<T> expm1(Vector<T> x) {
  const Vector<T> limit = by_type<T>(89.0, 710.0);
  const Vector<T> y{hn::Expm1(hn::ScalableTag<T>(), select(x > limit, limit, x).v)};
  return select(abs(x) > Vector<T>::literal(0), y, x);  // keeps NaN and the sign of zero
}

/// 2^k · x for a whole k within ±2 · the exponent's range, in two steps so that neither factor overflows.
template <class T>
HWY_INLINE Vector<T> scale_by_power_of_2(Vector<T> x, Vector<T> k) {
  using Integer = hwy::MakeSigned<T>;
  const hn::ScalableTag<T> d;
  const hn::ScalableTag<Integer> di;
  constexpr int mantissa = sizeof(T) == 4 ? 23 : 52;
  constexpr double bias = sizeof(T) == 4 ? 127 : 1023;
  const Vector<T> half = floor(k * Vector<T>::literal(0.5));
  // Adding 1.5 · 2^mantissa leaves the integer in the low bits, whatever its sign.
  const Vector<T> magic = Vector<T>::literal(1.5 * static_cast<double>(Integer{1} << mantissa) + bias);
  const auto power = [&](Vector<T> e) HWY_ATTR {
    return Vector<T>{hn::BitCast(d, hn::ShiftLeft<mantissa>(hn::BitCast(di, (e + magic).v)))};
  };
  return x * power(half) * power(k - half);
}

template <class T>
HWY_INLINE Vector<T> exp2(Vector<T> x) {
  const Vector<T> limit = by_type<T>(160.0, 1100.0);
  const Vector<T> bounded = select(x > limit, limit, select(x < -limit, -limit, x));
  const Vector<T> whole = round(bounded);
  const Vector<T> rest = (bounded - whole) * Vector<T>::literal(0.69314718055994530942);
  const Vector<T> y = scale_by_power_of_2(Vector<T>{hn::Exp(hn::ScalableTag<T>(), rest.v)}, whole);
  return select(x != x, x, y);
}

/// The logarithm's values where Highway's kernel has none: `y` is the kernel's result.
template <class T>
HWY_INLINE Vector<T> finish_log(Vector<T> x, Vector<T> y) {
  const Vector<T> infinity = Vector<T>::literal(std::numeric_limits<T>::infinity());
  const Vector<T> zero = Vector<T>::literal(0);
  const Vector<T> not_positive =
      select(x == zero, -infinity, Vector<T>::literal(std::numeric_limits<T>::quiet_NaN()));
  return select(x > zero, select(x == infinity, x, y), not_positive);
}

template <class T>
HWY_INLINE Vector<T> log(Vector<T> x) {
  return finish_log(x, Vector<T>{hn::Log(hn::ScalableTag<T>(), x.v)});
}

/// x = mantissa · 2^exponent with the mantissa in [√½, √2), for positive finite x.
template <class T>
struct Split {
  Vector<T> mantissa, exponent;
};
template <class T>
HWY_INLINE Split<T> split(Vector<T> x) {
  using Integer = hwy::MakeSigned<T>;
  const hn::ScalableTag<T> d;
  const hn::ScalableTag<Integer> di;
  constexpr int bits = sizeof(T) == 4 ? 23 : 52;
  // The bits of √½: subtracted, the exponent field counts powers of 2 from there.
  const auto start = hn::Set(di, static_cast<Integer>(sizeof(T) == 4 ? 0x3F3504F3LL : 0x3FE6A09E667F3BCDLL));
  const Mask<T> subnormal = x < Vector<T>::literal(std::numeric_limits<T>::min());
  const Vector<T> normal =
      select(subnormal, x * Vector<T>::literal(static_cast<double>(Integer{1} << bits)), x);
  const auto offset = hn::Sub(hn::BitCast(di, normal.v), start);
  const auto exponent = hn::ShiftRight<bits>(offset);
  const auto mantissa = hn::Sub(hn::BitCast(di, normal.v), hn::ShiftLeft<bits>(exponent));
  const Vector<T> e{hn::ConvertTo(d, exponent)};
  return {Vector<T>{hn::BitCast(d, mantissa)}, select(subnormal, e - Vector<T>::literal(bits), e)};
}

/// Exact for powers of 2.
template <class T>
HWY_INLINE Vector<T> log2(Vector<T> x) {
  const Split<T> s = split(x);
  const Vector<T> y =
      Vector<T>{hn::Log(hn::ScalableTag<T>(), s.mantissa.v)} * Vector<T>::literal(1.44269504088896340736);
  return finish_log(x, s.exponent + y);
}

template <class T>
HWY_INLINE Vector<T> log10(Vector<T> x) {
  const Split<T> s = split(x);
  const Vector<T> y =
      Vector<T>{hn::Log(hn::ScalableTag<T>(), s.mantissa.v)} * Vector<T>::literal(0.43429448190325182765);
  // log10(2) in two parts, the first with so few bits that its product with the exponent is exact.
  const Vector<T> high = by_type<T>(0.30102539062, 0.30102999566395282);
  const Vector<T> low = by_type<T>(4.6050389811e-6, 2.83633945510e-14);
  return finish_log(x, s.exponent * high + (s.exponent * low + y));
}

/// log(1 + x)
template <class T>
HWY_INLINE Vector<T> log1p(Vector<T> x) {
  const Vector<T> zero = Vector<T>::literal(0);
  const Vector<T> infinity = Vector<T>::literal(std::numeric_limits<T>::infinity());
  const Vector<T> y{hn::Log1p(hn::ScalableTag<T>(), x.v)};
  const Vector<T> small = select(x == zero || x == infinity, x, y);
  const Vector<T> minus_one = Vector<T>::literal(-1);
  const Vector<T> outside =
      select(x == minus_one, -infinity, Vector<T>::literal(std::numeric_limits<T>::quiet_NaN()));
  return select(x > minus_one, small, outside);
}

/// Beyond these arguments Highway's reduction of sin and cos loses digits: the C library takes over.
template <class T>
HWY_INLINE Mask<T> reduces_well(Vector<T> x) {
  return abs(x) <= by_type<T>(8192.0, 39000.0);
}
template <class T>
HWY_INLINE Vector<T> sin(Vector<T> x) {
  if (HWY_UNLIKELY(!all(reduces_well(x)))) return lane_by_lane<T, lane::sin<T>>(x);
  return select(x == Vector<T>::literal(0), x, Vector<T>{hn::Sin(hn::ScalableTag<T>(), x.v)});
}
template <class T>
HWY_INLINE Vector<T> cos(Vector<T> x) {
  if (HWY_UNLIKELY(!all(reduces_well(x)))) return lane_by_lane<T, lane::cos<T>>(x);
  return {hn::Cos(hn::ScalableTag<T>(), x.v)};
}
template <class T>
HWY_INLINE Vector<T> tan(Vector<T> x) {
  return lane_by_lane<T, lane::tan<T>>(x);
}

template <class T>
HWY_INLINE Vector<T> asin(Vector<T> x) {
  return {hn::Asin(hn::ScalableTag<T>(), x.v)};
}
template <class T>
HWY_INLINE Vector<T> acos(Vector<T> x) {
  return {hn::Acos(hn::ScalableTag<T>(), x.v)};
}
template <class T>
HWY_INLINE Vector<T> atan(Vector<T> x) {
  return {hn::Atan(hn::ScalableTag<T>(), x.v)};
}

template <class T>
HWY_INLINE Vector<T> sinh(Vector<T> x) {
  const Vector<T> a = abs(x);
  const Vector<T> large = by_type<T>(80.0, 700.0);
  const Vector<T> root = exp(a * Vector<T>::literal(0.5));  // overflows only after the result does
  const Vector<T> small{hn::Sinh(hn::ScalableTag<T>(), select(a < large, a, large).v)};
  const Vector<T> y = select(a < large, small, Vector<T>::literal(0.5) * root * root);
  return copysign(select(x != x, x, y), x);
}
template <class T>
HWY_INLINE Vector<T> cosh(Vector<T> x) {
  const Vector<T> half = Vector<T>::literal(0.5);
  const Vector<T> root = exp(abs(x) * half);
  return half * root * root + half / root / root;
}
template <class T>
HWY_INLINE Vector<T> tanh(Vector<T> x) {
  return {hn::Tanh(hn::ScalableTag<T>(), x.v)};
}
template <class T>
HWY_INLINE Vector<T> asinh(Vector<T> x) {
  const Vector<T> y{hn::Asinh(hn::ScalableTag<T>(), x.v)};
  return select(is_finite(x), y, x);
}
template <class T>
HWY_INLINE Vector<T> acosh(Vector<T> x) {
  const Vector<T> y{hn::Acosh(hn::ScalableTag<T>(), x.v)};
  const Vector<T> inside = select(is_finite(x), y, x);
  return select(x >= Vector<T>::literal(1), inside, Vector<T>::literal(std::numeric_limits<T>::quiet_NaN()));
}
template <class T>
HWY_INLINE Vector<T> atanh(Vector<T> x) {
  const Vector<T> a = abs(x);
  return copysign(Vector<T>::literal(0.5) * log1p((a + a) / (Vector<T>::literal(1) - a)), x);
}

template <class T>
HWY_INLINE Vector<T> pow(Vector<T> x, Vector<T> y) {
  return lane_by_lane<T, lane::pow<T>>(x, y);
}
template <class T>
HWY_INLINE Vector<T> atan2(Vector<T> y, Vector<T> x) {
  return lane_by_lane<T, lane::atan2<T>>(y, x);
}
template <class T>
HWY_INLINE Vector<T> hypot(Vector<T> x, Vector<T> y) {
  return lane_by_lane<T, lane::hypot<T>>(x, y);
}
/// The exact rest of x / y with the sign of x.
template <class T>
HWY_INLINE Vector<T> fmod(Vector<T> x, Vector<T> y) {
  return lane_by_lane<T, lane::fmod<T>>(x, y);
}
template <class T>
HWY_INLINE Vector<T> erf(Vector<T> x) {
  return lane_by_lane<T, lane::erf<T>>(x);
}
template <class T>
HWY_INLINE Vector<T> erfc(Vector<T> x) {
  return lane_by_lane<T, lane::erfc<T>>(x);
}
template <class T>
HWY_INLINE Vector<T> lgamma(Vector<T> x) {
  return lane_by_lane<T, lane::lgamma<T>>(x);
}
template <class T>
HWY_INLINE Vector<T> digamma(Vector<T> x) {
  return lane_by_lane<T, lane::digamma<T>>(x);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
