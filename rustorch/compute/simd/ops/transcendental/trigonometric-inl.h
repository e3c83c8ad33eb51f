// Trigonometric functions of real vectors and their inverses. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_TRIGONOMETRIC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_TRIGONOMETRIC_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_TRIGONOMETRIC_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_TRIGONOMETRIC_INL_H_
#endif

#include <limits>

#include "rustorch/compute/simd/lane_math.h"
#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"
#include "rustorch/compute/simd/ops/transcendental/exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// x as n π/2 + high + low with |high| up to π/4; the low part only if asked for.
template <class T, bool with_low>
struct ReducedAngle {
  Vector<T> shifted_n, high, low;

  explicit HWY_INLINE ReducedAngle(Vector<T> x) {
    const Literal<Vector<T>> lit;
    shifted_n = fused_multiply_add(x, lit(0.63661977236758134308), lit(whole_shift<T>));
    const Vector<T> n = shifted_n - lit(whole_shift<T>);
    if constexpr (!multiply_add_is_fused && sizeof(T) == 4) {
      // In double n times the first part, of 33 bits, is exact.
      high = through_double(n, x, [](Vector<double> whole, Vector<double> angle) HWY_ATTR {
        return (angle - whole * Vector<double>::literal(0x1.921fb544p+0)) -
               whole * Vector<double>::literal(6.0771005065061926e-11);
      });
      low = lit(0);
      return;
    }
    // π/2 in three parts of all bits that T has. The first difference is exact: n times the first part has no
    // digit below those of that part, and the rest has no digits above 1.
    const Vector<T> rest = negated_multiply_add(n, by_type<T>(0x1.921fb6p+0, 0x1.921fb54442d18p+0), x);
    const Vector<T> second = by_type<T>(-0x1.777a5cp-25, 0x1.1a62633145c07p-54);
    const Vector<T> third = by_type<T>(-1.715124499e-15, -1.497384904859169777e-33);
    low = lit(0);
    if constexpr (!with_low) {
      high = negated_multiply_add(n, third, negated_multiply_add(n, second, rest));
      return;
    }
    const Vector<T> product = n * second;
    high = rest - product;
    low = ((rest - high) - product) - multiply_error(n, second, product);
    low = negated_multiply_add(n, third, low);
  }
};

/// Up to here the reduction keeps all digits. The C library takes over the lanes beyond.
template <class T>
HWY_INLINE Mask<T> reduces_well(Vector<T> x) {
  return abs(x) <= by_type<T>(100000.0, 1e6);
}

/// A sum that is rounded, and what rounding took; |large| must not be less than |small|.
template <class T>
struct RoundedSum {
  Vector<T> sum, rest;
  HWY_INLINE RoundedSum() = default;
  HWY_INLINE RoundedSum(Vector<T> large, Vector<T> small) {
    sum = large + small;
    rest = (large - sum) + small;
  }
  static HWY_INLINE RoundedSum exactly(Vector<T> value) {
    RoundedSum y;
    y.sum = value;
    y.rest = Vector<T>::literal(0);
    return y;
  }
};

/// sin(r + low) for |r| up to π/4: minimax polynomials (Remez) for what follows r, and below for what follows
/// 1 - r²/2.
template <bool precise, class T>
HWY_INLINE RoundedSum<T> sin_of_small(Vector<T> r, Vector<T> low) {
  constexpr double for_float[] = {-0.166666666, 0.00833332916, -0.000198392659, 2.71768017e-6};
  constexpr double for_double[] = {-0.166666666666666666,   0.00833333333333332172, -0.000198412698412538911,
                                   2.7557319213588711e-6,   -2.5052104756592167e-8, 1.60583470541252485e-10,
                                   -7.57773433285282652e-13};
  const Vector<T> z = r * r;
  const Vector<T> p = polynomial(z, for_float, for_double);
  if constexpr (!precise) return RoundedSum<T>::exactly(fused_multiply_add(r * z, p, r));
  return {r, fused_multiply_add(r * z, p, low)};
}
template <bool precise, class T>
HWY_INLINE RoundedSum<T> cos_of_small(Vector<T> r, Vector<T> low) {
  const Literal<Vector<T>> lit;
  constexpr double for_float[] = {0.0416666666, -0.00138888833, 2.47994098e-5, -2.72016321e-7};
  constexpr double for_double[] = {0.0416666666666666666,   -0.00138888888888888718, 0.000024801587301569532,
                                   -2.75573192145650453e-7, 2.08767541897899724e-9,  -1.14702738593986882e-11,
                                   4.73725737498620144e-14};
  const Vector<T> z = r * r;
  const Vector<T> half = lit(0.5) * z;
  const Vector<T> start = lit(1) - half;
  if constexpr (!precise)
    return RoundedSum<T>::exactly(fused_multiply_add(z * z, polynomial(z, for_float, for_double), start));
  const Vector<T> lost = (lit(1) - start) - half;
  const Vector<T> bend = negated_multiply_add(r, low, lost);
  return {start, fused_multiply_add(z * z, polynomial(z, for_float, for_double), bend)};
}

/// What sin, cos and tan are made of: sine and cosine of the reduced angle. The quotient of both needs more
/// digits.
template <class T, bool precise = false>
struct SineAndCosine {
  Vector<T> shifted_n;
  RoundedSum<T> sine, cosine;

  explicit HWY_INLINE SineAndCosine(Vector<T> x) {
    const ReducedAngle<T, precise> angle(x);
    shifted_n = angle.shifted_n;
    sine = sin_of_small<precise>(angle.high, angle.low);
    cosine = cos_of_small<precise>(angle.high, angle.low);
  }
  /// Whether n + offset is odd.
  HWY_INLINE Mask<T> is_odd(int offset) const {
    const hn::ScalableTag<T> d;
    const hn::ScalableTag<hwy::MakeSigned<T>> di;
    const auto n =
        hn::Add(hn::BitCast(di, shifted_n.v), hn::Set(di, static_cast<hwy::MakeSigned<T>>(offset)));
    return {hn::RebindMask(d, hn::TestBit(n, hn::Set(di, 1)))};
  }
  /// x with the other sign where bit `bit` of n + offset is set.
  HWY_INLINE Vector<T> flip(Vector<T> x, int offset, int bit) const {
    const hn::ScalableTag<T> d;
    const hn::ScalableTag<hwy::MakeSigned<T>> di;
    const auto n =
        hn::Add(hn::BitCast(di, shifted_n.v), hn::Set(di, static_cast<hwy::MakeSigned<T>>(offset)));
    const auto at_sign = bit == 0 ? hn::ShiftLeft<sizeof(T) * 8 - 1>(n) : hn::ShiftLeft<sizeof(T) * 8 - 2>(n);
    return {hn::Xor(x.v, hn::And(hn::BitCast(d, at_sign), hn::SignBit(d)))};
  }
};

/// The function by quarter turns where x allows it, and not in double without a fused multiply-add: there the
/// C library's is the better way.
template <class T, T (*function)(T), class Quarters>
HWY_INLINE Vector<T> by_quarters(Vector<T> x, const Quarters& quarters) {
  if constexpr (!multiply_add_is_fused && sizeof(T) == 8) {
    return lane_by_lane<T, function>(x);
  } else {
    const Vector<T> y = quarters();
    const Mask<T> good = reduces_well(x);
    return HWY_LIKELY(all(good)) ? y : select(good, y, lane_by_lane<T, function>(x));
  }
}

template <class T>
HWY_INLINE Vector<T> sin(Vector<T> x) {
  return by_quarters<T, lane::sin<T>>(x, [&]() HWY_ATTR {
    const SineAndCosine<T> parts(x);
    const Vector<T> y = parts.flip(select(parts.is_odd(0), parts.cosine.sum, parts.sine.sum), 0, 1);
    return select(x == Vector<T>::literal(0), x, y);  // the sign of zero
  });
}
template <class T>
HWY_INLINE Vector<T> cos(Vector<T> x) {
  return by_quarters<T, lane::cos<T>>(x, [&]() HWY_ATTR {
    const SineAndCosine<T> parts(x);
    return parts.flip(select(parts.is_odd(1), parts.cosine.sum, parts.sine.sum), 1, 1);
  });
}
template <class T>
HWY_INLINE Vector<T> tan(Vector<T> x) {
  return by_quarters<T, lane::tan<T>>(x, [&]() HWY_ATTR {
    const SineAndCosine<T, true> parts(x);
    const Mask<T> odd = parts.is_odd(0);
    const Vector<T> divisor = select(odd, parts.sine.sum, parts.cosine.sum);
    const Vector<T> y = select(odd, parts.cosine.sum, parts.sine.sum) / divisor;
    const Vector<T> rest = negated_multiply_add(y, select(odd, parts.sine.rest, parts.cosine.rest),
                                                select(odd, parts.cosine.rest, parts.sine.rest));
    return select(x == Vector<T>::literal(0), x, parts.flip(y + rest / divisor, 0, 0));
  });
}

/// asin(x) / x - 1 for |x| up to 1/2, of z = x²: a minimax polynomial (Remez).
template <class T>
HWY_INLINE Vector<T> asin_rest(Vector<T> z) {
  constexpr double for_float[] = {0.1666666,    0.0750050419, 0.0445169533,
                                  0.0318077357, 0.014438538,  0.0375165432};
  constexpr double for_double[] = {0.166666666666667605,   0.0749999999997079585, 0.0446428571746147055,
                                   0.0303819427076827428,  0.0223722149896595255, 0.017351611990164827,
                                   0.013980820701703206,   0.0113989118058961721, 0.0107802513995219088,
                                   0.00370642517905113549, 0.0217073850212996511, -0.02099894892105483,
                                   0.032628539280681053};
  return z * polynomial(z, for_float, for_double);
}

/// π/2 in two parts.
template <class T>
HWY_INLINE Vector<T> half_pi() {
  return by_type<T>(0x1.921fb6p+0, 0x1.921fb54442d18p+0);
}
template <class T>
HWY_INLINE Vector<T> half_pi_rest() {
  return by_type<T>(-4.37113900019e-8, 6.12323399573676589e-17);
}

/// What asin and acos start with: beyond 1/2 the function of √((1 - |x|) / 2).
template <class T>
struct ReducedArc {
  Vector<T> a, z, rest;
  Mask<T> small;

  explicit HWY_INLINE ReducedArc(Vector<T> x) : a(abs(x)), small(a < Vector<T>::literal(0.5)) {
    const Vector<T> half = Vector<T>::literal(0.5);
    z = select(small, a * a, half - half * a);
    rest = asin_rest(z);
  }
};

/// Beyond 1/2 it is π/2 - 2 asin(√((1 - x) / 2)).
template <class T>
HWY_INLINE Vector<T> asin(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const auto [a, z, rest, small] = ReducedArc<T>(x);
  const Vector<T> root = lit(2) * sqrt(z);
  const RoundedSum<T> start(half_pi<T>(), -root);
  const Vector<T> large = start.sum - (root * rest - (half_pi_rest<T>() + start.rest));
  return copysign(select(small, fused_multiply_add(a, rest, a), large), x);
}
template <class T>
HWY_INLINE Vector<T> acos(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const auto [a, z, rest, small] = ReducedArc<T>(x);
  const Vector<T> near_zero = (half_pi<T>() - x) - (x * rest - half_pi_rest<T>());
  const Vector<T> root = sqrt(z);
  const Vector<T> half = fused_multiply_add(root, rest, root);
  const Vector<T> below = (half_pi<T>() - root) - (root * rest - half_pi_rest<T>());
  return select(small, near_zero, lit(2) * select(x < lit(0), below, half));
}

/// atan(x) - x for numbers from 0 to 1: a minimax polynomial (Remez).
template <class T>
HWY_INLINE Vector<T> atan_rest(Vector<T> x) {
  constexpr double for_float[] = {-0.333332991, 0.199985482,   -0.142642414, 0.109521842,   -0.0840344624,
                                  0.0579575283, -0.0311777846, 0.0109145745, -0.00179361506};
  constexpr double for_double[] = {
      -0.333333333333332857,   0.199999999999904462,  -0.142857142850365678,    0.111111110864455796,
      -0.0909090854722275241,  0.0769229971137039336, -0.0666658371920029012,   0.0588171613071301281,
      -0.0525943367572501124,  0.0474492569951084435, -0.0428638972352598655,   0.038210037115145334,
      -0.0327853813858070387,  0.0261516018722903634, -0.0186141307969022956,   0.0113175961343567538,
      -0.00561235484892209148, 0.0021515739184605488, -0.000592889031740404761, 0.000103871120815997034,
      -8.65414011268234302e-6};
  const Vector<T> z = x * x;
  return x * z * polynomial(z, for_float, for_double);
}

template <class T>
HWY_INLINE Vector<T> atan(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> a = abs(x);
  const Mask<T> steep = a > lit(1);
  const Vector<T> ratio = select(steep, lit(1) / a, a);
  const Vector<T> rest = atan_rest(ratio);
  return copysign(select(steep, (half_pi<T>() - ratio) - (rest - half_pi_rest<T>()), ratio + rest), x);
}

/// The angle of the point (x, y): the arc tangent of the smaller part over the larger, moved to its octant.
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
  const Vector<T> rest = atan_rest(ratio);
  // The octants start at 0, π/2 or π; in those two steep ones or left of 0 the angle may run backwards.
  const Mask<T> left = sign_bit(x);
  const Vector<T> start = select(steep, half_pi<T>(), select(left, lit(2) * half_pi<T>(), lit(0)));
  const Vector<T> start_rest =
      select(steep, half_pi_rest<T>(), select(left, lit(2) * half_pi_rest<T>(), lit(0)));
  const Mask<T> forward = (steep && left) || (!steep && !left);
  const Vector<T> signed_ratio = select(forward, ratio, -ratio);
  const Vector<T> signed_rest = select(forward, rest, -rest);
  const RoundedSum<T> sum(start, signed_ratio);
  const Vector<T> half = sum.sum + (signed_rest + (start_rest + sum.rest));
  return select(is_nan(x) || is_nan(y), x + y, copysign(half, y));
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
