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

/// Beyond these arguments Highway's reduction of sin and cos loses digits: the C library takes over those
/// lanes.
template <class T>
HWY_INLINE Mask<T> reduces_well(Vector<T> x) {
  return abs(x) <= by_type<T>(8192.0, 39000.0);
}
template <class T>
HWY_INLINE Vector<T> sin(Vector<T> x) {
  const Vector<T> y = select(x == Vector<T>::literal(0), x, Vector<T>{hn::Sin(hn::ScalableTag<T>(), x.v)});
  const Mask<T> good = reduces_well(x);
  return HWY_LIKELY(all(good)) ? y : select(good, y, lane_by_lane<T, lane::sin<T>>(x));
}
template <class T>
HWY_INLINE Vector<T> cos(Vector<T> x) {
  const Vector<T> y{hn::Cos(hn::ScalableTag<T>(), x.v)};
  const Mask<T> good = reduces_well(x);
  return HWY_LIKELY(all(good)) ? y : select(good, y, lane_by_lane<T, lane::cos<T>>(x));
}
template <class T>
HWY_INLINE Vector<T> tan(Vector<T> x) {
  const hn::ScalableTag<T> d;
  const Vector<T> y = Vector<T>{hn::Sin(d, x.v)} / Vector<T>{hn::Cos(d, x.v)};
  const Vector<T> kept = select(x == Vector<T>::literal(0), x, y);
  const Mask<T> good = reduces_well(x);
  return HWY_LIKELY(all(good)) ? kept : select(good, kept, lane_by_lane<T, lane::tan<T>>(x));
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

/// The angle of the point (x, y): Highway's arc tangent of the smaller part over the larger, moved to its
/// octant.
template <class T>
HWY_INLINE Vector<T> atan2(Vector<T> y, Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> ax = abs(x);
  const Vector<T> ay = abs(y);
  const Mask<T> steep = ay > ax;
  const Vector<T> large = select(steep, ay, ax);
  const Vector<T> small = select(steep, ax, ay);
  // 0 / 0 is the direction of the x axis, infinity / infinity a diagonal.
  const Vector<T> ratio = select(large == lit(0), lit(0),
                                 select(is_infinite(small) && is_infinite(large), lit(1), small / large));
  const Vector<T> octant{hn::Atan(hn::ScalableTag<T>(), ratio.v)};
  const Vector<T> quadrant = select(steep, lit(1.57079632679489661923) - octant, octant);
  const Vector<T> half = select(sign_bit(x), lit(3.14159265358979323846) - quadrant, quadrant);
  return select(x != x || y != y, x + y, copysign(half, y));
}

template <class T>
HWY_INLINE Vector<T> hypot(Vector<T> x, Vector<T> y) {
  const Literal<Vector<T>> lit;
  const Vector<T> ax = abs(x);
  const Vector<T> ay = abs(y);
  const Vector<T> large = select(ay > ax, ay, ax);
  const Vector<T> small = select(ay > ax, ax, ay);
  const Vector<T> ratio = small / large;
  const Vector<T> length =
      select(large == lit(0), lit(0), large * sqrt(fused_multiply_add(ratio, ratio, lit(1))));
  // An infinite part wins, even over NaN.
  const Vector<T> infinity = lit(std::numeric_limits<T>::infinity());
  return select(ax == infinity || ay == infinity, infinity, select(x != x || y != y, x + y, length));
}

/// The exact rest of x / y with the sign of x.
template <class T>
HWY_INLINE Vector<T> fmod(Vector<T> x, Vector<T> y) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_SSE4  // exact only with a fused multiply-add
  return lane_by_lane<T, lane::fmod<T>>(x, y);
#else
  const Literal<Vector<T>> lit;
  const Vector<T> ax = abs(x);
  const Vector<T> ay = abs(y);
  // While the quotient is whole it is right up to 1, and the rest of that is exact.
  const Vector<T> quotient = trunc(ax / ay);
  const Vector<T> rest{hn::NegMulAdd(quotient.v, ay.v, ax.v)};
  const Vector<T> raised = select(rest < lit(0), rest + ay, rest);
  const Vector<T> lowered = select(raised >= ay, raised - ay, raised);
  const Mask<T> good = quotient < by_type<T>(4194304.0, 2251799813685248.0) && is_finite(y);
  const Vector<T> result = copysign(lowered, x);
  return HWY_LIKELY(all(good)) ? result : select(good, result, lane_by_lane<T, lane::fmod<T>>(x, y));
#endif
}

template <class T>
HWY_INLINE Vector<T> pow(Vector<T> x, Vector<T> y) {
  return lane_by_lane<T, lane::pow<T>>(x, y);
}

#if HWY_TARGET != HWY_SCALAR
/// float powers by way of double, whose logarithm is precise enough for any exponent.
HWY_INLINE Vector<float> pow(Vector<float> x, Vector<float> y) {
  const Literal<Vector<float>> lit;
  const hn::ScalableTag<float> d;
  const hn::ScalableTag<double> dd;
  const hn::Half<hn::ScalableTag<float>> dh;
  const auto power = [&](hn::Vec<hn::Half<hn::ScalableTag<float>>> base,
                         hn::Vec<hn::Half<hn::ScalableTag<float>>> exponent) HWY_ATTR {
    const Vector<double> logarithm{hn::Log(dd, hn::PromoteTo(dd, base))};
    return hn::DemoteTo(dh, exp(Vector<double>{hn::PromoteTo(dd, exponent)} * logarithm).v);
  };
  const Vector<float> base = abs(x);
  const Vector<float> size{hn::Combine(d, power(hn::UpperHalf(dh, base.v), hn::UpperHalf(dh, y.v)),
                                       power(hn::LowerHalf(dh, base.v), hn::LowerHalf(dh, y.v)))};
  // A negative base takes the sign of an odd exponent, and has no other power than whole ones.
  const Vector<float> half = y * lit(0.5);
  const Vector<float> for_whole = select(half == trunc(half), size, -size);
  const Vector<float> for_negative =
      select(y == trunc(y), for_whole, lit(std::numeric_limits<float>::quiet_NaN()));
  const Vector<float> result = select(x < lit(0), for_negative, size);
  const Mask<float> good = is_finite(x) && is_finite(y) && base > lit(0);
  return HWY_LIKELY(all(good)) ? result : select(good, result, lane_by_lane<float, lane::pow<float>>(x, y));
}
#endif

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
