// The dialect's vector of real numbers: operators and primitives over Highway. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_REAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_REAL_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_REAL_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_OPS_ARITHMETIC_REAL_INL_H_
#endif

#include <hwy/highway.h>

#include <limits>

#include "rustorch/compute/simd/arch/features-inl.h"
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
  using Part = T;
  static constexpr std::size_t parts = 1;  // numbers that make an element
  hn::Vec<Tag> v;

  static HWY_INLINE Vector literal(double value) { return {hn::Set(Tag(), static_cast<T>(value))}; }
  static HWY_INLINE Vector load(const T* from) { return {hn::LoadU(Tag(), from)}; }
  HWY_INLINE void store(T* to) const { hn::StoreU(v, Tag(), to); }

  friend HWY_INLINE Vector operator+(Vector a, Vector b) { return {hn::Add(a.v, b.v)}; }
  friend HWY_INLINE Vector operator-(Vector a, Vector b) { return {hn::Sub(a.v, b.v)}; }
  friend HWY_INLINE Vector operator*(Vector a, Vector b) { return {hn::Mul(a.v, b.v)}; }
  friend HWY_INLINE Vector operator/(Vector a, Vector b) { return {hn::Div(a.v, b.v)}; }
  friend HWY_INLINE Vector operator-(Vector a) { return {hn::Xor(a.v, hn::SignBit(Tag()))}; }

  friend HWY_INLINE Mask<T> operator==(Vector a, Vector b) { return {hn::Eq(a.v, b.v)}; }
  /// True where either is NaN (Highway's Ne is not, on some targets).
  friend HWY_INLINE Mask<T> operator!=(Vector a, Vector b) { return {hn::Not(hn::Eq(a.v, b.v))}; }
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
/// Rounded numbers keep the sign of x, zeros too; Highway's scalar target drops it.
template <class T>
HWY_INLINE Vector<T> with_sign_of(Vector<T> rounded, [[maybe_unused]] Vector<T> x) {
#if HWY_TARGET == HWY_SCALAR
  return {hn::CopySign(rounded.v, x.v)};
#else
  return rounded;
#endif
}
/// To the nearest integer, halves to the even one.
template <class T>
HWY_INLINE Vector<T> round(Vector<T> x) {
  return with_sign_of(Vector<T>{hn::Round(x.v)}, x);
}
template <class T>
HWY_INLINE Vector<T> trunc(Vector<T> x) {
  return with_sign_of(Vector<T>{hn::Trunc(x.v)}, x);
}
template <class T>
HWY_INLINE Vector<T> floor(Vector<T> x) {
  return with_sign_of(Vector<T>{hn::Floor(x.v)}, x);
}
template <class T>
HWY_INLINE Vector<T> ceil(Vector<T> x) {
  return with_sign_of(Vector<T>{hn::Ceil(x.v)}, x);
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

/// c - a * b, rounded once where the target can.
template <class T>
HWY_INLINE Vector<T> negated_multiply_add(Vector<T> a, Vector<T> b, Vector<T> c) {
  return {hn::NegMulAdd(a.v, b.v, c.v)};
}

/// a * b - product exactly, where `product` is the rounded a * b and nothing overflows or vanishes.
template <class T>
HWY_INLINE Vector<T> multiply_error(Vector<T> a, Vector<T> b, Vector<T> product) {
  if constexpr (multiply_add_is_fused) return {hn::MulSub(a.v, b.v, product.v)};
  // Dekker's product of halves.
  const Vector<T> splitter = Vector<T>::literal(sizeof(T) == 4 ? 4097.0 : 134217729.0);
  const Vector<T> a_scaled = a * splitter;
  const Vector<T> b_scaled = b * splitter;
  const Vector<T> a_high = a_scaled - (a_scaled - a);
  const Vector<T> b_high = b_scaled - (b_scaled - b);
  const Vector<T> a_low = a - a_high;
  const Vector<T> b_low = b - b_high;
  return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
}

template <class T>
HWY_INLINE Mask<T> sign_bit(Vector<T> x) {
  const Vector<T> one = Vector<T>::literal(1);
  return copysign(one, x) < Vector<T>::literal(0);
}
/// Of any number type of the dialect, integers too.
template <class X>
HWY_INLINE auto is_nan(X x) {
  return x != x;  // NOLINT(misc-redundant-expression)
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

/// Literals of the formulas' number type: lit(0.5).
template <class X>
struct Literal {
  HWY_INLINE X operator()(double value) const { return X::literal(value); }
};

/// A constant that differs between float and double.
template <class T>
HWY_INLINE Vector<T> by_type(double for_float, double for_double) {
  return Vector<T>::literal(sizeof(T) == 4 ? for_float : for_double);
}

/// c0 + c1 x + c2 x² … of the coefficients [first, last) in Horner's way.
template <class T>
HWY_INLINE Vector<T> horner(Vector<T> x, const double* c, std::size_t first, std::size_t last) {
  Vector<T> y = Vector<T>::literal(c[--last]);
  while (last > first) y = fused_multiply_add(y, x, Vector<T>::literal(c[--last]));
  return y;
}

/// c0 + c1 x + c2 x² …, with a set of coefficients for each type.
template <class T, std::size_t float_count, std::size_t double_count>
HWY_INLINE Vector<T> polynomial(Vector<T> x, const double (&for_float)[float_count],
                                const double (&for_double)[double_count]) {
  constexpr std::size_t counts[] = {float_count, double_count};
  constexpr std::size_t count = counts[sizeof(T) == 4 ? 0 : 1];
  const double* c = for_double;
  if constexpr (sizeof(T) == 4) c = for_float;
  if constexpr (count <= 8) {
    return horner(x, c, 0, count);
  } else {  // in two halves, because each step waits for the one before
    constexpr std::size_t half = count < 16 ? 4 : 8;
    const Vector<T> square = x * x;
    const Vector<T> fourth = square * square;
    const Vector<T> power = half == 4 ? fourth : fourth * fourth;
    const Vector<T> tail =
        fused_multiply_add(power, horner(x, c, half + 1, count), horner(x, c, 1, half + 1));
    return fused_multiply_add(x, tail, Vector<T>::literal(c[0]));
  }
}

/// Applies a function of two vectors of doubles to floats.
template <class Function>
HWY_INLINE Vector<float> through_double(Vector<float> x, Vector<float> y, const Function& function) {
  const hn::ScalableTag<float> d;
  const hn::ScalableTag<double> dd;
#if HWY_TARGET == HWY_SCALAR
  // DemoteTo would give the largest number for an infinite one.
  const Vector<double> result =
      function(Vector<double>{hn::PromoteTo(dd, x.v)}, Vector<double>{hn::PromoteTo(dd, y.v)});
  return {hn::Set(d, static_cast<float>(hn::GetLane(result.v)))};
#else
  using Half = hn::Vec<hn::Half<hn::ScalableTag<float>>>;
  const hn::Half<hn::ScalableTag<float>> dh;
  const auto half = [&](Half a, Half b) HWY_ATTR {
    return hn::DemoteTo(
        dh, function(Vector<double>{hn::PromoteTo(dd, a)}, Vector<double>{hn::PromoteTo(dd, b)}).v);
  };
  return {hn::Combine(d, half(hn::UpperHalf(dh, x.v), hn::UpperHalf(dh, y.v)),
                      half(hn::LowerHalf(dh, x.v), hn::LowerHalf(dh, y.v)))};
#endif
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
