// The dialect's vector of real numbers: operators and primitives over Highway. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_FLOAT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_FLOAT_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_FLOAT_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_FLOAT_INL_H_
#endif

#include <hwy/highway.h>

#include "rustorch/compute/simd/lane_math.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// A truth value per lane.
template <class T>
struct Mask {
  hn::Mask<hn::ScalableTag<T>> m;

  friend HWY_INLINE Mask operator&&(Mask a, Mask b) { return {hn::And(a.m, b.m)}; }
  friend HWY_INLINE Mask operator||(Mask a, Mask b) { return {hn::Or(a.m, b.m)}; }
  friend HWY_INLINE Mask operator!(Mask a) { return {hn::Not(a.m)}; }
};

/// A register full of floats or doubles.
template <class T>
struct Vector {
  using Tag = hn::ScalableTag<T>;
  using Element = T;
  hn::Vec<Tag> v;

  static HWY_INLINE Vector literal(double value) { return {hn::Set(Tag(), static_cast<T>(value))}; }

  friend HWY_INLINE Vector operator+(Vector a, Vector b) { return {hn::Add(a.v, b.v)}; }
  friend HWY_INLINE Vector operator-(Vector a, Vector b) { return {hn::Sub(a.v, b.v)}; }
  friend HWY_INLINE Vector operator*(Vector a, Vector b) { return {hn::Mul(a.v, b.v)}; }
  friend HWY_INLINE Vector operator/(Vector a, Vector b) { return {hn::Div(a.v, b.v)}; }
  friend HWY_INLINE Vector operator-(Vector a) { return {hn::Xor(a.v, hn::SignBit(Tag()))}; }

  friend HWY_INLINE Mask<T> operator==(Vector a, Vector b) { return {hn::Eq(a.v, b.v)}; }
  friend HWY_INLINE Mask<T> operator!=(Vector a, Vector b) { return {hn::Ne(a.v, b.v)}; }
  friend HWY_INLINE Mask<T> operator<(Vector a, Vector b) { return {hn::Lt(a.v, b.v)}; }
  friend HWY_INLINE Mask<T> operator<=(Vector a, Vector b) { return {hn::Le(a.v, b.v)}; }
  friend HWY_INLINE Mask<T> operator>(Vector a, Vector b) { return {hn::Gt(a.v, b.v)}; }
  friend HWY_INLINE Mask<T> operator>=(Vector a, Vector b) { return {hn::Ge(a.v, b.v)}; }
};

template <class T>
HWY_INLINE Vector<T> select(Mask<T> condition, Vector<T> yes, Vector<T> no) {
  return {hn::IfThenElse(condition.m, yes.v, no.v)};
}
template <class T>
HWY_INLINE Vector<T> abs(Vector<T> x) {
  return {hn::Abs(x.v)};
}
template <class T>
HWY_INLINE Vector<T> sqrt(Vector<T> x) {
  return {hn::Sqrt(x.v)};
}
/// To the nearest integer, halves to the even one; -0 stays.
template <class T>
HWY_INLINE Vector<T> round(Vector<T> x) {
  return {hn::Round(x.v)};
}
template <class T>
HWY_INLINE Vector<T> trunc(Vector<T> x) {
  return {hn::Trunc(x.v)};
}
template <class T>
HWY_INLINE Vector<T> floor(Vector<T> x) {
  return {hn::Floor(x.v)};
}
template <class T>
HWY_INLINE Vector<T> ceil(Vector<T> x) {
  return {hn::Ceil(x.v)};
}
template <class T>
HWY_INLINE Vector<T> copysign(Vector<T> magnitude, Vector<T> sign) {
  return {hn::CopySign(magnitude.v, sign.v)};
}
/// a * b + c, rounded once where the target can.
template <class T>
HWY_INLINE Vector<T> fused_multiply_add(Vector<T> a, Vector<T> b, Vector<T> c) {
  return {hn::MulAdd(a.v, b.v, c.v)};
}

template <class T>
HWY_INLINE Mask<T> sign_bit(Vector<T> x) {
  const Vector<T> one = Vector<T>::literal(1);
  return copysign(one, x) < Vector<T>::literal(0);
}
template <class T>
HWY_INLINE Mask<T> is_infinite(Vector<T> x) {
  return abs(x) == Vector<T>::literal(std::numeric_limits<T>::infinity());
}
template <class T>
HWY_INLINE Mask<T> is_finite(Vector<T> x) {
  return abs(x) < Vector<T>::literal(std::numeric_limits<T>::infinity());
}
template <class T>
HWY_INLINE bool all(Mask<T> mask) {
  return hn::AllTrue(hn::ScalableTag<T>(), mask.m);
}

/// Applies a function of numbers to every lane: for functions that have no vector form yet. Not inlined, so
/// that the code exists once for each function.
template <class T, T (*function)(T)>
HWY_NOINLINE Vector<T> lane_by_lane(Vector<T> x) {
  const hn::ScalableTag<T> d;
  HWY_ALIGN T lanes[hn::MaxLanes(d)];
  hn::Store(x.v, d, lanes);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = function(lanes[i]);
  return {hn::Load(d, lanes)};
}
template <class T, T (*function)(T, T)>
HWY_NOINLINE Vector<T> lane_by_lane(Vector<T> x, Vector<T> y) {
  const hn::ScalableTag<T> d;
  HWY_ALIGN T lanes[hn::MaxLanes(d)];
  HWY_ALIGN T others[hn::MaxLanes(d)];
  hn::Store(x.v, d, lanes);
  hn::Store(y.v, d, others);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = function(lanes[i], others[i]);
  return {hn::Load(d, lanes)};
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
