#include "rustorch/compute/simd/lane_math.h"

#include <limits>

namespace rustorch::simd::lane {

// std::lgamma writes a global sign: a data race between threads.
template <>
float lgamma(float x) {
  int sign = 0;
  return ::lgammaf_r(x, &sign);
}
template <>
double lgamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double ln_2 = 0.69314718055994530942;

double digamma_of(double x) {
  if (x == 0) return std::copysign(std::numeric_limits<double>::infinity(), -x);
  if (std::isinf(x)) return x > 0 ? x : std::numeric_limits<double>::quiet_NaN();
  double result = 0;
  if (x < 0) {
    if (x == std::floor(x)) return std::numeric_limits<double>::quiet_NaN();
    result = -pi / std::tan(pi * (x - std::round(x)));  // reflection: psi(x) = psi(1 - x) - pi / tan(pi x)
    x = 1 - x;
  }
  for (; x < 10; x += 1) result -= 1 / x;  // recurrence up to where the asymptotic series holds
  const double z = 1 / (x * x);
  // The coefficients are B(2k) / 2k of the Bernoulli numbers.
  constexpr double coefficients[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                     1.0 / 132, -691.0 / 32760, 1.0 / 12};
  double series = 0;
  for (int k = 6; k >= 0; --k) series = z * (coefficients[k] + series);
  return result + std::log(x) - 0.5 / x - series;
}

}  // namespace

template <>
float digamma(float x) {
  return static_cast<float>(digamma_of(static_cast<double>(x)));
}
template <>
double digamma(double x) {
  return digamma_of(x);
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
