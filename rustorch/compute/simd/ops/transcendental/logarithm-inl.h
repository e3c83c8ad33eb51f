// Logarithms of real vectors. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_LOGARITHM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_LOGARITHM_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_LOGARITHM_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_LOGARITHM_INL_H_
#endif

#include <limits>

#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"
#include "rustorch/compute/simd/ops/transcendental/exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// x = mantissa · 2^exponent with the mantissa in [√½, √2), for positive finite x.
template <class T>
struct Split {
  Vector<T> mantissa, exponent;
};
template <class T>
HWY_INLINE Split<T> split_normal(Vector<T> x) {
  using Integer = hwy::MakeSigned<T>;
  const hn::ScalableTag<T> d;
  const hn::ScalableTag<Integer> di;
  constexpr int bits = sizeof(T) == 4 ? 23 : 52;
  // The bits of √½: subtracted, the exponent field counts powers of 2 from there.
  const auto start = hn::Set(di, static_cast<Integer>(sizeof(T) == 4 ? 0x3F3504F3LL : 0x3FE6A09E667F3BCDLL));
  const auto offset = hn::Sub(hn::BitCast(di, x.v), start);
  const auto exponent = hn::ShiftRight<bits>(offset);
  const auto mantissa = hn::Sub(hn::BitCast(di, x.v), hn::ShiftLeft<bits>(exponent));
  return {Vector<T>{hn::BitCast(d, mantissa)}, Vector<T>{hn::ConvertTo(d, exponent)}};
}
/// The same where x may be subnormal.
template <class T>
HWY_INLINE Split<T> split(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Mask<T> subnormal = x < lit(std::numeric_limits<T>::min());
  Split<T> s = split_normal(select(subnormal, x * lit(0x1p64), x));
  s.exponent = s.exponent - select(subnormal, lit(64), lit(0));
  return s;
}

/// The logarithm's values outside of the positive numbers; `y` is it inside.
template <class T>
HWY_INLINE Vector<T> finish_log(Vector<T> x, Vector<T> y) {
  const Vector<T> infinity = Vector<T>::literal(std::numeric_limits<T>::infinity());
  const Vector<T> zero = Vector<T>::literal(0);
  const Vector<T> not_positive =
      select(x == zero, -infinity, Vector<T>::literal(std::numeric_limits<T>::quiet_NaN()));
  return select(x > zero, select(x == infinity, x, y), not_positive);
}

/// log(1 + f) - f for 1 + f in [√½, √2): a minimax polynomial (Remez) for float; for double, where that would
/// be long, one for log(1 + f) = 2 artanh(s) with s = f / (2 + f), in fdlibm's arrangement.
template <class T>
HWY_INLINE Vector<T> log1p_rest(Vector<T> f) {
  const Literal<Vector<T>> lit;
  if constexpr (sizeof(T) == 4) {
    constexpr double c[] = {-0.499999887, 0.333333257,  -0.250015589, 0.200019628,  -0.166095107,
                            0.141821752,  -0.132404269, 0.129019071,  -0.0762436792};
    return f * f * polynomial(f, c, c);
  } else {
    constexpr double c[] = {0.666666666666673462, 0.399999999994131275, 0.285714287427667052,
                            0.222221985310463129, 0.181835666739210203, 0.153139866564408691,
                            0.14796625603106225};
    const Vector<T> s = f / (lit(2) + f);
    const Vector<T> z = s * s;
    const Vector<T> half_square = lit(0.5) * f * f;
    return s * fused_multiply_add(z, polynomial(z, c, c), half_square) - half_square;
  }
}

/// exponent · ln(2) + log(1 + f)
template <class T>
HWY_INLINE Vector<T> log_of_parts(Vector<T> exponent, Vector<T> f) {
  return fused_multiply_add(exponent, ln_2<T>(),
                            f + fused_multiply_add(exponent, ln_2_rest<T>(), log1p_rest(f)));
}
/// The same plus something small.
template <class T>
HWY_INLINE Vector<T> log_of_parts(Vector<T> exponent, Vector<T> f, Vector<T> small) {
  return fused_multiply_add(exponent, ln_2<T>(),
                            f + (fused_multiply_add(exponent, ln_2_rest<T>(), log1p_rest(f)) + small));
}

template <class T>
HWY_INLINE Vector<T> log(Vector<T> x) {
  const Split<T> s = split(x);
  return finish_log(x, log_of_parts(s.exponent, s.mantissa - Vector<T>::literal(1)));
}

/// log(1 + f) · factor, the factor in two parts.
template <class T>
HWY_INLINE Vector<T> scaled_log1p(Vector<T> f, Vector<T> factor, Vector<T> factor_rest) {
  return fused_multiply_add(f, factor, fused_multiply_add(f, factor_rest, log1p_rest(f) * factor));
}

/// Exact for powers of 2.
template <class T>
HWY_INLINE Vector<T> log2(Vector<T> x) {
  const Split<T> s = split(x);
  const Vector<T> y =
      scaled_log1p(s.mantissa - Vector<T>::literal(1), by_type<T>(0x1.7154760000000p+0, 0x1.71547652b82fep+0),
                   by_type<T>(1.92596299113e-8, 2.0355273740931032e-17));
  return finish_log(x, s.exponent + y);
}

template <class T>
HWY_INLINE Vector<T> log10(Vector<T> x) {
  const Split<T> s = split(x);
  const Vector<T> y =
      scaled_log1p(s.mantissa - Vector<T>::literal(1), by_type<T>(0x1.bcb7b20000000p-2, 0x1.bcb7b1526e50ep-2),
                   by_type<T>(-1.01030500522e-8, 1.09831965021676511e-17));
  // log10(2) in two parts, the first with so few bits that its product with the exponent is exact.
  const Vector<T> high = by_type<T>(0x1.3440000000000p-2, 0x1.3441350800000p-2);
  const Vector<T> low = by_type<T>(4.6050389812e-6, 1.14511008980218387e-10);
  return finish_log(x, fused_multiply_add(s.exponent, high, fused_multiply_add(s.exponent, low, y)));
}

/// 1 + x = (1 + f) · 2^exponent for x > -1: x is scaled, not 1 + x, so that its digits are kept.
template <class T>
struct SplitSum {
  Vector<T> f, exponent, scale;

  explicit HWY_INLINE SplitSum(Vector<T> x) {
    const Literal<Vector<T>> lit;
    const Vector<T> sum = lit(1) + x;
    const Split<T> s = split_normal(sum);
    exponent = s.exponent;
    // Of large sums the 1 no longer counts, and the scale may be out of range.
    const Mask<T> large = sum > lit(0x1p60);
    scale = select(large, lit(0), raise(lit(1), lit(whole_shift<T>) - exponent));
    f = select(large, s.mantissa - lit(1), fused_multiply_add(x, scale, scale - lit(1)));
  }
};

/// log(1 + x + rest) + extra_exponent · ln(2), where 1 + x > 0 and the rest is small beside x.
template <class T>
HWY_INLINE Vector<T> log1p_of_sum(Vector<T> x, Vector<T> rest, Vector<T> extra_exponent) {
  const SplitSum<T> s(x);
  return log_of_parts(s.exponent + extra_exponent, s.f, rest * s.scale);  // the slope of log is near 1 here
}

/// log(1 + x)
template <class T>
HWY_INLINE Vector<T> log1p(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const SplitSum<T> s(x);
  const Vector<T> y = log_of_parts(s.exponent, s.f);
  const Vector<T> infinity = lit(std::numeric_limits<T>::infinity());
  const Vector<T> inside = select(abs(x) < lit(1e-20) || x == infinity, x, y);
  const Vector<T> outside = select(x == lit(-1), -infinity, lit(std::numeric_limits<T>::quiet_NaN()));
  return select(x > lit(-1), inside, outside);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
