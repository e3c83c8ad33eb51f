#include "rustorch/backends/philox.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rustorch/error/error.h"

namespace rustorch {
namespace {

/// The largest number of a floating-point dtype below `bound`.
double largest_below(double bound, DType dtype) {
  return visit_dtype(dtype, [&](auto tag) -> double {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      const T value = static_cast<T>(bound);
      if (static_cast<double>(value) < bound) return static_cast<double>(value);
      return static_cast<double>(std::nextafter(value, -std::numeric_limits<T>::infinity()));
    } else if constexpr (is_reduced_precision(dtype_of<T>)) {
      T value(static_cast<float>(bound));
      if (static_cast<double>(static_cast<float>(value)) < bound)
        return static_cast<double>(static_cast<float>(value));
      if ((value.bits & 0x7fffu) == 0) {
        value.bits = 0x8001u;
      } else if ((value.bits & 0x8000u) != 0) {
        ++value.bits;
      } else {
        --value.bits;
      }
      return static_cast<double>(static_cast<float>(value));
    } else {
      fail(ErrorCode::dtype_mismatch, "uniform random numbers cannot be {}", dtype);
    }
  });
}

}  // namespace

double largest_uniform(double a, double b, DType dtype) {
  return a < b ? largest_below(b, dtype) : std::numeric_limits<double>::infinity();
}

std::uint64_t bernoulli_threshold(double probability) {
  return static_cast<std::uint64_t>(std::nearbyint(std::clamp(probability, 0.0, 1.0) * 0x1p32));
}

}  // namespace rustorch
