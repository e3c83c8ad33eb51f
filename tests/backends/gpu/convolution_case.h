#pragma once

#include <fmt/format.h>

#include <array>
#include <string>

#include "rustorch/backends/compute_backend.h"

namespace rustorch::testing {

/// A convolution by its numbers.
struct ConvolutionCase {
  Shape input, weight;
  std::array<std::int64_t, 3> stride{1, 1, 1}, padding{0, 0, 0}, dilation{1, 1, 1};
  std::int64_t groups = 1;

  ConvolutionParameters parameters() const { return {input.size() - 2, stride, padding, dilation, groups}; }
  Shape output() const {
    Shape shape = input;
    shape[1] = weight[0];
    for (std::size_t i = 0; i + 2 < input.size(); ++i) {
      const std::int64_t reach = (weight[i + 2] - 1) * dilation[i] + 1;
      shape[i + 2] = (input[i + 2] + 2 * padding[i] - reach) / stride[i] + 1;
    }
    return shape;
  }
  std::string name() const {
    return fmt::format("input {} weight {} stride {} padding {} dilation {} groups {}", input, weight,
                       Shape(stride), Shape(padding), Shape(dilation), groups);
  }
};

}  // namespace rustorch::testing
