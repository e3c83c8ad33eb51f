// What an instruction set does better than others, by name, for files that are compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_ARCH_FEATURES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_ARCH_FEATURES_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_ARCH_FEATURES_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_ARCH_FEATURES_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// Whether a * b + c rounds once. Formulas that count on it have another form where it does not, and results
/// may differ there in the last place; on all other targets they have the same bits.
inline constexpr bool multiply_add_is_fused = HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_SSE4;

/// Whether a load or store under a mask leaves what the mask excludes untouched (elsewhere it may fault).
inline constexpr bool has_masked_memory = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2;

/// Whether an instruction converts vectors of float16.
inline constexpr bool converts_float16 =
    HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;

/// How many vector registers there are for a loop's values.
inline constexpr int vector_registers = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 32 : 16;

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
