// Functions that the op table's formulas share, written once over the dialect's primitives: for real vectors,
// for integers and complex numbers where they make sense. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_DERIVED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_DERIVED_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_DERIVED_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_DERIVED_INL_H_
#endif

#include "rustorch/compute/simd/math-inl.h"
#include "rustorch/compute/simd/ops/arithmetic/complex-inl.h"
#include "rustorch/compute/simd/ops/arithmetic/integer-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// NaN in any operand wins.
template <class X>
HWY_INLINE X clamp(X x, X low, X high) {
  const X raised = select(x > low || is_nan(x), x, low);
  return select(raised < high || is_nan(raised), raised, high);
}

/// From the nearer end, so that weights 0 and 1 give the ends exactly.
template <class T>
HWY_INLINE Vector<T> lerp(Vector<T> x, Vector<T> y, Vector<T> weight) {
  const Literal<Vector<T>> lit;
  const Vector<T> d = y - x;
  return select(abs(weight) < lit(0.5), x + weight * d, y - d * (lit(1) - weight));
}
template <class T>
HWY_INLINE Complex<T> lerp(Complex<T> x, Complex<T> y, Complex<T> weight) {
  const Complex<T> d = y - x;
  const Mask<T> near = weight.re * weight.re + weight.im * weight.im < Vector<T>::literal(0.25);
  return select(near, x + weight * d, y - d * (Complex<T>::literal(1) - weight));
}

template <class T>
HWY_INLINE Vector<T> trunc_divide(Vector<T> x, Vector<T> y) {
  return trunc(x / y);
}
/// The rest with the sign of y.
template <class T>
HWY_INLINE Vector<T> remainder(Vector<T> x, Vector<T> y) {
  const Literal<Vector<T>> lit;
  const Vector<T> rest = fmod(x, y);
  const Mask<T> other_sign = (rest < lit(0) && y > lit(0)) || (rest > lit(0) && y < lit(0));
  return select(other_sign, rest + y, rest);
}
/// The quotient towards minus infinity, made from the exact rest as Python does.
template <class T>
HWY_INLINE Vector<T> floor_divide(Vector<T> x, Vector<T> y) {
  const Literal<Vector<T>> lit;
  const Vector<T> rest = fmod(x, y);
  const Mask<T> other_sign = (rest < lit(0) && y > lit(0)) || (rest > lit(0) && y < lit(0));
  const Vector<T> exact = (x - rest) / y;
  const Vector<T> quotient = select(other_sign, exact - lit(1), exact);
  const Vector<T> floored = floor(quotient);
  const Vector<T> nearest = select(quotient - floored > lit(0.5), floored + lit(1), floored);
  const Vector<T> signed_result = select(quotient == lit(0), copysign(lit(0), x / y), nearest);
  return select(y == lit(0), x / y, signed_result);
}

template <class X>
HWY_INLINE X real(X x) {
  return x;
}
template <class X>
HWY_INLINE X imag(X) {
  return X::literal(0);
}
template <class X>
HWY_INLINE X conj(X x) {
  return x;
}
template <class T>
HWY_INLINE Vector<T> angle(Vector<T> x) {
  const Literal<Vector<T>> lit;
  return select(x < lit(0), lit(3.14159265358979323846), select(is_nan(x), x, lit(0)));
}
template <class T>
HWY_INLINE Vector<T> complex_of(Vector<T> re, Vector<T>) {
  return re;
}
template <class T>
HWY_INLINE Vector<T> polar(Vector<T> length, Vector<T> angle) {
  return length * cos(angle);
}

/// log(e^x + e^y)
template <class T>
HWY_INLINE Vector<T> logaddexp(Vector<T> x, Vector<T> y) {
  const Vector<T> top = select(x > y || is_nan(x), x, y);
  const Vector<T> sum = top + log1p(exp(-abs(x - y)));
  return select(is_infinite(x) && x == y, x, sum);
}
/// log2(2^x + 2^y)
template <class T>
HWY_INLINE Vector<T> logaddexp2(Vector<T> x, Vector<T> y) {
  const Literal<Vector<T>> lit;
  const Vector<T> top = select(x > y || is_nan(x), x, y);
  const Vector<T> sum = top + log1p(exp2(-abs(x - y))) * lit(1.44269504088896340736);
  return select(is_infinite(x) && x == y, x, sum);
}

/// log(1 + e^x), without overflow.
template <class T>
HWY_INLINE Vector<T> softplus(Vector<T> x) {
  const Literal<Vector<T>> lit;
  return select(x > lit(0), x, lit(0)) + log1p(exp(-abs(x)));
}
/// 1 / (1 + e^-x), as precise where it is small.
template <class T>
HWY_INLINE Vector<T> sigmoid(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> e = exp(-abs(x));
  const Vector<T> share = e / (lit(1) + e);
  const Vector<T> whole = select(x < lit(0), e, lit(1));
  return negated_multiply_add(whole, share, whole);
}
template <class T>
HWY_INLINE Complex<T> sigmoid(Complex<T> x) {
  const Literal<Complex<T>> lit;
  return lit(1) / (lit(1) + exp(-x));
}
template <class T>
HWY_INLINE Vector<T> silu_backward(Vector<T> gradient, Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> s = sigmoid(x);
  return gradient * s * (lit(1) + x * (lit(1) - s));
}

/// Φ(x), the normal distribution's share below x with its digits where that is small, and e^(-x²/2).
template <class T>
struct NormalShare {
  Vector<T> share, bell;
  explicit HWY_INLINE NormalShare(Vector<T> x) {
    const Literal<Vector<T>> lit;
    share = lit(0.5) * erfc(x * lit(-0.70710678118654752440));
    bell = exp(lit(-0.5) * x * x);
  }
};
/// For float both from one exponential: the share beyond |x| is e^(-x²/2) · u · P(t) with u = 1 / (|x|
/// + 3.4), t = 1 - 6.8 u and a polynomial P (Chebyshev nodes).
template <>
struct NormalShare<float> {
  Vector<float> share, bell;
  explicit HWY_INLINE NormalShare(Vector<float> x) {
    const Literal<Vector<float>> lit;
    constexpr double ratio[] = {0.741770836,    -0.555578495,  0.299455375,    -0.101905818,
                                0.0103766309,   0.00762804019, -0.00245697643, -0.000791961151,
                                0.000341994083, 0.000136096308};
    const Vector<float> a = abs(x);
    const Vector<float> bounded = select(a > lit(15), lit(15), a);  // from there on e^(-x²/2) is 0
    const Vector<float> square = bounded * bounded;
    const Vector<float> rounded = exp(lit(-0.5) * square);
    bell = negated_multiply_add(lit(0.5) * rounded, multiply_error(bounded, bounded, square), rounded);
    const Vector<float> u = lit(1) / (bounded + lit(3.4));
    const Vector<float> t = negated_multiply_add(lit(6.8), u, lit(1));
    const Vector<float> beyond = bell * u * polynomial(t, ratio, ratio);
    share = select(x < lit(0), beyond, lit(1) - beyond);
  }
};
/// x · Φ(x).
template <class T>
HWY_INLINE Vector<T> gelu(Vector<T> x) {
  return x * NormalShare<T>(x).share;
}
template <class T>
HWY_INLINE Vector<T> gelu_backward(Vector<T> gradient, Vector<T> x) {
  const NormalShare<T> normal(x);
  return gradient *
         fused_multiply_add(x * Vector<T>::literal(0.39894228040143267794), normal.bell, normal.share);
}
/// 0.5 x (1 + tanh(u)) with u = √(2/π) (x + 0.044715 x³), which is x · sigmoid(2u).
template <class T>
HWY_INLINE Vector<T> gelu_tanh(Vector<T> x) {
  const Literal<Vector<T>> lit;
  return x * sigmoid(lit(1.59576912160573071176) * (x + lit(0.044715) * x * x * x));
}
template <class T>
HWY_INLINE Vector<T> gelu_tanh_backward(Vector<T> gradient, Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> scale = lit(1.59576912160573071176);
  const Vector<T> s = sigmoid(scale * (x + lit(0.044715) * x * x * x));
  const Vector<T> slope = scale * (lit(1) + lit(0.134145) * x * x);
  const Vector<T> rest = s * (lit(1) - s);
  // Where s is 0 or 1 in full, x · slope may have overflowed.
  return gradient * (s + select(rest == lit(0), lit(0), x * slope * rest));
}

/// tanh(softplus(x)) is n / (n + 2) with n = e^x (e^x + 2): 1 - 2 / (n + 2) from 20 on.
template <class T>
struct Mish {
  Vector<T> n;
  explicit HWY_INLINE Mish(Vector<T> x) {
    const Literal<Vector<T>> lit;
    const Vector<T> e = exp(select(x > lit(20), lit(20), x));
    n = e * (e + lit(2));
  }
};
template <class T>
HWY_INLINE Vector<T> mish(Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> n = Mish<T>(x).n;
  return x * (n / (n + lit(2)));
}
template <class T>
HWY_INLINE Vector<T> mish_backward(Vector<T> gradient, Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> n = Mish<T>(x).n;
  const Vector<T> t = n / (n + lit(2));
  const Vector<T> rest = lit(2) / (n + lit(2));  // 1 - t
  return gradient * select(x > lit(20), lit(1), t + x * sigmoid(x) * rest * (lit(1) + t));
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
