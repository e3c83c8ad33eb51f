#pragma once

#include <cmath>
#include <complex>
#include <cstdint>

/// Functions of one number, compiled for the baseline instruction set: what vector code calls lane by lane,
/// and what complex kernels call element by element. T is float or double.
namespace rustorch::simd::lane {

template <class T>
T sin(T x) {
  return std::sin(x);
}
template <class T>
T cos(T x) {
  return std::cos(x);
}
template <class T>
T tan(T x) {
  return std::tan(x);
}
template <class T>
T pow(T x, T y) {
  return std::pow(x, y);
}
template <class T>
T atan2(T y, T x) {
  return std::atan2(y, x);
}
template <class T>
T hypot(T x, T y) {
  return std::hypot(x, y);
}
template <class T>
T fmod(T x, T y) {
  return std::fmod(x, y);
}
template <class T>
T erf(T x) {
  return std::erf(x);
}
template <class T>
T erfc(T x) {
  return std::erfc(x);
}
template <class T>
T lgamma(T x);
template <class T>
T digamma(T x);

enum class ComplexFunction : std::uint8_t {
  exp,
  exp2,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sqrt,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
};
/// Replaces the two parts of a complex number by a function of it, with C99's special values.
template <class T>
void complex_function(ComplexFunction function, T* parts);
/// base = base to the power of exponent, both two parts.
template <class T>
void complex_pow(T* base, const T* exponent);

}  // namespace rustorch::simd::lane
