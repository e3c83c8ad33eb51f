#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "compute/special_values.h"
#include "rustorch/compute/simd/kernels.h"
#include "rustorch/core/dtype.h"

namespace rustorch {
namespace {

using Real = long double;
using testing::special_values;

constexpr Real pi = 3.14159265358979323846264338327950288L;
constexpr Real ln_2 = 0.693147180559945309417232121458176568L;
constexpr Real infinity = std::numeric_limits<Real>::infinity();

Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
Real softplus(Real x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
/// x - y with NaN for both of the same infinity: the sign of a rest is that of y.
Real python_remainder(Real x, Real y) {
  const Real rest = std::fmod(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
Real nan_wins_max(Real x, Real y) { return std::isnan(x) || x > y ? x : y; }
Real nan_wins_min(Real x, Real y) { return std::isnan(x) || x < y ? x : y; }

/// An op with one operand, what it should give, and by how many units in the last place it may miss.
struct UnaryCase {
  Op op;
  Real (*reference)(Real);
  double ulps;
};

const UnaryCase unary_cases[] = {
    {Op::copy, [](Real x) { return x; }, 0},
    {Op::neg, [](Real x) { return -x; }, 0},
    {Op::square, [](Real x) { return x * x; }, 0.5},
    {Op::reciprocal, [](Real x) { return 1 / x; }, 0.5},
    {Op::abs, [](Real x) { return std::abs(x); }, 0},
    {Op::sign, [](Real x) { return Real(x > 0) - Real(x < 0); }, 0},
    {Op::floor, [](Real x) { return std::floor(x); }, 0},
    {Op::ceil, [](Real x) { return std::ceil(x); }, 0},
    {Op::round, [](Real x) { return std::nearbyint(x); }, 0},
    {Op::trunc, [](Real x) { return std::trunc(x); }, 0},
    {Op::frac, [](Real x) { return x - std::trunc(x); }, 0},
    {Op::exp, [](Real x) { return std::exp(x); }, 1.5},
    {Op::exp2, [](Real x) { return std::exp2(x); }, 1.5},
    {Op::expm1, [](Real x) { return std::expm1(x); }, 2},
    {Op::log, [](Real x) { return std::log(x); }, 2},
    {Op::log2, [](Real x) { return std::log2(x); }, 2},
    {Op::log10, [](Real x) { return std::log10(x); }, 2},
    {Op::log1p, [](Real x) { return std::log1p(x); }, 2},
    {Op::sqrt, [](Real x) { return std::sqrt(x); }, 0.5},
    {Op::rsqrt, [](Real x) { return 1 / std::sqrt(x); }, 1.5},
    {Op::sigmoid, sigmoid, 2},
    {Op::sin, [](Real x) { return std::sin(x); }, 2},
    {Op::cos, [](Real x) { return std::cos(x); }, 2},
    {Op::tan, [](Real x) { return std::tan(x); }, 4},
    {Op::asin, [](Real x) { return std::asin(x); }, 2},
    {Op::acos, [](Real x) { return std::acos(x); }, 2},
    {Op::atan, [](Real x) { return std::atan(x); }, 2},
    {Op::sinh, [](Real x) { return std::sinh(x); }, 2},
    {Op::cosh, [](Real x) { return std::cosh(x); }, 2},
    {Op::tanh, [](Real x) { return std::tanh(x); }, 2},
    {Op::asinh, [](Real x) { return std::asinh(x); }, 2},
    {Op::acosh, [](Real x) { return std::acosh(x); }, 2},
    {Op::atanh, [](Real x) { return std::atanh(x); }, 2},
    {Op::erf, [](Real x) { return std::erf(x); }, 2},
    {Op::erfc, [](Real x) { return std::erfc(x); }, 2},
    {Op::angle, [](Real x) { return std::isnan(x) ? x
                                    : x < 0       ? pi
                                                  : 0; }, 0.5},
    {Op::relu, [](Real x) { return x < 0 ? 0 : x; }, 0},
    {Op::relu6, [](Real x) { return x < 0   ? 0
                                    : x > 6 ? 6
                                            : x; }, 0},
    {Op::silu, [](Real x) { return x * sigmoid(x); }, 5},
    {Op::log_sigmoid, [](Real x) { return (x < 0 ? x : 0) - std::log1p(std::exp(-std::abs(x))); }, 4},
    {Op::softsign, [](Real x) { return x / (1 + std::abs(x)); }, 1.5},
    {Op::mish, [](Real x) { return x * std::tanh(softplus(x)); }, 6},
    {Op::isnan, [](Real x) { return Real(std::isnan(x)); }, 0},
    {Op::isinf, [](Real x) { return Real(std::isinf(x)); }, 0},
    {Op::isfinite, [](Real x) { return Real(std::isfinite(x)); }, 0},
    {Op::isposinf, [](Real x) { return Real(x == infinity); }, 0},
    {Op::isneginf, [](Real x) { return Real(x == -infinity); }, 0},
    {Op::signbit, [](Real x) { return Real(std::isnan(x) ? 0 : std::signbit(x)); }, 0},
    {Op::logical_not, [](Real x) { return Real(x == 0); }, 0},
};

struct BinaryCase {
  Op op;
  Real (*reference)(Real, Real);
  double ulps;
};

const BinaryCase binary_cases[] = {
    {Op::add, [](Real x, Real y) { return x + y; }, 0.5},
    {Op::sub, [](Real x, Real y) { return x - y; }, 0.5},
    {Op::mul, [](Real x, Real y) { return x * y; }, 0.5},
    {Op::div, [](Real x, Real y) { return x / y; }, 0.5},
    {Op::fmod, [](Real x, Real y) { return std::fmod(x, y); }, 0},
    {Op::remainder, python_remainder, 0.5},
    {Op::pow, [](Real x, Real y) { return std::pow(x, y); }, 1.5},
    {Op::atan2, [](Real x, Real y) { return std::atan2(x, y); }, 2},
    {Op::hypot, [](Real x, Real y) { return std::hypot(x, y); }, 2},
    {Op::maximum, nan_wins_max, 0},
    {Op::minimum, nan_wins_min, 0},
    {Op::fmax, [](Real x, Real y) { return std::isnan(y) || x >= y ? x : y; }, 0},
    {Op::fmin, [](Real x, Real y) { return std::isnan(y) || x <= y ? x : y; }, 0},
    {Op::heaviside, [](Real x, Real y) { return x == 0 ? y : Real(x > 0); }, 0},
    {Op::eq, [](Real x, Real y) { return Real(x == y); }, 0},
    {Op::ne, [](Real x, Real y) { return Real(x != y); }, 0},
    {Op::lt, [](Real x, Real y) { return Real(x < y); }, 0},
    {Op::le, [](Real x, Real y) { return Real(x <= y); }, 0},
    {Op::gt, [](Real x, Real y) { return Real(x > y); }, 0},
    {Op::ge, [](Real x, Real y) { return Real(x >= y); }, 0},
    {Op::logical_and, [](Real x, Real y) { return Real(x != 0 && y != 0); }, 0},
    {Op::logical_or, [](Real x, Real y) { return Real(x != 0 || y != 0); }, 0},
    {Op::logical_xor, [](Real x, Real y) { return Real((x != 0) != (y != 0)); }, 0},
    {Op::relu_backward, [](Real x, Real y) { return y <= 0 ? 0 : x; }, 0},
    {Op::leaky_relu, [](Real x, Real y) { return x > 0 ? x : x * y; }, 0.5},
    {Op::hardshrink, [](Real x, Real y) { return x >= -y && x <= y ? 0 : x; }, 0},
};

/// Normal numbers of every size, with many around where functions are interesting.
template <class T>
std::vector<T> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<T> near(-2, 2), wide(-80, 80), large(-8000, 8000), exponent(-30, 30);
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    switch (i % 4) {
      case 0:
        values[i] = near(random);
        break;
      case 1:
        values[i] = wide(random);
        break;
      case 2:
        values[i] = large(random);
        break;
      default:
        values[i] = near(random) * std::pow(T(10), exponent(random));
        break;
    }
  }
  return values;
}

/// How far `got` is from `wanted`, in units of the last place that T has there; infinite where one of them is
/// not finite and the other differs, or a true zero got the other sign.
template <class T>
double distance_in_ulps(T got, Real wanted) {
  const T rounded = static_cast<T>(wanted);
  if (std::isnan(got) || std::isnan(rounded)) return std::isnan(got) && std::isnan(rounded) ? 0 : INFINITY;
  if (std::isinf(got) || std::isinf(rounded)) return got == rounded ? 0 : INFINITY;
  if (got == 0 && rounded == 0)
    return wanted != 0 || std::signbit(got) == std::signbit(rounded) ? 0 : INFINITY;
  const T size = std::max(std::abs(rounded), std::numeric_limits<T>::min());
  const Real unit = std::nextafter(size, std::numeric_limits<T>::infinity()) - size;
  return static_cast<double>(std::abs(static_cast<Real>(got) - wanted) / unit);
}

template <class T>
class FloatKernel : public ::testing::Test {
 protected:
  static std::vector<T> run(Op op, const std::vector<T>& x, const std::vector<T>& y = {},
                            const std::vector<T>& z = {}) {
    std::vector<T> out(x.size());
    simd::elementwise_kernel(op, dtype_of<T>)(x.data(), y.data(), z.data(), out.data(), x.size());
    return out;
  }
  static T run_one(Op op, T x, T y = 0, T z = 0) {
    return run(op, std::vector<T>{x}, std::vector<T>{y}, std::vector<T>{z})[0];
  }
};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FloatKernel, FloatTypes);

TYPED_TEST(FloatKernel, OneOperand) {
  using T = TypeParam;
  std::vector<T> x = special_values<T>();
  const std::vector<T> random = random_values<T>(20000, 3);
  x.insert(x.end(), random.begin(), random.end());
  for (const UnaryCase& c : unary_cases) {
    const std::vector<T> out = this->run(c.op, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Real wanted = c.reference(static_cast<Real>(x[i]));
      // Products with subnormal factors lose digits: those results are told apart by size only.
      const bool lost =
          c.ulps >= 5 && std::abs(static_cast<Real>(out[i]) - wanted) < std::numeric_limits<T>::min() / 1024;
      if (lost) continue;
      ASSERT_LE(distance_in_ulps(out[i], wanted), c.ulps)
          << op_info(c.op).name << "(" << x[i] << ") gave " << out[i] << ", not " << wanted;
    }
  }
}

TYPED_TEST(FloatKernel, TwoOperands) {
  using T = TypeParam;
  std::vector<T> x = random_values<T>(8000, 4), y = random_values<T>(8000, 5);
  std::shuffle(y.begin(), y.end(), std::mt19937(6));
  for (const T a : special_values<T>()) {
    for (const T b : special_values<T>()) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  for (const BinaryCase& c : binary_cases) {
    const std::vector<T> out = this->run(c.op, x, y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Real wanted = c.reference(static_cast<Real>(x[i]), static_cast<Real>(y[i]));
      ASSERT_LE(distance_in_ulps(out[i], wanted), c.ulps)
          << op_info(c.op).name << "(" << x[i] << ", " << y[i] << ") gave " << out[i] << ", not " << wanted;
    }
  }
}

TYPED_TEST(FloatKernel, EveryCountAndOffsetGivesTheSame) {
  using T = TypeParam;
  const std::vector<T> x = random_values<T>(90, 8), y = random_values<T>(90, 9), z = random_values<T>(90, 10);
  for (const Op op : {Op::neg, Op::sin, Op::pow, Op::fmod, Op::erf, Op::lerp}) {
    const std::vector<T> whole = this->run(op, x, y, z);
    for (std::size_t begin = 0; begin < 20; ++begin) {
      for (std::size_t n = 0; begin + n <= 90; n += n < 36 ? 1 : 9) {
        std::vector<T> out(n + 1, T(77));
        simd::elementwise_kernel(op, dtype_of<T>)(x.data() + begin, y.data() + begin, z.data() + begin,
                                                  out.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
          ASSERT_EQ(distance_in_ulps(out[i], static_cast<Real>(whole[begin + i])), 0) << op_info(op).name;
        }
        ASSERT_EQ(out[n], T(77)) << "wrote beyond the end";
      }
    }
  }
}

TYPED_TEST(FloatKernel, InPlace) {
  using T = TypeParam;
  const std::vector<T> x = random_values<T>(77, 11), y = random_values<T>(77, 12),
                       z = random_values<T>(77, 13);
  const std::vector<T> expected = this->run(Op::multiply_add, x, y, z);
  const auto kernel = simd::elementwise_kernel(Op::multiply_add, dtype_of<T>);
  std::vector<T> a = x, b = y, c = z;
  kernel(a.data(), y.data(), z.data(), a.data(), 77);
  kernel(x.data(), b.data(), z.data(), b.data(), 77);
  kernel(x.data(), y.data(), c.data(), c.data(), 77);
  EXPECT_EQ(a, expected);
  EXPECT_EQ(b, expected);
  EXPECT_EQ(c, expected);
}

TYPED_TEST(FloatKernel, LargeArgumentsOfSineAndCosine) {
  using T = TypeParam;
  const std::vector<T> x{
      T(8193), T(1e6), T(-123456789), T(1e20), T(40000), T(1), std::numeric_limits<T>::max()};
  const std::vector<T> sines = this->run(Op::sin, x), cosines = this->run(Op::cos, x),
                       tangents = this->run(Op::tan, x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_LE(distance_in_ulps(sines[i], std::sin(static_cast<Real>(x[i]))), 2) << x[i];
    EXPECT_LE(distance_in_ulps(cosines[i], std::cos(static_cast<Real>(x[i]))), 2) << x[i];
    EXPECT_LE(distance_in_ulps(tangents[i], std::tan(static_cast<Real>(x[i]))), 4) << x[i];
  }
}

TYPED_TEST(FloatKernel, LogarithmsOfPowersAreExact) {
  using T = TypeParam;
  for (int e = -100; e <= 100; ++e) EXPECT_EQ(this->run_one(Op::log2, std::ldexp(T(1), e)), T(e));
  for (int e = 0; e <= 10; ++e) EXPECT_EQ(this->run_one(Op::log10, std::pow(T(10), T(e))), T(e));
  for (int e = -120; e <= 120; ++e) EXPECT_EQ(this->run_one(Op::exp2, T(e)), std::ldexp(T(1), e));
}

// What PyTorch 2.11 gives on the CPU, where C's functions say nothing or something else.
TYPED_TEST(FloatKernel, SpecialValuesOfPyTorch) {
  using T = TypeParam;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto same = [](T a, T b) { return distance_in_ulps(a, static_cast<Real>(b)) == 0; };
  EXPECT_TRUE(same(this->run_one(Op::floor_divide, 7, -2), -4));
  EXPECT_TRUE(same(this->run_one(Op::floor_divide, T(-0.5), 3), -1));
  EXPECT_TRUE(same(this->run_one(Op::floor_divide, 1, 0), inf));
  EXPECT_TRUE(same(this->run_one(Op::floor_divide, 0, 0), nan));
  EXPECT_TRUE(same(this->run_one(Op::floor_divide, inf, 2), nan));
  EXPECT_TRUE(same(this->run_one(Op::floor_divide, T(-0.0), 2), T(-0.0)));
  EXPECT_TRUE(same(this->run_one(Op::trunc_divide, -7, 2), -3));
  EXPECT_TRUE(same(this->run_one(Op::remainder, 5, inf), 5));
  EXPECT_TRUE(same(this->run_one(Op::remainder, -5, 0), nan));
  EXPECT_TRUE(same(this->run_one(Op::xlogy, 0, 0), 0));
  EXPECT_TRUE(same(this->run_one(Op::xlogy, 0, nan), nan));
  EXPECT_TRUE(same(this->run_one(Op::logaddexp, -inf, -inf), -inf));
  EXPECT_TRUE(same(this->run_one(Op::logaddexp, inf, inf), inf));
  EXPECT_TRUE(same(this->run_one(Op::logaddexp, inf, -inf), inf));
  EXPECT_TRUE(same(this->run_one(Op::logaddexp2, 3, 3), 4));
  EXPECT_TRUE(same(this->run_one(Op::clamp, nan, 0, 1), nan));
  EXPECT_TRUE(same(this->run_one(Op::clamp, 5, 0, nan), nan));
  EXPECT_TRUE(same(this->run_one(Op::clamp, 5, 3, 1), 1));
  EXPECT_TRUE(same(this->run_one(Op::relu, nan), nan));
  EXPECT_TRUE(same(this->run_one(Op::hardsigmoid, nan), nan));
  EXPECT_TRUE(same(this->run_one(Op::softshrink, nan, T(0.5)), nan));
  EXPECT_TRUE(same(this->run_one(Op::softshrink, T(-0.25), T(0.5)), 0));
  EXPECT_TRUE(same(this->run_one(Op::lgamma, 0), inf));
  EXPECT_TRUE(same(this->run_one(Op::lgamma, -inf), inf));
  EXPECT_TRUE(same(this->run_one(Op::lgamma, -3), inf));
  EXPECT_TRUE(same(this->run_one(Op::digamma, 0), -inf));
  EXPECT_TRUE(same(this->run_one(Op::digamma, T(-0.0)), inf));
  EXPECT_TRUE(same(this->run_one(Op::digamma, -2), nan));
  EXPECT_TRUE(same(this->run_one(Op::digamma, inf), inf));
  EXPECT_TRUE(same(this->run_one(Op::sinc, 0), 1));
  EXPECT_TRUE(same(this->run_one(Op::logit, 1), inf));
  EXPECT_TRUE(same(this->run_one(Op::logit, 2), nan));
  EXPECT_TRUE(same(this->run_one(Op::copysign, 2, T(-0.0)), -2));
  EXPECT_TRUE(same(this->run_one(Op::where, nan, 1, 2), 1));
  EXPECT_TRUE(same(this->run_one(Op::where, T(-0.0), 1, 2), 2));
  EXPECT_TRUE(same(this->run_one(Op::softplus, 25, 1, 20), 25));
  EXPECT_TRUE(same(this->run_one(Op::lerp, 1, inf, 0), nan));
}

/// Central differences of `f` in double.
double slope(const std::function<double(double)>& f, double x) {
  const double h = 1e-6;
  return (f(x + h) - f(x - h)) / (2 * h);
}

// x is the gradient, y the input of the forward, z its parameter.
TYPED_TEST(FloatKernel, BackwardRowsAreTheSlopesOfTheForward) {
  using T = TypeParam;
  struct Case {
    Op backward, forward;
    double parameter;
  };
  const Case cases[] = {
      {Op::silu_backward, Op::silu, 0},
      {Op::gelu_backward, Op::gelu, 0},
      {Op::gelu_tanh_backward, Op::gelu_tanh, 0},
      {Op::mish_backward, Op::mish, 0},
      {Op::hardswish_backward, Op::hardswish, 0},
      {Op::hardsigmoid_backward, Op::hardsigmoid, 0},
      {Op::softsign_backward, Op::softsign, 0},
      {Op::selu_backward, Op::selu, 0},
      {Op::log_sigmoid_backward, Op::log_sigmoid, 0},
      {Op::relu_backward, Op::relu, 0},
      {Op::leaky_relu_backward, Op::leaky_relu, 0.1},
      {Op::elu_backward, Op::elu, 1.3},
      {Op::celu_backward, Op::celu, 0.7},
      {Op::shrink_backward, Op::softshrink, 0.5},
      {Op::shrink_backward, Op::hardshrink, 0.5},
  };
  for (const Case& c : cases) {
    const auto forward = [&](double x) {
      double out = 0;
      simd::elementwise_kernel(c.forward, float64)(&x, &c.parameter, nullptr, &out, 1);
      return out;
    };
    for (double x = -7.03; x < 7; x += 0.21) {
      const T got = this->run_one(c.backward, 2, static_cast<T>(x), static_cast<T>(c.parameter));
      EXPECT_NEAR(static_cast<double>(got), 2 * slope(forward, x), 1e-4)
          << op_info(c.backward).name << " at " << x;
    }
  }
  for (double x = -3.05; x < 3; x += 0.1) {
    const T s = static_cast<T>(sigmoid(x)), t = static_cast<T>(std::tanh(x));
    EXPECT_NEAR(static_cast<double>(this->run_one(Op::sigmoid_backward, 1, s)),
                static_cast<double>(s * (1 - s)), 1e-6);
    EXPECT_NEAR(static_cast<double>(this->run_one(Op::tanh_backward, 1, t)), static_cast<double>(1 - t * t),
                1e-6);
    EXPECT_NEAR(static_cast<double>(this->run_one(Op::softplus_backward, 1, static_cast<T>(2 * x), 20)),
                static_cast<double>(sigmoid(2 * x)), 1e-6);
    EXPECT_EQ(this->run_one(Op::threshold_backward, 5, static_cast<T>(x), T(0.5)), x > 0.5 ? 5 : 0);
  }
  EXPECT_NEAR(static_cast<double>(this->run_one(Op::logit_backward, 1, T(0.25))), 1 / (0.25 * 0.75), 1e-5);
  EXPECT_TRUE(std::isnan(this->run_one(Op::logit_backward, 1, 2)));
}

TYPED_TEST(FloatKernel, ActivationsKeepTheirDigitsInTheTails) {
  using T = TypeParam;
  for (double x = -10; x < 10; x += 0.37) {
    const Real at = static_cast<Real>(static_cast<T>(x));
    const Real gelu = at / 2 * std::erfc(-at / std::sqrt(Real(2)));
    EXPECT_NEAR(static_cast<double>(this->run_one(Op::gelu, static_cast<T>(x)) / static_cast<T>(gelu)), 1,
                2e-5)
        << x;
    const Real gelu_tanh = at * sigmoid(2 * std::sqrt(2 / pi) * (at + 0.044715L * at * at * at));
    const T got = this->run_one(Op::gelu_tanh, static_cast<T>(x));
    if (gelu_tanh < -std::numeric_limits<T>::min() || gelu_tanh > 0) {
      EXPECT_NEAR(static_cast<double>(got / static_cast<T>(gelu_tanh)), 1, 1e-4) << x;
    }
  }
}

TYPED_TEST(FloatKernel, Gamma) {
  using T = TypeParam;
  constexpr Real euler = 0.577215664901532860606512090082402431L;
  EXPECT_NEAR(static_cast<double>(this->run_one(Op::digamma, 1)), static_cast<double>(-euler), 1e-6);
  EXPECT_NEAR(static_cast<double>(this->run_one(Op::digamma, T(0.5))), static_cast<double>(-euler - 2 * ln_2),
              1e-6);
  EXPECT_NEAR(static_cast<double>(this->run_one(Op::digamma, T(-0.5))), 0.03648997397857652, 1e-6);
  EXPECT_NEAR(static_cast<double>(this->run_one(Op::lgamma, T(5))), std::log(24.0), 1e-6);
  EXPECT_NEAR(static_cast<double>(this->run_one(Op::lgamma, T(-0.5))), std::log(3.5449077018110318), 1e-6);
}

}  // namespace
}  // namespace rustorch
