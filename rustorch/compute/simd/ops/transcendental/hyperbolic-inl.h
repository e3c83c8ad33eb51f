// Hyperbolic functions of real vectors and their inverses. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_HYPERBOLIC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_HYPERBOLIC_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_HYPERBOLIC_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_TRANSCENDENTAL_HYPERBOLIC_INL_H_
#endif

#include <limits>

#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"
#include "rustorch/compute/simd/ops/transcendental/exponential-inl.h"
#include "rustorch/compute/simd/ops/transcendental/logarithm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// e^a / 4 for a that is not negative: a quarter, because the hyperbolic functions stay finite for longer
/// than e^a.
template <class T>
HWY_INLINE Vector<T> quarter_exp(Vector<T> a) {
  const Vector<T> limit = by_type<T>(89.6, 710.6);
  const ReducedExponent<T> reduced(select(a > limit, limit, a));
  const Vector<T> power = raise(Vector<T>::literal(0.25), reduced.shifted_n);
  return fused_multiply_add(power, expm1_of_small(reduced.r), power);
}

/// Up to 1 a minimax polynomial (Remez).
template <class T>
HWY_INLINE Vector<T> sinh(Vector<T> x) {
  const Literal<Vector<T>> lit;
  constexpr double for_float[] = {0.166666665, 0.00833335006, 0.000198361598, 2.81695128e-6};
  constexpr double for_double[] = {0.166666666666666667,    0.00833333333333333355, 0.000198412698412696,
                                   2.75573192241162942e-6,  2.50521083465079704e-8, 1.60590506013889766e-10,
                                   7.64648288763277572e-13, 2.84823321802160832e-15};
  const Vector<T> a = abs(x);
  const Vector<T> z = x * x;
  const Vector<T> small = fused_multiply_add(a, z * polynomial(z, for_float, for_double), a);
  const Vector<T> e = quarter_exp(a);
  return copysign(select(a < lit(1), small, lit(2) * (e - lit(0.0625) / e)), x);
}
template <class T>
HWY_INLINE Vector<T> cosh(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> e = quarter_exp(abs(x));
  return lit(2) * (e + lit(0.0625) / e);
}

/// Up to 5/8 a minimax polynomial (Remez), then 1 - 2 / (e^2|x| + 1).
template <class T>
HWY_INLINE Vector<T> tanh(Vector<T> x) {
  const Literal<Vector<T>> lit;
  constexpr double for_float[] = {-0.333332819, 0.133314422, -0.0537397124, 0.0206390799, -0.00570498007};
  constexpr double for_double[] = {
      -0.333333333333333128,    0.133333333333297428,     -0.0539682539660588631,    0.0218694884687138888,
      -0.00886323431255210475,  0.00359211399960701844,   -0.00145572594635322614,   0.000589451791863209225,
      -0.000237011711096806216, 0.0000915583794969690948, -0.0000301871892166009655, 6.04245508014696577e-6};
  const Vector<T> a = abs(x);
  const Vector<T> z = x * x;
  const Vector<T> small = fused_multiply_add(a, z * polynomial(z, for_float, for_double), a);
  const Vector<T> limit = by_type<T>(10.0, 20.0);  // where the result has long been 1
  const Vector<T> bounded = select(a > limit, limit, a);
  const ReducedExponent<T> reduced(bounded + bounded);
  const Vector<T> power = raise(lit(1), reduced.shifted_n);
  const Vector<T> sum = fused_multiply_add(power, expm1_of_small(reduced.r), power + lit(1));
  return copysign(select(a < lit(0.625), small, lit(1) - lit(2) / sum), x);
}

/// From here on √(x² ± 1) is x, and x² would overflow.
template <class T>
HWY_INLINE Vector<T> large_root() {
  return by_type<T>(0x1p30, 0x1p60);
}

/// log(|x| + √(x² + 1)), without the 1 that small numbers would vanish beside.
template <class T>
HWY_INLINE Vector<T> asinh(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> a = abs(x);
  const Mask<T> large = a > large_root<T>();
  const Vector<T> square = a * a;
  const Vector<T> more = square / (lit(1) + sqrt(fused_multiply_add(a, a, lit(1))));
  const Vector<T> sum = a + more;
  const Vector<T> rest = (a - sum) + more;
  const Vector<T> y =
      log1p_of_sum(select(large, a, sum), select(large, lit(0), rest), select(large, lit(1), lit(0)));
  return select(is_finite(x), copysign(y, x), x);
}
/// log(x + √(x² - 1)) by way of t = x - 1.
template <class T>
HWY_INLINE Vector<T> acosh(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Mask<T> large = x > large_root<T>();
  const Vector<T> t = x - lit(1);
  const Vector<T> root = sqrt(fused_multiply_add(t, t, t + t));
  const Vector<T> sum = root + t;
  const Vector<T> rest = (root - sum) + t;
  const Vector<T> y =
      log1p_of_sum(select(large, x, sum), select(large, lit(0), rest), select(large, lit(1), lit(0)));
  const Vector<T> inside = select(is_finite(x), y, x);
  return select(x >= lit(1), inside, lit(std::numeric_limits<T>::quiet_NaN()));
}
/// log(1 + 2|x| / (1 - |x|)) / 2
template <class T>
HWY_INLINE Vector<T> atanh(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> a = abs(x);
  const Vector<T> divisor = lit(1) - a;
  const Vector<T> lost = (lit(1) - divisor) - a;
  const Vector<T> ratio = (a + a) / divisor;
  // What rounding took from the divisor, and from the ratio.
  const Vector<T> product = ratio * divisor;
  const Vector<T> left = ((a + a) - product) - multiply_error(ratio, divisor, product);
  const Vector<T> rest = negated_multiply_add(ratio, lost, left) / divisor;
  const Vector<T> y = lit(0.5) * log1p_of_sum(ratio, rest, lit(0));
  const Vector<T> inside = select(a < lit(1e-10), x, copysign(y, x));
  const Vector<T> infinity = lit(std::numeric_limits<T>::infinity());
  const Vector<T> outside =
      select(a == lit(1), copysign(infinity, x), lit(std::numeric_limits<T>::quiet_NaN()));
  return select(a < lit(1), inside, outside);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
