// The dialect's single elements: integers and complex numbers, whose loops the compiler vectorizes. Compiled
// once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_ELEMENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_ELEMENT_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_ELEMENT_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_ELEMENT_INL_H_
#endif

#include <hwy/highway.h>

#include <complex>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "rustorch/compute/simd/lane_math.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// The truth value of an element.
struct Truth {
  bool holds;

  friend HWY_INLINE Truth operator&&(Truth a, Truth b) { return {static_cast<bool>(a.holds & b.holds)}; }
  friend HWY_INLINE Truth operator||(Truth a, Truth b) { return {static_cast<bool>(a.holds | b.holds)}; }
  friend HWY_INLINE Truth operator!(Truth a) { return {!a.holds}; }
};

/// A signed integer whose arithmetic wraps.
template <class T>
struct Integer {
  using Unsigned = std::make_unsigned_t<T>;
  using Element = T;
  T v;

  static HWY_INLINE Integer literal(double value) { return {static_cast<T>(value)}; }
  static HWY_INLINE Integer wrapped(Unsigned bits) { return {static_cast<T>(bits)}; }
  HWY_INLINE Unsigned bits() const { return static_cast<Unsigned>(v); }

  friend HWY_INLINE Integer operator+(Integer a, Integer b) { return wrapped(a.bits() + b.bits()); }
  friend HWY_INLINE Integer operator-(Integer a, Integer b) { return wrapped(a.bits() - b.bits()); }
  friend HWY_INLINE Integer operator*(Integer a, Integer b) { return wrapped(a.bits() * b.bits()); }
  friend HWY_INLINE Integer operator-(Integer a) { return wrapped(Unsigned{0} - a.bits()); }
  friend HWY_INLINE Integer operator&(Integer a, Integer b) { return {a.v & b.v}; }
  friend HWY_INLINE Integer operator|(Integer a, Integer b) { return {a.v | b.v}; }
  friend HWY_INLINE Integer operator^(Integer a, Integer b) { return {a.v ^ b.v}; }
  friend HWY_INLINE Integer operator~(Integer a) { return {~a.v}; }

  friend HWY_INLINE Truth operator==(Integer a, Integer b) { return {a.v == b.v}; }
  friend HWY_INLINE Truth operator!=(Integer a, Integer b) { return {a.v != b.v}; }
  friend HWY_INLINE Truth operator<(Integer a, Integer b) { return {a.v < b.v}; }
  friend HWY_INLINE Truth operator<=(Integer a, Integer b) { return {a.v <= b.v}; }
  friend HWY_INLINE Truth operator>(Integer a, Integer b) { return {a.v > b.v}; }
  friend HWY_INLINE Truth operator>=(Integer a, Integer b) { return {a.v >= b.v}; }
};

template <class T>
HWY_INLINE Integer<T> select(Truth condition, Integer<T> yes, Integer<T> no) {
  return {condition.holds ? yes.v : no.v};
}
template <class T>
HWY_INLINE Integer<T> abs(Integer<T> x) {
  return select(x.v < 0 ? Truth{true} : Truth{false}, -x, x);
}
template <class T>
HWY_INLINE Integer<T> round(Integer<T> x) {
  return x;
}
template <class T>
HWY_INLINE Integer<T> trunc(Integer<T> x) {
  return x;
}
template <class T>
HWY_INLINE Integer<T> floor(Integer<T> x) {
  return x;
}
template <class T>
HWY_INLINE Integer<T> ceil(Integer<T> x) {
  return x;
}
template <class T>
HWY_INLINE Truth sign_bit(Integer<T> x) {
  return {x.v < 0};
}
template <class T>
HWY_INLINE Truth is_infinite(Integer<T>) {
  return {false};
}
template <class T>
HWY_INLINE Truth is_finite(Integer<T>) {
  return {true};
}

/// The quotient towards zero. Never traps: x / 0 is 0 (the tensor layer refuses it), and the one quotient
/// that overflows wraps.
template <class T>
HWY_INLINE Integer<T> trunc_divide(Integer<T> x, Integer<T> y) {
  if (y.v == -1) return -x;
  return {y.v == 0 ? T{0} : static_cast<T>(x.v / y.v)};
}
/// The rest with the sign of x.
template <class T>
HWY_INLINE Integer<T> fmod(Integer<T> x, Integer<T> y) {
  return {y.v == 0 || y.v == -1 ? T{0} : static_cast<T>(x.v % y.v)};
}
/// The quotient towards minus infinity.
template <class T>
HWY_INLINE Integer<T> floor_divide(Integer<T> x, Integer<T> y) {
  const Integer<T> rest = fmod(x, y);
  const bool down = rest.v != 0 && ((rest.v < 0) != (y.v < 0));
  return trunc_divide(x, y) - Integer<T>{down ? T{1} : T{0}};
}
/// The rest with the sign of y.
template <class T>
HWY_INLINE Integer<T> remainder(Integer<T> x, Integer<T> y) {
  const Integer<T> rest = fmod(x, y);
  return rest.v != 0 && ((rest.v < 0) != (y.v < 0)) ? rest + y : rest;
}
/// Wraps; of a negative exponent remains what is whole: 1 for 1, ±1 for -1, otherwise 0.
template <class T>
HWY_INLINE Integer<T> pow(Integer<T> base, Integer<T> exponent) {
  if (exponent.v < 0) {
    const T odd = exponent.v & 1;
    return {base.v == 1 ? T{1} : base.v == -1 ? static_cast<T>(1 - 2 * odd) : T{0}};
  }
  Integer<T> result{1};
  for (T e = exponent.v; e != 0; e >>= 1) {
    if ((e & 1) != 0) result = result * base;
    base = base * base;
  }
  return result;
}
template <class T>
HWY_INLINE Integer<T> shift_left(Integer<T> x, Integer<T> count) {
  constexpr auto width = static_cast<typename Integer<T>::Unsigned>(8 * sizeof(T));
  const auto bounded = count.bits() < width ? count.bits() : 0;
  return {count.bits() < width ? static_cast<T>(x.bits() << bounded) : T{0}};
}
template <class T>
HWY_INLINE Integer<T> shift_right(Integer<T> x, Integer<T> count) {
  constexpr auto most = static_cast<typename Integer<T>::Unsigned>(8 * sizeof(T) - 1);
  return {static_cast<T>(x.v >> (count.bits() < most ? count.bits() : most))};
}

/// A complex number of two floats or doubles.
template <class T>
struct Complex {
  using Element = std::complex<T>;
  T re, im;

  static HWY_INLINE Complex literal(double value) { return {static_cast<T>(value), T{0}}; }

  friend HWY_INLINE Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
  friend HWY_INLINE Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
  friend HWY_INLINE Complex operator-(Complex a) { return {-a.re, -a.im}; }
  friend HWY_INLINE Complex operator*(Complex a, Complex b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  /// Smith's division: scaled by the larger part of the divisor, so that squares neither overflow nor vanish.
  friend HWY_INLINE Complex operator/(Complex a, Complex b) {
    const bool real_larger = (b.re < 0 ? -b.re : b.re) >= (b.im < 0 ? -b.im : b.im);
    const T large = real_larger ? b.re : b.im;
    const T small = real_larger ? b.im : b.re;
    if (large == 0 && small == 0) return {a.re / T{0}, a.im / T{0}};
    const T ratio = small / large;
    const T divisor = large + small * ratio;
    const T re = real_larger ? a.re + a.im * ratio : a.re * ratio + a.im;
    const T im = real_larger ? a.im - a.re * ratio : a.im * ratio - a.re;
    return {re / divisor, im / divisor};
  }

  friend HWY_INLINE Truth operator==(Complex a, Complex b) {
    return {static_cast<bool>((a.re == b.re) & (a.im == b.im))};
  }
  friend HWY_INLINE Truth operator!=(Complex a, Complex b) {
    return {static_cast<bool>((a.re != b.re) | (a.im != b.im))};
  }
};

template <class T>
HWY_INLINE Complex<T> select(Truth condition, Complex<T> yes, Complex<T> no) {
  return {condition.holds ? yes.re : no.re, condition.holds ? yes.im : no.im};
}
template <class T>
HWY_INLINE Truth is_infinite(Complex<T> x) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  return {x.re == infinity || x.re == -infinity || x.im == infinity || x.im == -infinity};
}
template <class T>
HWY_INLINE Truth is_finite(Complex<T> x) {
  return {x.re - x.re == 0 && x.im - x.im == 0};
}
template <class T>
HWY_INLINE Complex<T> real(Complex<T> x) {
  return {x.re, T{0}};
}
template <class T>
HWY_INLINE Complex<T> imag(Complex<T> x) {
  return {x.im, T{0}};
}
template <class T>
HWY_INLINE Complex<T> conj(Complex<T> x) {
  return {x.re, -x.im};
}
template <class T>
HWY_INLINE Complex<T> abs(Complex<T> x) {
  return {lane::hypot(x.re, x.im), T{0}};
}
template <class T>
HWY_INLINE Complex<T> angle(Complex<T> x) {
  return {lane::atan2(x.im, x.re), T{0}};
}
template <class T>
HWY_INLINE Complex<T> complex_of(Complex<T> re, Complex<T> im) {
  return {re.re, im.re};
}
template <class T>
HWY_INLINE Complex<T> polar(Complex<T> length, Complex<T> angle) {
  return {length.re * lane::cos(angle.re), length.re * lane::sin(angle.re)};
}
template <class T>
HWY_INLINE Complex<T> pow(Complex<T> base, Complex<T> exponent) {
  const std::complex<T> w =
      lane::complex_pow(std::complex<T>(base.re, base.im), std::complex<T>(exponent.re, exponent.im));
  return {w.real(), w.imag()};
}
template <class T>
HWY_INLINE Complex<T> call(lane::ComplexFunction function, Complex<T> x) {
  const std::complex<T> w = lane::complex_function(function, std::complex<T>(x.re, x.im));
  return {w.real(), w.imag()};
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
