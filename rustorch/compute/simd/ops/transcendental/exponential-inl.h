// Exponential functions of real vectors. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_EXPONENTIAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_EXPONENTIAL_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_EXPONENTIAL_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_EXPONENTIAL_INL_H_
#endif

#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

// Whole numbers n are kept as n + 1.5 · 2^(bits of the mantissa): their bits end in those of the integer n,
// whatever its sign, and adding that rounds.
template <class T>
constexpr double whole_shift = sizeof(T) == 4 ? 12582912.0 : 6755399441055744.0;

/// x · 2^n for a power of two x, where neither leaves the range of normal numbers.
template <class T>
HWY_INLINE Vector<T> raise(Vector<T> x, Vector<T> shifted_n) {
  const hn::ScalableTag<T> d;
  const hn::ScalableTag<hwy::MakeSigned<T>> di;
  constexpr int mantissa_bits = sizeof(T) == 4 ? 23 : 52;
  const auto exponent = hn::ShiftLeft<mantissa_bits>(hn::BitCast(di, shifted_n.v));
  return {hn::BitCast(d, hn::Add(hn::BitCast(di, x.v), exponent))};
}

/// x within [low, high]; NaN stays.
template <class T>
HWY_INLINE Vector<T> within(Vector<T> x, Vector<T> low, Vector<T> high) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR  // of two operands one of which is NaN these give the second
  return {hn::Max(low.v, hn::Min(high.v, x.v))};
#else
  return select(x > high, high, select(x < low, low, x));
#endif
}

/// (e^r - 1 - r) / r² for |r| up to ln(2) / 2: a minimax polynomial (Remez).
template <class T>
HWY_INLINE Vector<T> expm1_rest(Vector<T> r) {
  constexpr double for_float[] = {0.500000006, 0.16666542, 0.0416662791, 0.00836673147, 0.00139466938};
  constexpr double for_double[] = {0.5,
                                   0.166666666666666767,
                                   0.0416666666666667017,
                                   0.00833333333332147339,
                                   0.00138888888888665978,
                                   0.000198412698866322018,
                                   0.0000248015873611342483,
                                   2.75572436092201283e-6,
                                   2.7557242209550653e-7,
                                   2.51092737092171228e-8,
                                   2.09246253175564663e-9};
  return polynomial(r, for_float, for_double);
}
/// e^r - 1 for |r| up to ln(2) / 2.
template <class T>
HWY_INLINE Vector<T> expm1_of_small(Vector<T> r) {
  return fused_multiply_add(r * r, expm1_rest(r), r);
}
/// e^(r + rest) - 1 - r where the rest is what rounding took from r.
template <class T>
HWY_INLINE Vector<T> expm1_beyond(Vector<T> r, Vector<T> rest) {
  return fused_multiply_add(r * r, expm1_rest(r), rest);
}

/// ln(2) in two parts, the first so short that its product with an exponent is exact.
template <class T>
HWY_INLINE Vector<T> ln_2() {
  return by_type<T>(0x1.62e4p-1, 0x1.62e42feep-1);
}
template <class T>
HWY_INLINE Vector<T> ln_2_rest() {
  return by_type<T>(1.42860682030941723e-6, 1.90821492927058770e-10);
}

/// x as n ln(2) + r. Cody and Waite's reduction: n times the high part of ln(2) is exact.
template <class T>
struct ReducedExponent {
  Vector<T> shifted_n, r, r_rest;  // r_rest only of two operands: what rounding took from r

  explicit HWY_INLINE ReducedExponent(Vector<T> x) {
    const Vector<T> n = reduce(x);
    r = negated_multiply_add(n, ln_2_rest<T>(), r);
  }
  /// Of x - rest, where the rest is small.
  HWY_INLINE ReducedExponent(Vector<T> x, Vector<T> rest) {
    const Vector<T> n = reduce(x);
    const Vector<T> high = r;
    const Vector<T> low = fused_multiply_add(n, ln_2_rest<T>(), rest);
    r = high - low;
    r_rest = (high - r) - low;
  }

 private:
  HWY_INLINE Vector<T> reduce(Vector<T> x) {
    const Literal<Vector<T>> lit;
    shifted_n = fused_multiply_add(x, lit(1.44269504088896340736), lit(whole_shift<T>));
    const Vector<T> n = shifted_n - lit(whole_shift<T>);
    r = negated_multiply_add(n, ln_2<T>(), x);
    return n;
  }
};

/// 2^n as power · rest, both normal, for n from those of the smallest subnormal number to one above the
/// range. The caller knows whether n is `low`: about that of the smallest normal number.
template <class T>
struct PowerOf2 {
  Vector<T> power, rest;

  HWY_INLINE PowerOf2(Vector<T> shifted_n, Mask<T> low) {
    const Literal<Vector<T>> lit;
    power = raise(select(low, lit(0x1p64), lit(0.5)), shifted_n);
    rest = select(low, lit(0x1p-64), lit(2));
  }
};

/// e^x
template <class T>
HWY_INLINE Vector<T> exp(Vector<T> x) {
  const Vector<T> bounded = within(x, by_type<T>(-104.0, -746.0), by_type<T>(89.0, 710.0));
  const ReducedExponent<T> reduced(bounded);
  const PowerOf2<T> scale(reduced.shifted_n, bounded < by_type<T>(-80.0, -700.0));
  return fused_multiply_add(scale.power, expm1_of_small(reduced.r), scale.power) * scale.rest;
}

/// 2^x, exact for whole x.
template <class T>
HWY_INLINE Vector<T> exp2(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> bounded = within(x, by_type<T>(-151.0, -1076.0), by_type<T>(128.0, 1024.0));
  const Vector<T> shifted_n = bounded + lit(whole_shift<T>);
  const Vector<T> r = (bounded - (shifted_n - lit(whole_shift<T>))) * lit(0.69314718055994530942);
  const PowerOf2<T> scale(shifted_n, bounded < by_type<T>(-115.0, -1010.0));
  return fused_multiply_add(scale.power, expm1_of_small(r), scale.power) * scale.rest;
}

/// e^x - 1 = 2 (2^(n-1) q + (2^(n-1) - 1/2)): halves, because 2^n may overflow.
template <class T>
HWY_INLINE Vector<T> expm1(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> bounded = within(x, by_type<T>(-20.0, -40.0), by_type<T>(89.0, 710.0));
  const ReducedExponent<T> reduced(bounded);
  const Vector<T> power = raise(lit(0.5), reduced.shifted_n);
  const Vector<T> y = lit(2) * fused_multiply_add(power, expm1_of_small(reduced.r), power - lit(0.5));
  return select(abs(x) < lit(1e-20), x, y);  // keeps subnormal numbers and the sign of zero
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
