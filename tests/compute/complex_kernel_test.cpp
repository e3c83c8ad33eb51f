#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "rustorch/compute/simd/kernels.h"
#include "rustorch/core/dtype.h"

namespace rustorch {
namespace {

using Reference = std::complex<long double>;

template <class T>
class ComplexKernel : public ::testing::Test {
 protected:
  using Number = std::complex<T>;
  static constexpr DType dtype = dtype_of<Number>;

  static std::vector<Number> run(Op op, const std::vector<Number>& x, const std::vector<Number>& y = {},
                                 const std::vector<Number>& z = {}) {
    std::vector<Number> out(x.size());
    simd::elementwise_kernel(op, dtype)(x.data(), y.data(), z.data(), out.data(), x.size());
    return out;
  }
  static Number run_one(Op op, Number x, Number y = {}, Number z = {}) {
    return run(op, std::vector<Number>{x}, std::vector<Number>{y}, std::vector<Number>{z})[0];
  }
  static std::vector<Number> random_values(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<T> normal(0, 2);
    std::vector<Number> values(count);
    for (Number& value : values) value = Number(normal(random), normal(random));
    return values;
  }
  static void expect_near(Number got, Reference wanted, const char* what) {
    const long double tolerance = 16 * std::numeric_limits<T>::epsilon() * (std::abs(wanted) + 1e-3L);
    EXPECT_LE(std::abs(Reference(got) - wanted), tolerance) << what << ": " << got << " is not " << wanted;
  }
};
using PartTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ComplexKernel, PartTypes);

TYPED_TEST(ComplexKernel, OneOperand) {
  const long double ln_2 = std::log(2.0L);
  struct Case {
    Op op;
    std::function<Reference(Reference)> reference;
  };
  const Case cases[] = {
      {Op::neg, [](Reference z) { return -z; }},
      {Op::square, [](Reference z) { return z * z; }},
      {Op::reciprocal, [](Reference z) { return Reference(1) / z; }},
      {Op::abs, [](Reference z) { return std::abs(z); }},
      {Op::real, [](Reference z) { return z.real(); }},
      {Op::imag, [](Reference z) { return z.imag(); }},
      {Op::conj, [](Reference z) { return std::conj(z); }},
      {Op::angle, [](Reference z) { return std::arg(z); }},
      {Op::exp, [](Reference z) { return std::exp(z); }},
      {Op::exp2, [=](Reference z) { return std::exp(z * ln_2); }},
      {Op::expm1, [](Reference z) { return std::exp(z) - Reference(1); }},
      {Op::log, [](Reference z) { return std::log(z); }},
      {Op::log2, [=](Reference z) { return std::log(z) / ln_2; }},
      {Op::log10, [](Reference z) { return std::log10(z); }},
      {Op::log1p, [](Reference z) { return std::log(Reference(1) + z); }},
      {Op::sqrt, [](Reference z) { return std::sqrt(z); }},
      {Op::rsqrt, [](Reference z) { return Reference(1) / std::sqrt(z); }},
      {Op::sigmoid, [](Reference z) { return Reference(1) / (Reference(1) + std::exp(-z)); }},
      {Op::sin, [](Reference z) { return std::sin(z); }},
      {Op::cos, [](Reference z) { return std::cos(z); }},
      {Op::tan, [](Reference z) { return std::tan(z); }},
      {Op::asin, [](Reference z) { return std::asin(z); }},
      {Op::acos, [](Reference z) { return std::acos(z); }},
      {Op::atan, [](Reference z) { return std::atan(z); }},
      {Op::sinh, [](Reference z) { return std::sinh(z); }},
      {Op::cosh, [](Reference z) { return std::cosh(z); }},
      {Op::tanh, [](Reference z) { return std::tanh(z); }},
      {Op::asinh, [](Reference z) { return std::asinh(z); }},
      {Op::acosh, [](Reference z) { return std::acosh(z); }},
      {Op::atanh, [](Reference z) { return std::atanh(z); }},
  };
  const auto values = this->random_values(500, 1);
  for (const Case& c : cases) {
    const auto out = this->run(c.op, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      this->expect_near(out[i], c.reference(Reference(values[i])), op_info(c.op).name.data());
    }
  }
}

TYPED_TEST(ComplexKernel, TwoOperands) {
  using Complex = std::complex<TypeParam>;
  const auto x = this->random_values(500, 2), y = this->random_values(500, 3);
  struct Case {
    Op op;
    std::function<Reference(Reference, Reference)> reference;
  };
  const Case cases[] = {
      {Op::add, [](Reference a, Reference b) { return a + b; }},
      {Op::sub, [](Reference a, Reference b) { return a - b; }},
      {Op::mul, [](Reference a, Reference b) { return a * b; }},
      {Op::div, [](Reference a, Reference b) { return a / b; }},
      {Op::complex, [](Reference a, Reference b) { return Reference(a.real(), b.real()); }},
      {Op::polar, [](Reference a, Reference b) { return a.real() * std::exp(Reference(0, b.real())); }},
  };
  for (const Case& c : cases) {
    const auto out = this->run(c.op, x, y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      this->expect_near(out[i], c.reference(Reference(x[i]), Reference(y[i])), op_info(c.op).name.data());
    }
  }
  EXPECT_EQ(this->run_one(Op::eq, Complex(1, 2), Complex(1, 2)), Complex(1));
  EXPECT_EQ(this->run_one(Op::eq, Complex(1, 2), Complex(1, 3)), Complex(0));
  EXPECT_EQ(this->run_one(Op::ne, Complex(1, 2), Complex(1, 3)), Complex(1));
  EXPECT_EQ(this->run_one(Op::logical_and, Complex(0, 2), Complex(1, 0)), Complex(1));
  EXPECT_EQ(this->run_one(Op::where, Complex(0, 1), Complex(5), Complex(6)), Complex(5));
  EXPECT_EQ(this->run_one(Op::pow, Complex(0, 1), Complex(0)), Complex(1));
  this->expect_near(this->run_one(Op::pow, Complex(1, 1), Complex(2)), Reference(0, 2), "pow");
  this->expect_near(this->run_one(Op::lerp, Complex(1, 1), Complex(3, 5), Complex(0.5f)), Reference(2, 3),
                    "lerp");
}

TYPED_TEST(ComplexKernel, DivisionNeitherOverflowsNorVanishes) {
  using T = TypeParam;
  using Complex = std::complex<T>;
  const T large = std::numeric_limits<T>::max() / 4, small = std::numeric_limits<T>::min() * 4;
  EXPECT_EQ(this->run_one(Op::div, Complex(large, large), Complex(large, large)), Complex(1, 0));
  EXPECT_EQ(this->run_one(Op::div, Complex(small, small), Complex(small, small)), Complex(1, 0));
  EXPECT_TRUE(std::isinf(this->run_one(Op::div, Complex(1, 2), Complex(0, 0)).real()));
}

TYPED_TEST(ComplexKernel, Classification) {
  using T = TypeParam;
  using Complex = std::complex<T>;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const Complex z :
       {Complex(1, 2), Complex(inf, 1), Complex(1, -inf), Complex(nan, 1), Complex(1, nan)}) {
    const bool is_nan = std::isnan(z.real()) || std::isnan(z.imag());
    const bool is_inf = std::isinf(z.real()) || std::isinf(z.imag());
    EXPECT_EQ(this->run_one(Op::isnan, z), Complex(is_nan ? 1 : 0));
    EXPECT_EQ(this->run_one(Op::isinf, z), Complex(is_inf ? 1 : 0));
    EXPECT_EQ(this->run_one(Op::isfinite, z), Complex(is_nan || is_inf ? 0 : 1));
  }
}

}  // namespace
}  // namespace rustorch
