// erf and erfc of real vectors, written over the dialect's primitives. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_ERROR_FUNCTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_ERROR_FUNCTION_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_ERROR_FUNCTION_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_ERROR_FUNCTION_INL_H_
#endif

#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"
#include "rustorch/compute/simd/ops/transcendental/exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// erfc from 0.79 on, as e^(-x²) · u · P(t) with u = 1 / (x + k), t = 1 - 2ku and a minimax polynomial P
/// (Remez).
template <class T>
HWY_INLINE Vector<T> erfc_of_large(Vector<T> x) {
  const Literal<Vector<T>> lit;
  constexpr double for_float[] = {-0.237680863,   -0.09555619,   0.0138999912,  0.0254133864, 0.00991200623,
                                  -0.00373526719, 0.00327258095, -0.0118579443, 0.00535665313};
  constexpr double for_double[] = {
      -0.687160684413810615,     0.279472092556054817,    -0.036442231506873843,    -0.0215106618895006818,
      0.00647918506740786973,    0.00309061206005544932,  -0.000837296052665577072, -0.000663073530232581246,
      0.0000343712806613033537,  0.000144471166372834861, 0.0000341502559785471808, -0.0000217005265647783672,
      -0.0000161268672546603325, -1.09852488642270354e-6, 3.64855260963966827e-6,   1.90503965021852876e-6,
      6.69816770623835897e-8,    -4.08392108819895705e-7, -5.71367129383525467e-7,  -2.64646927317802682e-8,
      3.77229874027775284e-7,    -1.2234947947161018e-7};
  const Vector<T> start = by_type<T>(0.855167152, 1.02158270524202298);
  const Vector<T> k = by_type<T>(1.0, 2.0);
  // Beyond this the result is 0, and x² must not overflow on the way.
  const Vector<T> largest = by_type<T>(10.1, 27.3);
  const Vector<T> bounded = select(x > largest, largest, x);
  const Vector<T> sum = bounded + k;
  const Vector<T> u = lit(1) / sum;
  const Vector<T> part = (k + k) * u;  // exact
  const Vector<T> t = lit(1) - part;
  const Vector<T> t_rest = (lit(1) - t) - part;
  // The rounding errors of u and of x² return as a factor near 1. u's counts by the slope of log(u P) over
  // log(u).
  const Vector<T> product = u * sum;
  const Vector<T> short_of_1 = (lit(1) - product) - multiply_error(u, sum, product);
  const Vector<T> lost = (k - sum) + bounded;
  const Vector<T> u_error = negated_multiply_add(u, lost, short_of_1);
  const Vector<T> slope = fused_multiply_add(t, by_type<T>(-0.2, -0.75), by_type<T>(1.28, 1.67));
  const Vector<T> square = bounded * bounded;
  const Vector<T> square_error = multiply_error(bounded, bounded, square);
  const ReducedExponent<T> reduced(-square, square_error);
  const Vector<T> beyond = fused_multiply_add(u_error, slope, expm1_beyond(reduced.r, reduced.r_rest));
  const PowerOf2<T> scale(reduced.shifted_n, square > by_type<T>(80.0, 700.0));
  // u P with its rounding errors: of t, of the sum that ends P = start + t · chord, and of the product.
  const Vector<T> chord = polynomial(t, for_float, for_double);
  const Vector<T> chord_rest = fused_multiply_add(t_rest, chord, by_type<T>(1.50256e-9, -1.25644e-17));
  const Vector<T> bend = fused_multiply_add(t, chord, chord_rest);
  const Vector<T> p = start + bend;
  const Vector<T> p_rest = (start - p) + bend;
  const Vector<T> up = u * p;
  const Vector<T> up_rest = fused_multiply_add(u, p_rest, multiply_error(u, p, up));
  Vector<T> small = fused_multiply_add(up, beyond, up_rest);
  if constexpr (!multiply_add_is_fused) small = small + multiply_error(up, reduced.r, up * reduced.r);
  const Vector<T> y = (up + fused_multiply_add(up, reduced.r, small)) * scale.power * scale.rest;
  return select(x > largest, lit(0), y);
}

/// erf(x) / x - 1 for |x| up to 1, by a polynomial of x².
template <class T>
HWY_INLINE Vector<T> erf_rest(Vector<T> x) {
  constexpr double for_float[] = {0.12837916584835095,   -0.37612626666720331, 0.11283594715160218,
                                  -0.026854212010626412, 0.005189087423433974, -0.00080168642871658695,
                                  7.8758750626854883e-5};
  constexpr double for_double[] = {0.12837916709551257,    -0.3761263890318354,   0.11283791670945006,
                                   -0.02686617064323777,   0.0052239776071164227, -0.00085483259753896921,
                                   0.00012055294904839708, -1.492473690741966e-5, 1.6447424703317362e-6,
                                   -1.6208483801871706e-7, 1.3720064546777686e-8, -7.7958988270021422e-10};
  return polynomial(x * x, for_float, for_double);
}

/// erf from 1 on, for float: 1 - 2^-Q with a minimax polynomial Q (Remez, weighted by erfc), which is short
/// because only erfc's absolute error counts.
HWY_INLINE Vector<float> erf_of_large(Vector<float> x) {
  const Literal<Vector<float>> lit;
  constexpr double exponent[] = {0.0005103729,  1.6259748,     0.920765497,    0.148651066,
                                 -0.0314582066, 0.00424090008, -0.000267720698};
  constexpr double power[] = {1.00000007,   0.693146967,   0.240221197,
                              0.0555071324, 0.00967554172, 0.00132764804};
  const Vector<float> bounded = select(x > lit(4), lit(4), x);
  const Vector<float> q = polynomial(bounded, exponent, exponent);
  const Vector<float> shifted_n = lit(whole_shift<float>) - q;
  const Vector<float> r = (lit(whole_shift<float>) - shifted_n) - q;
  return negated_multiply_add(raise(lit(1), shifted_n), polynomial(r, power, power), lit(1));
}
HWY_INLINE Vector<double> erf_of_large(Vector<double> x) {
  const Vector<double> y = erfc_of_large(x);
  return Vector<double>::literal(1) - y;
}

template <class T>
HWY_INLINE Vector<T> erf(Vector<T> x) {
  const Vector<T> a = abs(x);
  const Vector<T> small = fused_multiply_add(x, erf_rest(x), x);
  const Mask<T> is_small = a < Vector<T>::literal(1);
  if (all(is_small)) return small;
  return select(is_small, small, copysign(erf_of_large(a), x));
}

template <class T>
HWY_INLINE Vector<T> erfc(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> a = abs(x);
  const Vector<T> small = negated_multiply_add(x, erf_rest(x), lit(1) - x);
  const Vector<T> y = erfc_of_large(a);
  const Vector<T> large = select(x < lit(0), lit(2) - y, y);
  return select(a < lit(0.8), small, large);  // where its last place weighs half as much
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
