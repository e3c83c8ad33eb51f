// Powers, lengths and rests of real vectors. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_POWER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_POWER_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_POWER_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_POWER_INL_H_
#endif

#include <limits>

#include "rustorch/compute/simd/lane_math.h"
#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"
#include "rustorch/compute/simd/ops/transcendental/exponential-inl.h"
#include "rustorch/compute/simd/ops/transcendental/logarithm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// √(x² + y²), scaled by a power of two where a square would leave the range.
template <class T>
HWY_INLINE Vector<T> hypot(Vector<T> x, Vector<T> y) {
  const Literal<Vector<T>> lit;
  const Vector<T> ax = abs(x);
  const Vector<T> ay = abs(y);
  const Vector<T> larger = select(ay > ax, ay, ax);
  const Mask<T> large = larger > by_type<T>(0x1p60, 0x1p500);
  const Mask<T> small = larger < by_type<T>(0x1p-50, 0x1p-400);
  const Vector<T> down = by_type<T>(0x1p-70, 0x1p-600);
  const Vector<T> up = by_type<T>(0x1p100, 0x1p600);
  const Vector<T> scale = select(large, down, select(small, up, lit(1)));
  const Vector<T> back =
      select(large, by_type<T>(0x1p70, 0x1p600), select(small, by_type<T>(0x1p-100, 0x1p-600), lit(1)));
  const Vector<T> a = ax * scale;
  const Vector<T> b = ay * scale;
  const Vector<T> length = sqrt(fused_multiply_add(a, a, b * b)) * back;
  // An infinite part wins, even over NaN.
  const Vector<T> infinity = lit(std::numeric_limits<T>::infinity());
  return select(ax == infinity || ay == infinity, infinity, length);
}

/// The exact rest of x / y with the sign of x.
template <class T>
HWY_INLINE Vector<T> fmod(Vector<T> x, Vector<T> y) {
  if constexpr (!multiply_add_is_fused) {  // exact only with it
    return lane_by_lane<T, lane::fmod<T>>(x, y);
  } else {
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
  }
}

template <class T>
HWY_INLINE Vector<T> pow(Vector<T> x, Vector<T> y) {
  return lane_by_lane<T, lane::pow<T>>(x, y);
}

/// float powers by way of double, whose logarithm is precise enough for any exponent.
HWY_INLINE Vector<float> pow(Vector<float> x, Vector<float> y) {
  const Literal<Vector<float>> lit;
  const Vector<float> zero = lit(0);
  const Vector<float> infinity = lit(std::numeric_limits<float>::infinity());
  const Vector<float> base = abs(x);
  const Mask<float> has_logarithm = base > zero && base < infinity;
  Vector<float> size =
      through_double(select(has_logarithm, base, lit(1)), y, [](Vector<double> b, Vector<double> e) HWY_ATTR {
        const Split<double> s = split(b);
        return exp(e * log_of_parts(s.exponent, s.mantissa - Vector<double>::literal(1)));
      });
  if (HWY_UNLIKELY(!all(has_logarithm))) {  // 0 and infinity, which have all powers but that of NaN
    const Vector<float> upwards = select(base < infinity, zero, infinity);
    const Vector<float> downwards = select(base < infinity, infinity, zero);
    const Vector<float> limit = select(y > zero, upwards, select(y < zero, downwards, lit(1)));
    size = select(has_logarithm, size, limit);
  }
  // A negative base takes the sign of an odd exponent, and if it is finite it has no other power than whole
  // ones.
  const Vector<float> half = y * lit(0.5);
  const Vector<float> for_whole = select(half == trunc(half), size, -size);
  const Vector<float> for_others = select(has_logarithm, lit(std::numeric_limits<float>::quiet_NaN()), size);
  const Vector<float> for_negative = select(y == trunc(y), for_whole, for_others);
  const Vector<float> result = select(copysign(lit(1), x) < zero, for_negative, size);
  const Mask<float> good = is_finite(y) && base <= infinity;  // not NaN
  return HWY_LIKELY(all(good)) ? result : select(good, result, lane_by_lane<float, lane::pow<float>>(x, y));
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
