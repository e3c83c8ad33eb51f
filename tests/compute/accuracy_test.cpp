#include <gtest/gtest.h>

#include <vector>

#include "accuracy_reference.h"
#include "rustorch/compute/simd/kernels.h"
#include "rustorch/core/dtype.h"

namespace rustorch {
namespace {

/// Runs a function over pairs and checks each result; true where none missed.
template <class T, class Real>
bool stays_within_bound(const accuracy::Function& f, const std::vector<T>& x, const std::vector<T>& y) {
  std::vector<T> out(x.size());
  simd::elementwise_kernel(f.op, dtype_of<T>)(x.data(), y.data(), nullptr, out.data(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real wanted = accuracy::reference<Real>(f, x[i], f.arity == 2 ? y[i] : T(0));
    const double error = accuracy::error_of<T, Real>(out[i], wanted);
    if (error >= 0 && error <= f.bound<T>()) continue;
    ADD_FAILURE() << op_info(f.op).name << "(" << x[i] << ", " << y[i] << ") gave " << out[i] << ", not "
                  << static_cast<double>(wanted) << ": " << error << " units in the last place";
    return false;
  }
  return true;
}

template <class T>
class FloatKernelAccuracy : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FloatKernelAccuracy, FloatTypes);

// NaN, infinities, the sign of zero, the largest and the subnormal numbers: alone and in all pairs.
TYPED_TEST(FloatKernelAccuracy, OfSpecialValues) {
  using T = TypeParam;
  std::vector<T> x, y;
  for (const T a : accuracy::special_values<T>()) {
    for (const T b : accuracy::special_values<T>()) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  for (const accuracy::Function& f : accuracy::functions) {
    EXPECT_TRUE((stays_within_bound<T, accuracy::Wide>(f, x, y))) << op_info(f.op).name;
  }
}

// The table in docs/accuracy.md comes from many more numbers.
TYPED_TEST(FloatKernelAccuracy, OfSamples) {
  using T = TypeParam;
  using Real = std::conditional_t<sizeof(T) == 4, long double, accuracy::Wide>;
  const std::size_t count = sizeof(T) == 4 ? 40'000 : 10'000;
  for (const accuracy::Function& f : accuracy::functions) {
    accuracy::Sampler<T> sampler(7);
    std::vector<T> x(count), y(count);
    for (std::size_t i = 0; i < count; ++i) sampler.next(f, x[i], y[i]);
    EXPECT_TRUE((stays_within_bound<T, Real>(f, x, y))) << op_info(f.op).name;
  }
}

// Numbers that were wrong once: the table's program found them.
TEST(FloatKernelAccuracyOf, Regressions) {
  struct Case {
    Op op;
    double x;
  };
  for (const Case& c : {Case{Op::expm1, 0.36807337403297424}, Case{Op::log1p, 1023.9763793945312},
                        Case{Op::tanh, 0.17342694103717804}, Case{Op::sinh, -0.031000914052128792},
                        Case{Op::asinh, -0.061847560107707977}, Case{Op::erfc, 3.6083619594573975},
                        Case{Op::lgamma, -3.9229660034179688}, Case{Op::digamma, -21.748014496721019},
                        Case{Op::digamma, 1.4616321449683623}, Case{Op::erfc, 26.491260464782385},
                        Case{Op::sigmoid, -1.9525512456893921}, Case{Op::asin, 0.84139883518218994}}) {
    for (const accuracy::Function& f : accuracy::functions) {
      if (f.op != c.op) continue;
      const float x = static_cast<float>(c.x);
      EXPECT_TRUE((stays_within_bound<float, accuracy::Wide>(f, {x}, {x})));
      EXPECT_TRUE((stays_within_bound<double, accuracy::Wide>(f, {c.x}, {c.x})));
    }
  }
}

}  // namespace
}  // namespace rustorch
