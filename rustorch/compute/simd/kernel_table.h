#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "rustorch/compute/simd/kernels.h"

namespace rustorch::simd {

/// The kernels of one op, by compute type; nullptr where the op has none.
struct KernelRow {
  std::string_view name;
  ElementwiseKernel int32 = nullptr;
  ElementwiseKernel int64 = nullptr;
  ElementwiseKernel float32 = nullptr;
  ElementwiseKernel float64 = nullptr;
  ElementwiseKernel complex64 = nullptr;
  ElementwiseKernel complex128 = nullptr;
};

// The rows of each family of the op table (op_table/<family>.def), in its order, for the selected instruction
// set.
std::span<const KernelRow> arithmetic_kernels();
std::span<const KernelRow> comparison_kernels();
std::span<const KernelRow> bitwise_kernels();
std::span<const KernelRow> exponential_kernels();
std::span<const KernelRow> trigonometric_kernels();
std::span<const KernelRow> special_kernels();
std::span<const KernelRow> activation_kernels();
std::span<const KernelRow> activation_backward_kernels();

}  // namespace rustorch::simd
