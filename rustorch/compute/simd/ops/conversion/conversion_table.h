#pragma once

#include <array>

#include "rustorch/compute/simd/kernels.h"

namespace rustorch::simd {

/// From dtype, to dtype; nullptr where a conversion goes through float32 (float16 and bfloat16 from and to
/// anything but it).
using ConversionTable = std::array<std::array<ConversionKernel, dtype_count>, dtype_count>;

/// The direct conversions, for the selected instruction set.
const ConversionTable& direct_conversions();

}  // namespace rustorch::simd
