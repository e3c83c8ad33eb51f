// The dialect's complex numbers: a register of real and one of imaginary parts. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_COMPLEX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_COMPLEX_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_COMPLEX_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_COMPLEX_INL_H_
#endif

#include <hwy/highway.h>

#include "rustorch/compute/simd/lane_math.h"
#include "rustorch/compute/simd/math-inl.h"
#include "rustorch/compute/simd/ops/arithmetic/real-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// Complex numbers of two floats or doubles each. (Not left to the compiler's vectorizer: GCC 12 fuses the
/// products of complex numbers whatever -ffp-contract says, so that results would differ from element to
/// element.)
template <class T>
struct Complex {
  using Part = T;
  static constexpr std::size_t parts = 2;
  Vector<T> re, im;

  static HWY_INLINE Complex literal(double value) {
    return {Vector<T>::literal(value), Vector<T>::literal(0)};
  }
  static HWY_INLINE Complex load(const T* from) {
    Complex z;
    hn::LoadInterleaved2(hn::ScalableTag<T>(), from, z.re.v, z.im.v);
    return z;
  }
  HWY_INLINE void store(T* to) const { hn::StoreInterleaved2(re.v, im.v, hn::ScalableTag<T>(), to); }

  friend HWY_INLINE Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
  friend HWY_INLINE Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
  friend HWY_INLINE Complex operator-(Complex a) { return {-a.re, -a.im}; }
  friend HWY_INLINE Complex operator*(Complex a, Complex b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  /// Smith's division: scaled by the larger part of the divisor, so that squares neither overflow nor vanish.
  friend HWY_INLINE Complex operator/(Complex a, Complex b) {
    const Vector<T> zero = Vector<T>::literal(0);
    const Mask<T> real_larger = abs(b.re) >= abs(b.im);
    const Vector<T> large = select(real_larger, b.re, b.im);
    const Vector<T> small = select(real_larger, b.im, b.re);
    const Vector<T> ratio = small / large;
    const Vector<T> divisor = large + small * ratio;
    const Complex quotient{select(real_larger, a.re + a.im * ratio, a.re * ratio + a.im) / divisor,
                           select(real_larger, a.im - a.re * ratio, a.im * ratio - a.re) / divisor};
    return select(large == zero && small == zero, Complex{a.re / zero, a.im / zero}, quotient);
  }

  friend HWY_INLINE Mask<T> operator==(Complex a, Complex b) { return a.re == b.re && a.im == b.im; }
  friend HWY_INLINE Mask<T> operator!=(Complex a, Complex b) { return a.re != b.re || a.im != b.im; }

  friend HWY_INLINE Complex select(Mask<T> condition, Complex yes, Complex no) {
    return {select(condition, yes.re, no.re), select(condition, yes.im, no.im)};
  }
};

template <class T>
HWY_INLINE Mask<T> is_infinite(Complex<T> x) {
  return is_infinite(x.re) || is_infinite(x.im);
}
template <class T>
HWY_INLINE Mask<T> is_finite(Complex<T> x) {
  return is_finite(x.re) && is_finite(x.im);
}
template <class T>
HWY_INLINE Complex<T> real(Complex<T> x) {
  return {x.re, Vector<T>::literal(0)};
}
template <class T>
HWY_INLINE Complex<T> imag(Complex<T> x) {
  return {x.im, Vector<T>::literal(0)};
}
template <class T>
HWY_INLINE Complex<T> conj(Complex<T> x) {
  return {x.re, -x.im};
}
template <class T>
HWY_INLINE Complex<T> abs(Complex<T> x) {
  return {hypot(x.re, x.im), Vector<T>::literal(0)};
}
template <class T>
HWY_INLINE Complex<T> angle(Complex<T> x) {
  return {atan2(x.im, x.re), Vector<T>::literal(0)};
}
template <class T>
HWY_INLINE Complex<T> complex_of(Complex<T> re, Complex<T> im) {
  return {re.re, im.re};
}
template <class T>
HWY_INLINE Complex<T> polar(Complex<T> length, Complex<T> angle) {
  return {length.re * cos(angle.re), length.re * sin(angle.re)};
}

/// Applies a function of complex numbers to every lane. Not inlined: one copy serves all functions.
template <class T>
HWY_NOINLINE Complex<T> call(lane::ComplexFunction function, Complex<T> x) {
  const hn::ScalableTag<T> d;
  HWY_ALIGN T lanes[2 * hn::MaxLanes(d)];
  x.store(lanes);
  for (std::size_t i = 0; i < 2 * hn::Lanes(d); i += 2) lane::complex_function(function, lanes + i);
  return Complex<T>::load(lanes);
}
template <class T>
HWY_NOINLINE Complex<T> pow(Complex<T> base, Complex<T> exponent) {
  const hn::ScalableTag<T> d;
  HWY_ALIGN T lanes[2 * hn::MaxLanes(d)];
  HWY_ALIGN T exponents[2 * hn::MaxLanes(d)];
  base.store(lanes);
  exponent.store(exponents);
  for (std::size_t i = 0; i < 2 * hn::Lanes(d); i += 2) lane::complex_pow(lanes + i, exponents + i);
  return Complex<T>::load(lanes);
}
template <class T>
HWY_INLINE Complex<T> exp(Complex<T> x) {
  return call(lane::ComplexFunction::exp, x);
}
template <class T>
HWY_INLINE Complex<T> exp2(Complex<T> x) {
  return call(lane::ComplexFunction::exp2, x);
}
template <class T>
HWY_INLINE Complex<T> expm1(Complex<T> x) {
  return call(lane::ComplexFunction::expm1, x);
}
template <class T>
HWY_INLINE Complex<T> log(Complex<T> x) {
  return call(lane::ComplexFunction::log, x);
}
template <class T>
HWY_INLINE Complex<T> log2(Complex<T> x) {
  return call(lane::ComplexFunction::log2, x);
}
template <class T>
HWY_INLINE Complex<T> log10(Complex<T> x) {
  return call(lane::ComplexFunction::log10, x);
}
template <class T>
HWY_INLINE Complex<T> log1p(Complex<T> x) {
  return call(lane::ComplexFunction::log1p, x);
}
template <class T>
HWY_INLINE Complex<T> sqrt(Complex<T> x) {
  return call(lane::ComplexFunction::sqrt, x);
}
template <class T>
HWY_INLINE Complex<T> sin(Complex<T> x) {
  return call(lane::ComplexFunction::sin, x);
}
template <class T>
HWY_INLINE Complex<T> cos(Complex<T> x) {
  return call(lane::ComplexFunction::cos, x);
}
template <class T>
HWY_INLINE Complex<T> tan(Complex<T> x) {
  return call(lane::ComplexFunction::tan, x);
}
template <class T>
HWY_INLINE Complex<T> asin(Complex<T> x) {
  return call(lane::ComplexFunction::asin, x);
}
template <class T>
HWY_INLINE Complex<T> acos(Complex<T> x) {
  return call(lane::ComplexFunction::acos, x);
}
template <class T>
HWY_INLINE Complex<T> atan(Complex<T> x) {
  return call(lane::ComplexFunction::atan, x);
}
template <class T>
HWY_INLINE Complex<T> sinh(Complex<T> x) {
  return call(lane::ComplexFunction::sinh, x);
}
template <class T>
HWY_INLINE Complex<T> cosh(Complex<T> x) {
  return call(lane::ComplexFunction::cosh, x);
}
template <class T>
HWY_INLINE Complex<T> tanh(Complex<T> x) {
  return call(lane::ComplexFunction::tanh, x);
}
template <class T>
HWY_INLINE Complex<T> asinh(Complex<T> x) {
  return call(lane::ComplexFunction::asinh, x);
}
template <class T>
HWY_INLINE Complex<T> acosh(Complex<T> x) {
  return call(lane::ComplexFunction::acosh, x);
}
template <class T>
HWY_INLINE Complex<T> atanh(Complex<T> x) {
  return call(lane::ComplexFunction::atanh, x);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
