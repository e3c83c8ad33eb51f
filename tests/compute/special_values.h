#pragma once

#include <cstddef>
#include <limits>
#include <vector>

namespace rustorch::testing {

/// Numbers at which functions are often wrong, with both signs: zeros, infinities, NaN, subnormal numbers,
/// the ends of the range, and some around which functions change.
template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values{0,
                        1,
                        2,
                        3,
                        4,
                        10,
                        100,
                        1000,
                        T(0.25),
                        T(0.5),
                        T(0.999),
                        T(1.5),
                        T(2.5),
                        T(3.14159265),
                        T(1e10),
                        Limits::infinity(),
                        Limits::max(),
                        Limits::min(),
                        Limits::min() / 4,
                        Limits::denorm_min()};
  for (std::size_t i = 0, count = values.size(); i < count; ++i) values.push_back(-values[i]);
  values.push_back(Limits::quiet_NaN());
  return values;
}

}  // namespace rustorch::testing
