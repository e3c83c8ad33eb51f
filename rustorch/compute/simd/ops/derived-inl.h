// Functions that the op table's formulas share, written once over the dialect's primitives: for real vectors,
// for integers and complex numbers where they make sense. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_DERIVED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_DERIVED_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_DERIVED_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_DERIVED_INL_H_
#endif

#include "rustorch/compute/simd/element-inl.h"
#include "rustorch/compute/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// Literals of the formulas' number type: lit(0.5).
template <class X>
struct Literal {
  HWY_INLINE X operator()(double value) const { return X::literal(value); }
};

/// NaN in any operand wins.
template <class X>
HWY_INLINE X clamp(X x, X low, X high) {
  const X raised = select(x > low || x != x, x, low);
  return select(raised < high || raised != raised, raised, high);
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
  const bool near = weight.re * weight.re + weight.im * weight.im < T{0.25};
  return near ? x + weight * d : y - d * (Complex<T>::literal(1) - weight);
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
  return select(x < lit(0), lit(3.14159265358979323846), select(x != x, x, lit(0)));
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
  const Vector<T> top = select(x > y || x != x, x, y);
  const Vector<T> sum = top + log1p(exp(-abs(x - y)));
  return select(is_infinite(x) && x == y, x, sum);
}
/// log2(2^x + 2^y)
template <class T>
HWY_INLINE Vector<T> logaddexp2(Vector<T> x, Vector<T> y) {
  const Literal<Vector<T>> lit;
  const Vector<T> top = select(x > y || x != x, x, y);
  const Vector<T> sum = top + log1p(exp2(-abs(x - y))) * lit(1.44269504088896340736);
  return select(is_infinite(x) && x == y, x, sum);
}

/// log(1 + e^x), without overflow.
template <class T>
HWY_INLINE Vector<T> softplus(Vector<T> x) {
  const Literal<Vector<T>> lit;
  return select(x > lit(0), x, lit(0)) + log1p(exp(-abs(x)));
}
template <class T>
HWY_INLINE Vector<T> sigmoid(Vector<T> x) {
  const Literal<Vector<T>> lit;
  return lit(1) / (lit(1) + exp(-x));
}
template <class T>
HWY_INLINE Vector<T> silu_backward(Vector<T> gradient, Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> s = sigmoid(x);
  return gradient * s * (lit(1) + x * (lit(1) - s));
}
template <class T>
HWY_INLINE Vector<T> gelu_tanh_backward(Vector<T> gradient, Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> scale = lit(0.79788456080286535588);
  const Vector<T> t = tanh(scale * (x + lit(0.044715) * x * x * x));
  const Vector<T> inner = scale * (lit(1) + lit(3 * 0.044715) * x * x);
  return gradient * lit(0.5) * ((lit(1) + t) + x * (lit(1) - t * t) * inner);
}
template <class T>
HWY_INLINE Vector<T> mish_backward(Vector<T> gradient, Vector<T> x) {
  const Literal<Vector<T>> lit;
  const Vector<T> t = tanh(softplus(x));
  return gradient * (t + x * sigmoid(x) * (lit(1) - t * t));
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
