#include "rustorch/compute/simd/lane_math.h"

#include <math.h>  // the functions of _Float128 are only here

#include <limits>
#include <type_traits>

namespace rustorch::simd::lane {

// std::lgamma writes a global sign: a data race between threads. The wider type keeps the digits near the
// function's zeros.
template <>
float lgamma(float x) {
  int sign = 0;
  return static_cast<float>(::lgamma_r(static_cast<double>(x), &sign));
}
template <>
double lgamma(double x) {
  int sign = 0;
  if (x > 0 && x < 8) return ::lgamma_r(x, &sign);
  if (x < 8 || std::isinf(x)) return static_cast<double>(::lgammal_r(static_cast<long double>(x), &sign));
  // Stirling's series; its coefficients are B(2k) / (2k (2k - 1)) of the Bernoulli numbers.
  constexpr long double one = 1;
  constexpr long double coefficients[] = {one / 12,   -one / 360,          one / 1260, -one / 1680,
                                          one / 1188, -691 * one / 360360, one / 156,  -3617 * one / 122400};
  const long double y = x;
  const long double z = 1 / (y * y);
  long double series = 0;
  for (int k = 7; k >= 0; --k) series = series * z + coefficients[k];
  constexpr long double half_log_2pi = 0.918938533204672741780329736405617640L;
  return static_cast<double>((y - 0.5L) * std::log(y) - y + half_log_2pi + series / y);
}

namespace {

constexpr double ln_2 = 0.69314718055994530942;

// Where digamma crosses zero its terms cancel: only a type twice as wide keeps double's digits. Without the C
// library's functions for it (or a long double of that width) those few results are less precise.
#if __HAVE_DISTINCT_FLOAT128  // glibc: where it is not long double
using Widest = _Float128;
Widest log_of(Widest x) { return ::logf128(x); }
Widest tan_of(Widest x) { return ::tanf128(x); }
Widest floor_of(Widest x) { return ::floorf128(x); }
#else
using Widest = long double;
#endif
double log_of(double x) { return std::log(x); }
double tan_of(double x) { return std::tan(x); }
double floor_of(double x) { return std::floor(x); }
long double log_of(long double x) { return std::log(x); }
long double tan_of(long double x) { return std::tan(x); }
long double floor_of(long double x) { return std::floor(x); }

/// The digamma function of a finite x, neither zero nor a negative whole number. `size` becomes that of its
/// largest term.
template <class Real>
Real digamma_of(Real x, Real& size) {
  constexpr Real pi =
      Real(3.141592653589793116) + Real(1.2246467991473531772e-16) + Real(-2.9947698097183396659e-33);
  // From `series_start` on the asymptotic series holds. Its coefficients are B(2k) / 2k of the Bernoulli
  // numbers.
  constexpr int digits = std::is_floating_point_v<Real> ? std::numeric_limits<Real>::digits : 113;
  constexpr int terms = digits == 53 ? 7 : digits == 64 ? 8 : 12;
  constexpr int series_start = terms == 12 ? 32 : 14;
  constexpr double numerators[] = {1, -1, 1, -1, 1, -691, 1, -3617, 43867, -174611, 854513, -236364091};
  constexpr double denominators[] = {12, 120, 252, 240, 132, 32760, 12, 8160, 14364, 6600, 3036, 65520};
  Real result = 0;
  if (x < 0) {
    // Reflection: psi(x) = psi(1 - x) - pi / tan(pi x).
    result = -pi / tan_of(pi * (x - floor_of(x + Real(0.5))));
    x = 1 - x;
  }
  // Recurrence: the sum of 1 / x, as one fraction.
  Real numerator = 0, denominator = 1;
  for (; x < series_start; x += 1) {
    numerator = numerator * x + denominator;
    denominator *= x;
  }
  const Real z = 1 / (x * x);
  Real series = 0;
  for (int k = terms - 1; k >= 0; --k) series = z * (Real(numerators[k]) / Real(denominators[k]) + series);
  const Real logarithm = log_of(x);
  size = logarithm;
  return result + (logarithm - numerator / denominator - Real(0.5) / x - series);
}

/// Zero, infinities and poles, which digamma_of leaves out.
template <class T>
bool special_digamma(T x, T& y) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  if (x == 0) {
    y = std::copysign(infinity, -x);
  } else if (!std::isfinite(x)) {
    y = x > 0 ? x : std::numeric_limits<T>::quiet_NaN();
  } else if (x < 0 && x == std::floor(x)) {
    y = std::numeric_limits<T>::quiet_NaN();
  } else {
    return false;
  }
  return true;
}

}  // namespace

template <>
float digamma(float x) {
  float special = 0;
  if (special_digamma(x, special)) return special;
  double size = 0;
  return static_cast<float>(digamma_of(static_cast<double>(x), size));
}
template <>
double digamma(double x) {
  double special = 0;
  if (special_digamma(x, special)) return special;
  long double size = 0;
  const long double y = digamma_of(static_cast<long double>(x), size);
  if (std::abs(y) > size / 32) return static_cast<double>(y);
  Widest ignored = 0;
  return static_cast<double>(digamma_of(static_cast<Widest>(x), ignored));
}

namespace {

template <class T>
std::complex<T> expm1_of(std::complex<T> z) {
  // e^a cos b - 1 = (e^a - 1) cos b - 2 sin²(b/2), which does not cancel.
  const T half_sine = std::sin(z.imag() / 2);
  return {std::expm1(z.real()) * std::cos(z.imag()) - 2 * half_sine * half_sine,
          std::exp(z.real()) * std::sin(z.imag())};
}

template <class T>
std::complex<T> log1p_of(std::complex<T> z) {
  const T a = z.real(), b = z.imag();
  if (!(std::abs(a) <= 1 && std::abs(b) <= 1)) return std::log(std::complex<T>(1) + z);
  // |1 + z|² - 1 = a (2 + a) + b², which does not cancel near 0; in double it hardly does near -1.
  const double x = a, y = b;
  return {static_cast<T>(std::log1p(x * (2 + x) + y * y) / 2), std::atan2(b, 1 + a)};
}

template <class T>
std::complex<T> value_of(ComplexFunction function, std::complex<T> z) {
  switch (function) {
    case ComplexFunction::exp:
      return std::exp(z);
    case ComplexFunction::exp2:
      return std::exp(z * static_cast<T>(ln_2));
    case ComplexFunction::expm1:
      return expm1_of(z);
    case ComplexFunction::log:
      return std::log(z);
    case ComplexFunction::log2:
      return std::log(z) / static_cast<T>(ln_2);
    case ComplexFunction::log10:
      return std::log10(z);
    case ComplexFunction::log1p:
      return log1p_of(z);
    case ComplexFunction::sqrt:
      return std::sqrt(z);
    case ComplexFunction::sin:
      return std::sin(z);
    case ComplexFunction::cos:
      return std::cos(z);
    case ComplexFunction::tan:
      return std::tan(z);
    case ComplexFunction::asin:
      return std::asin(z);
    case ComplexFunction::acos:
      return std::acos(z);
    case ComplexFunction::atan:
      return std::atan(z);
    case ComplexFunction::sinh:
      return std::sinh(z);
    case ComplexFunction::cosh:
      return std::cosh(z);
    case ComplexFunction::tanh:
      return std::tanh(z);
    case ComplexFunction::asinh:
      return std::asinh(z);
    case ComplexFunction::acosh:
      return std::acosh(z);
    case ComplexFunction::atanh:
      return std::atanh(z);
  }
  return z;
}

}  // namespace

template <class T>
void complex_function(ComplexFunction function, T* parts) {
  const std::complex<T> w = value_of(function, std::complex<T>(parts[0], parts[1]));
  parts[0] = w.real();
  parts[1] = w.imag();
}
template void complex_function(ComplexFunction, float*);
template void complex_function(ComplexFunction, double*);

template <class T>
void complex_pow(T* base, const T* exponent) {
  const std::complex<T> w =
      std::pow(std::complex<T>(base[0], base[1]), std::complex<T>(exponent[0], exponent[1]));
  base[0] = w.real();
  base[1] = w.imag();
}
template void complex_pow(float*, const float*);
template void complex_pow(double*, const double*);

}  // namespace rustorch::simd::lane
