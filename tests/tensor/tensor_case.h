#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/print.h"

namespace rustorch::testing {

/// An operation on x = 1, 2, 3 … (float64) with what PyTorch 2.11 gives: the result, and the gradient of x
/// when the result's gradient is 1, 2, 3 …
struct TensorCase {
  std::string name;
  Shape input;
  Tensor (*run)(const Tensor&);
  Shape shape;
  std::vector<double> values;
  std::vector<double> gradient;
};

inline void PrintTo(const TensorCase& tested, std::ostream* out) { *out << tested.name; }

inline std::string test_name(const ::testing::TestParamInfo<TensorCase>& tested) {
  std::string name;
  for (const char letter : tested.param.name) name += std::isalnum(letter) != 0 ? letter : '_';
  return name;
}

/// 1, 2, 3 … in a shape.
inline Tensor counted(const Shape& shape) {
  return arange(1, shape.element_count() + 1, 1, {.dtype = DType::float64}).reshape(shape);
}

/// The same values in other layouts: row-major, dims reversed, with gaps.
inline std::vector<Tensor> in_layouts(const Shape& shape) {
  const Tensor values = counted(shape);
  std::vector<Tensor> result{values};
  Layout reversed = Layout::contiguous(Shape(std::vector<std::int64_t>(
      std::make_reverse_iterator(shape.end()), std::make_reverse_iterator(shape.begin()))));
  std::reverse(reversed.strides.begin(), reversed.strides.end());
  Layout gaps = Layout::contiguous(shape);
  for (std::int64_t& stride : gaps.strides) stride *= 3;
  for (const Strides& strides : {reversed.strides, gaps.strides}) {
    result.push_back(empty_strided(shape, strides, {.dtype = DType::float64}).copy_(values));
  }
  return result;
}

inline void check_values(const TensorCase& tested) {
  for (Tensor x : in_layouts(tested.input)) {
    SCOPED_TRACE("strides " + x.strides().to_string());
    x.requires_grad_();
    const Tensor y = tested.run(x);
    ASSERT_EQ(y.shape(), tested.shape);
    EXPECT_EQ(y.to_vector<double>(), tested.values);
    if (!y.requires_grad()) continue;
    y.backward(counted(tested.shape));
    ASSERT_TRUE(x.grad().defined());
    ASSERT_EQ(x.grad().shape(), x.shape());
    EXPECT_EQ(x.grad().to_vector<double>(), tested.gradient);
  }
}

inline void check_second_derivative(const TensorCase& tested) {
  if (tested.input.element_count() == 0 || tested.shape.element_count() == 0) return;
  // Squared, so that the gradient which comes in depends on x, and goes through the backward's own gradient.
  const auto run = [&](const TensorList& inputs) {
    const Tensor y = tested.run(inputs[0]);
    return y * y;
  };
  const Tensor x = counted(tested.input).requires_grad_();
  EXPECT_TRUE(autograd::gradcheck(run, {x}));
  EXPECT_TRUE(autograd::gradgradcheck(run, {x}));
}

}  // namespace rustorch::testing
