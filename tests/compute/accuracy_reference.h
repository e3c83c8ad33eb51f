#pragma once

// The true values of the functions whose accuracy is tested and (benchmarks/accuracy.cpp) tabulated, the
// distance from them, and the numbers to try.
#include <math.h>  // the functions of _Float128 are only here

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "rustorch/compute/op.h"
#include "special_values.h"

namespace accuracy {

using rustorch::Op;
using rustorch::testing::special_values;

#if __HAVE_DISTINCT_FLOAT128
using Wide = _Float128;
#else
using Wide = long double;  // as wide as that where it is not (AArch64); clang on x86 has 64 bits
#endif

/// As a sum of doubles: types wider than long double have no literals.
template <class Real>
constexpr Real pi = Real(3.141592653589793116) + Real(1.2246467991473531772e-16) +
                    Real(-2.9947698097183396659e-33);

// The C library's function, by type.
#if __HAVE_DISTINCT_FLOAT128
#define ACCURACY_IN_WIDE(name) \
  inline Wide name(Wide x) { return ::name##f128(x); }
#else
#define ACCURACY_IN_WIDE(name)
#endif
#define ACCURACY_FUNCTION(name)                                   \
  inline double name(double x) { return std::name(x); }           \
  inline long double name(long double x) { return std::name(x); } \
  ACCURACY_IN_WIDE(name)

ACCURACY_FUNCTION(exp)
ACCURACY_FUNCTION(exp2)
ACCURACY_FUNCTION(expm1)
ACCURACY_FUNCTION(log)
ACCURACY_FUNCTION(log2)
ACCURACY_FUNCTION(log10)
ACCURACY_FUNCTION(log1p)
ACCURACY_FUNCTION(sqrt)
ACCURACY_FUNCTION(tanh)
ACCURACY_FUNCTION(sin)
ACCURACY_FUNCTION(cos)
ACCURACY_FUNCTION(tan)
ACCURACY_FUNCTION(asin)
ACCURACY_FUNCTION(acos)
ACCURACY_FUNCTION(atan)
ACCURACY_FUNCTION(sinh)
ACCURACY_FUNCTION(cosh)
ACCURACY_FUNCTION(asinh)
ACCURACY_FUNCTION(acosh)
ACCURACY_FUNCTION(atanh)
ACCURACY_FUNCTION(erf)
ACCURACY_FUNCTION(erfc)
ACCURACY_FUNCTION(floor)

inline double pow(double x, double y) { return std::pow(x, y); }
inline double atan2(double x, double y) { return std::atan2(x, y); }
inline double hypot(double x, double y) { return std::hypot(x, y); }
inline long double pow(long double x, long double y) { return std::pow(x, y); }
inline long double atan2(long double x, long double y) { return std::atan2(x, y); }
inline long double hypot(long double x, long double y) { return std::hypot(x, y); }
// std::lgamma writes a global sign: a data race between threads.
inline double lgamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}
inline long double lgamma(long double x) {
  int sign = 0;
  return ::lgammal_r(x, &sign);
}
#if __HAVE_DISTINCT_FLOAT128
inline Wide pow(Wide x, Wide y) { return ::powf128(x, y); }
inline Wide atan2(Wide x, Wide y) { return ::atan2f128(x, y); }
inline Wide hypot(Wide x, Wide y) { return ::hypotf128(x, y); }
inline Wide lgamma(Wide x) {
  int sign = 0;
  return ::lgammaf128_r(x, &sign);
}
#endif

template <class Real>
bool is_negative(Real x) {
  return std::signbit(static_cast<double>(x));
}

template <class Real>
Real sigmoid(Real x) {
  return 1 / (1 + exp(-x));
}
template <class Real>
Real rsqrt(Real x) {
  return 1 / sqrt(x);
}

/// The logarithmic derivative of Γ: recurrence up to 32, from where the asymptotic series is good for 113
/// bits.
template <class Real>
Real digamma(Real x) {
  if (x != x) return x;
  if (x == 0)
    return is_negative(x) ? std::numeric_limits<double>::infinity()
                          : -std::numeric_limits<double>::infinity();
  if (x == std::numeric_limits<double>::infinity()) return x;
  if (x < 0) {
    const Real whole = floor(x + Real(0.5));
    if (x == whole || x == -std::numeric_limits<double>::infinity())
      return std::numeric_limits<double>::quiet_NaN();
    // The distance to the nearest whole number keeps the tangent's argument precise.
    return digamma<Real>(1 - x) - pi<Real> / tan(pi<Real> * (x - whole));
  }
  Real result = 0;
  for (; x < 32; x += 1) result -= 1 / x;
  const Real z = 1 / (x * x);
  // B(2k) / 2k with the Bernoulli numbers as fractions.
  constexpr double numerators[] = {1, -1, 1, -1, 1, -691, 1, -3617, 43867, -174611, 854513, -236364091};
  constexpr double denominators[] = {12, 120, 252, 240, 132, 32760, 12, 8160, 14364, 6600, 276 * 11, 65520};
  Real series = 0;
  for (int k = 11; k >= 0; --k) series = z * (Real(numerators[k]) / Real(denominators[k]) + series);
  return result + log(x) - 1 / (2 * x) - series;
}

/// How far a result is from the true value, in units of the last place that T has there; negative where it is
/// of another kind. An infinite result counts as the number that follows the largest one.
template <class T, class Real>
double error_of(T got, Real wanted) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(got) || wanted != wanted) return std::isnan(got) && wanted != wanted ? 0 : -1;
  const bool negative = is_negative(wanted);
  if (got == 0 && std::signbit(got) != negative) return -1;
  if (got == 0 && wanted == 0) return 0;
  const Real size = negative ? -wanted : wanted;
  if (std::isinf(got)) {
    const T largest = Limits::max();
    if ((got < 0) != negative) return -1;
    if (size > static_cast<Real>(largest)) return 0;
    const Real unit = static_cast<Real>(largest) - static_cast<Real>(std::nextafter(largest, T(0)));
    return static_cast<double>((static_cast<Real>(largest) - size) / unit) + 1;
  }
  if (size > static_cast<Real>(std::numeric_limits<T>::max()) * 2) return -1;
  // The unit of the binade that holds the true value.
  T below = static_cast<T>(size);
  if (std::isinf(below)) below = Limits::max();
  if (static_cast<Real>(below) > size) below = std::nextafter(below, T(0));
  const int exponent =
      std::max(below == 0 ? Limits::min_exponent : std::ilogb(below) + 1, Limits::min_exponent);
  const T unit = std::ldexp(T(1), exponent - Limits::digits);
  const Real difference = static_cast<Real>(got) - wanted;
  return static_cast<double>((difference < 0 ? -difference : difference) / static_cast<Real>(unit));
}

struct Function {
  Op op;
  int arity;
  double float_bound;  // the largest error that the project allows in float32; in float64 it is 2 for all

  template <class T>
  constexpr double bound() const {
    return sizeof(T) == 4 ? float_bound : 2;
  }
  /// Whether float32 needs the oracle in long double.
  constexpr bool wide_float() const { return op == Op::lgamma || op == Op::digamma || op == Op::pow; }
};

constexpr Function functions[] = {
    {Op::exp, 1, 2},   {Op::exp2, 1, 2},  {Op::expm1, 1, 2}, {Op::log, 1, 2},    {Op::log2, 1, 2},
    {Op::log10, 1, 2}, {Op::log1p, 1, 2}, {Op::rsqrt, 1, 2}, {Op::tanh, 1, 2},   {Op::sigmoid, 1, 2},
    {Op::sin, 1, 2},   {Op::cos, 1, 2},   {Op::tan, 1, 4},   {Op::asin, 1, 2},   {Op::acos, 1, 2},
    {Op::atan, 1, 2},  {Op::sinh, 1, 2},  {Op::cosh, 1, 2},  {Op::asinh, 1, 2},  {Op::acosh, 1, 2},
    {Op::atanh, 1, 2}, {Op::erf, 1, 2},   {Op::erfc, 1, 2},  {Op::lgamma, 1, 4}, {Op::digamma, 1, 4},
    {Op::pow, 2, 4},   {Op::atan2, 2, 2}, {Op::hypot, 2, 2},
};

template <class Real>
Real reference(const Function& f, Real x, Real y) {
  switch (f.op) {
#define ACCURACY_CASE(name) \
  case Op::name:            \
    return name(x);
    ACCURACY_CASE(exp)
    ACCURACY_CASE(exp2)
    ACCURACY_CASE(expm1)
    ACCURACY_CASE(log)
    ACCURACY_CASE(log2)
    ACCURACY_CASE(log10)
    ACCURACY_CASE(log1p)
    ACCURACY_CASE(rsqrt)
    ACCURACY_CASE(tanh)
    ACCURACY_CASE(sigmoid)
    ACCURACY_CASE(sin)
    ACCURACY_CASE(cos)
    ACCURACY_CASE(tan)
    ACCURACY_CASE(asin)
    ACCURACY_CASE(acos)
    ACCURACY_CASE(atan)
    ACCURACY_CASE(sinh)
    ACCURACY_CASE(cosh)
    ACCURACY_CASE(asinh)
    ACCURACY_CASE(acosh)
    ACCURACY_CASE(atanh)
    ACCURACY_CASE(erf)
    ACCURACY_CASE(erfc)
    ACCURACY_CASE(lgamma)
    ACCURACY_CASE(digamma)
#undef ACCURACY_CASE
    case Op::pow:
      return pow(x, y);
    case Op::atan2:
      return atan2(x, y);
    case Op::hypot:
      return hypot(x, y);
    default:
      return std::numeric_limits<double>::quiet_NaN();
  }
}

/// Random numbers of every size, denser where functions change.
template <class T>
class Sampler {
 public:
  explicit Sampler(std::uint64_t seed) : random_(seed) {}

  void next(const Function& f, T& x, T& y) {
    x = number();
    y = number();
    if (f.op != Op::pow || random_() % 4 == 0) return;
    // Most random powers overflow: here the exponent is picked for a result within the range.
    x = std::abs(x);
    constexpr double top = std::numeric_limits<T>::max_exponent;
    y = static_cast<T>(uniform(-top - std::numeric_limits<T>::digits, top) /
                       std::log2(static_cast<double>(x)));
    if (random_() % 4 == 0) y = std::round(y), x = random_() % 2 == 0 ? -x : x;
  }

 private:
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }

  T number() {
    const T sign = random_() % 2 == 0 ? T(1) : T(-1);
    switch (random_() % 10) {
      case 0: {  // any bits
        const auto mantissa = static_cast<T>(uniform(1, 2));
        return sign * std::ldexp(mantissa, static_cast<int>(uniform(std::numeric_limits<T>::min_exponent - 20,
                                                                    std::numeric_limits<T>::max_exponent)));
      }
      case 1:
        return static_cast<T>(uniform(-1, 1));
      case 2:
        return static_cast<T>(uniform(-4, 4));
      case 3:
        return static_cast<T>(uniform(-30, 30));
      case 4:
        return static_cast<T>(uniform(-110, 110));
      case 5:
        return static_cast<T>(uniform(-760, 720));
      case 6:
        return sign * static_cast<T>(1 + std::exp2(uniform(-std::numeric_limits<T>::digits, 0)));
      case 7:
        return sign * static_cast<T>(1 - std::exp2(uniform(-std::numeric_limits<T>::digits, 0)));
      case 8:  // beside the zeros of the trigonometric functions
        return static_cast<T>(pi<double> / 2 * std::floor(uniform(-30000, 30000)));
      default:
        return sign * static_cast<T>(std::exp2(uniform(-30, 20)));
    }
  }

  std::mt19937_64 random_;
};

}  // namespace accuracy
