// erf and erfc of real vectors, written over the dialect's primitives. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_ERROR_FUNCTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_ERROR_FUNCTION_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_ERROR_FUNCTION_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_ERROR_FUNCTION_INL_H_
#endif

#include "rustorch/compute/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// erfc of a number that is not negative, as exp(-x²) · P(t) / (1 + 2x) with t = (x - k) / (x + k): P is
/// smooth and bounded from 0 to infinity. Interpolated at Chebyshev nodes, relative error below 3e-9 and
/// 2e-17.
template <class T>
HWY_INLINE Vector<T> erfc_of_positive(Vector<T> x) {
  const Literal<Vector<T>> lit;
  constexpr double for_float[] = {1.2530080578307996,      -0.13562114337320351,   -0.04756228053505264,
                                  0.12964657564436363,     -0.11927265270268237,   0.068293509762154433,
                                  -0.023790234182879672,   0.0025794346849404746,  0.0019944745913543794,
                                  -0.00079833914154266116, -0.00027732692222332047};
  constexpr double for_double[] = {
      1.2375126308378276,     -0.14024059858554669,    0.0035854154854634397,  0.082276738490113373,
      -0.10880393014169335,   0.092304321161495605,    -0.058693398590725298,  0.028362277400827145,
      -0.0097465795487898985, 0.0017556260158339084,   0.00029371363655085193, -0.0002901549694589009,
      5.1649028841359413e-5,  2.2387313512838184e-5,   -1.1443262512802912e-5, -9.8037049252899244e-7,
      1.7484869076103768e-6,  -4.7769829920864202e-8,  -2.5284920557780403e-7, 1.5617908096635943e-8,
      3.2853865855032795e-8,  -7.2835520168925706e-10, -2.360522062505669e-9};
  const Vector<T> k = by_type<T>(3.0, 3.75);
  // Beyond this the result is 0, and x * x must not overflow on the way.
  const Vector<T> largest = by_type<T>(10.1, 27.3);
  const Vector<T> bounded = select(x > largest, largest, x);
  const Vector<T> p = polynomial((bounded - k) / (bounded + k), for_float, for_double);
  // e^(-x²) with the rounding error of x² put back: it weighs x² times as much in the result.
  const Vector<T> square = bounded * bounded;
  const Vector<T> error = multiply_error(bounded, bounded, square);
  const Vector<T> e = exp(-square);
  const Vector<T> y = (e - e * error) * p / (lit(1) + lit(2) * bounded);
  return select(x > largest, lit(0), select(x != x, x, y));
}

/// erf for arguments up to 1, by a polynomial of x² for erf(x) / x - 1.
template <class T>
HWY_INLINE Vector<T> erf_of_small(Vector<T> x) {
  constexpr double for_float[] = {0.12837916584835095,   -0.37612626666720331, 0.11283594715160218,
                                  -0.026854212010626412, 0.005189087423433974, -0.00080168642871658695,
                                  7.8758750626854883e-5};
  constexpr double for_double[] = {0.12837916709551257,    -0.3761263890318354,   0.11283791670945006,
                                   -0.02686617064323777,   0.0052239776071164227, -0.00085483259753896921,
                                   0.00012055294904839708, -1.492473690741966e-5, 1.6447424703317362e-6,
                                   -1.6208483801871706e-7, 1.3720064546777686e-8, -7.7958988270021422e-10};
  return fused_multiply_add(x, polynomial(x * x, for_float, for_double), x);
}

template <class T>
HWY_INLINE Vector<T> erf(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> a = abs(x);
  const Vector<T> small = erf_of_small(x);
  const Mask<T> is_small = a < lit(1);
  if (all(is_small)) return small;
  return select(is_small, small, copysign(lit(1) - erfc_of_positive(a), x));
}

template <class T>
HWY_INLINE Vector<T> erfc(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> a = abs(x);
  const Vector<T> y = erfc_of_positive(a);
  const Vector<T> large = select(x < lit(0), lit(2) - y, y);
  return select(a < lit(0.5), lit(1) - erf_of_small(x), large);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
