#include "rustorch/backends/cpu/gemm.h"
#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/gemm_floating_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rustorch/backends/cpu/gemm_packed-inl.h"
#include "rustorch/backends/cpu/gemm_small-inl.h"
#include "rustorch/backends/cpu/gemm_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {

void gemm_floating(DType dtype, const Gemm& work) {
  if (dtype == DType::float32) {
    gemm_blocks<float, true>(work, conversions_of<float, float>());
  } else {
    gemm_blocks<double, true>(work, conversions_of<double, double>());
  }
}

void small_gemm(DType dtype, const Gemm& work) {
  if (dtype == DType::float32) {
    small_gemm_any<float>(work);
  } else {
    small_gemm_any<double>(work);
  }
}

void vector_gemm(DType dtype, const Gemm& work) {
  if (dtype == DType::float32) {
    vector_product<float>(work);
  } else {
    vector_product<double>(work);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(gemm_floating);
void gemm_floating(DType dtype, const Gemm& work) { RUSTORCH_DISPATCH(gemm_floating)(dtype, work); }

HWY_EXPORT(small_gemm);
void small_gemm(DType dtype, const Gemm& work) { RUSTORCH_DISPATCH(small_gemm)(dtype, work); }

HWY_EXPORT(vector_gemm);
void vector_gemm(DType dtype, const Gemm& work) { RUSTORCH_DISPATCH(vector_gemm)(dtype, work); }

void gemm(DType dtype, const Gemm& work) {
  if (dtype == DType::float32 || dtype == DType::float64) {
    gemm_floating(dtype, work);
  } else {
    gemm_integer(dtype, work);
  }
}

}  // namespace rustorch::cpu
#endif
