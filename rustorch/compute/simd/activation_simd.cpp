#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/compute/simd/activation_simd.cpp"
#include <hwy/foreach_target.h>

#include "rustorch/compute/simd/kernel_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

#define RUSTORCH_FAMILY "rustorch/compute/op_table/activation.def"
#define RUSTORCH_OP RUSTORCH_FORMULA
#include "rustorch/compute/op_table/ops.def"

std::span<const KernelRow> activation_kernels() {
  static constexpr KernelRow rows[] = {
#define RUSTORCH_OP RUSTORCH_KERNELS
#include "rustorch/compute/op_table/ops.def"
  };
  return rows;
}
#undef RUSTORCH_FAMILY

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::simd {

HWY_EXPORT(activation_kernels);
std::span<const KernelRow> activation_kernels() { return RUSTORCH_DISPATCH(activation_kernels)(); }

}  // namespace rustorch::simd
#endif
