#pragma once

#include <vector>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/tensor.h"

namespace rustorch::testing {

/// The fixed values that the oracle scripts use too: multiples of 0.1 between -0.5 and 0.5.
inline Tensor pattern(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.element_count()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<int>(i * 7 % 11) - 5) * 0.1F;
  }
  return from_vector(values, shape);
}

}  // namespace rustorch::testing
