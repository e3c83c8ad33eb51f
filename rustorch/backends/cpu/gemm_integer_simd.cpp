#include "rustorch/backends/cpu/gemm.h"
#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/gemm_integer_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rustorch/backends/cpu/gemm_packed-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {

// Products and sums of integers wrap, so unsigned ones serve.
void gemm_integer(DType dtype, const Gemm& work) {
  switch (dtype) {
    case DType::uint8:
      return gemm_blocks<std::uint32_t, false>(work, conversions_of<std::uint32_t, std::uint8_t>());
    case DType::int8:
      return gemm_blocks<std::uint32_t, false>(work, conversions_of<std::uint32_t, std::int8_t>());
    case DType::int16:
      return gemm_blocks<std::uint32_t, false>(work, conversions_of<std::uint32_t, std::int16_t>());
    case DType::int32:
      return gemm_blocks<std::uint32_t, false>(work, conversions_of<std::uint32_t, std::int32_t>());
    default:
      return gemm_blocks<std::uint64_t, false>(work, conversions_of<std::uint64_t, std::int64_t>());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(gemm_integer);
void gemm_integer(DType dtype, const Gemm& work) { RUSTORCH_DISPATCH(gemm_integer)(dtype, work); }

}  // namespace rustorch::cpu
#endif
