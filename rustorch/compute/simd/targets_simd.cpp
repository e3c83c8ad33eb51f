#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/compute/simd/targets_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

CpuIsa running_isa() {
#if HWY_TARGET == HWY_SSE4
  return CpuIsa::sse4;
#elif HWY_TARGET == HWY_AVX2
  return CpuIsa::avx2;
#elif HWY_TARGET == HWY_AVX3
  return CpuIsa::avx512;
#elif HWY_TARGET == HWY_NEON
  return CpuIsa::neon;
#else
  static_assert(HWY_TARGET == HWY_SCALAR, "an instruction set that targets.h does not list");
  return CpuIsa::scalar;
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <bit>

#include "rustorch/error/error.h"

namespace rustorch::simd {

HWY_EXPORT(running_isa);
CpuIsa running_isa() { return RUSTORCH_DISPATCH(running_isa)(); }

namespace {

std::int64_t target_of(CpuIsa isa) {
  switch (isa) {
    case CpuIsa::scalar:
      return HWY_SCALAR;
    case CpuIsa::sse4:
      return HWY_SSE4;
    case CpuIsa::avx2:
      return HWY_AVX2;
    case CpuIsa::avx512:
      return HWY_AVX3;
    case CpuIsa::neon:
      return HWY_NEON;
  }
  return 0;
}

std::size_t find_dispatch_index() {
  const CpuIsa isa = selected_cpu_isa();
  const std::int64_t target = target_of(isa);
  RUSTORCH_CHECK((HWY_TARGETS & target) != 0, unsupported, "this build has no kernels for {}",
                 to_string(isa));
  RUSTORCH_CHECK((hwy::SupportedTargets() & target) != 0 || target == HWY_SCALAR, unsupported,
                 "this processor does not run kernels for {}", to_string(isa));
  // Highway's tables: an entry that initializes, then the targets from the best on, then the scalar one.
  if (target == HWY_SCALAR) return HWY_MAX_DYNAMIC_TARGETS + 1;
  return static_cast<std::size_t>(
      std::countr_zero(static_cast<std::uint64_t>(HWY_CHOSEN_TARGET_SHIFT(target))));
}

}  // namespace

std::size_t dispatch_index() {
  static const std::size_t index = find_dispatch_index();
  return index;
}

}  // namespace rustorch::simd
#endif
