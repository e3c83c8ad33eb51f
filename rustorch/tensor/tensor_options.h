#pragma once

#include <optional>

#include "rustorch/core/dtype.h"
#include "rustorch/device/device.h"

namespace rustorch {

/// How a new tensor is made: `randn({2, 3}, {.dtype = float64, .device = "cpu", .requires_grad = true})`.
/// What is not given follows the function: the default dtype and device, or those of the tensor it is made
/// like.
struct TensorOptions {
  std::optional<DType> dtype = {};
  std::optional<Device> device = {};
  bool requires_grad = false;
};

}  // namespace rustorch
