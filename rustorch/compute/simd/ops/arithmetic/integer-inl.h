// The dialect's single elements: integers and complex numbers, whose loops the compiler vectorizes. Compiled
// once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_INTEGER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_INTEGER_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_INTEGER_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_INTEGER_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <limits>
#include <type_traits>

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

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
