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

void gemm_integer(DType dtype, const Gemm& work) {
  switch (dtype) {
    case DType::uint8:
      return gemm_packed<std::uint8_t>(work);
    case DType::int8:
      return gemm_packed<std::int8_t>(work);
    case DType::int16:
      return gemm_packed<std::int16_t>(work);
    case DType::int32:
      return gemm_packed<std::int32_t>(work);
    default:
      return gemm_packed<std::int64_t>(work);
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
