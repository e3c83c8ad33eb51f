#pragma once

// Which instruction sets our vector code is compiled for, and how one of them is picked at run time. Every
// file that is compiled once per instruction set includes this header before any of Highway's. Such a file is
// named *_simd.cpp and looks like this:
//
//   #include "rustorch/compute/simd/targets.h"
//
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "rustorch/backends/cpu/double_it_simd.cpp"  // this file, from the root
//   #include <hwy/foreach_target.h>                                        // includes it once per target
//   #include <hwy/highway.h>
//
//   #include "rustorch/compute/simd/dialect-inl.h"  // optional: the op table's primitives (exp, erf …)
//
//   HWY_BEFORE_NAMESPACE();  // from here on the compiler may use the target's instructions
//   namespace rustorch::cpu {
//   namespace HWY_NAMESPACE {
//   namespace hn = hwy::HWY_NAMESPACE;
//
//   void double_it(float* data, std::size_t n) {  // a plain loop is vectorized by the compiler, too
//     const hn::ScalableTag<float> d;
//     std::size_t i = 0;
//     for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
//       const auto v = hn::LoadU(d, data + i);
//       hn::StoreU(hn::Add(v, v), d, data + i);
//     }
//     for (; i < n; ++i) data[i] += data[i];
//   }
//
//   }  // namespace HWY_NAMESPACE
//   }  // namespace rustorch::cpu
//   HWY_AFTER_NAMESPACE();
//
//   #if HWY_ONCE
//   namespace rustorch::cpu {
//   HWY_EXPORT(double_it);  // the table of all its versions
//   void double_it(float* data, std::size_t n) { RUSTORCH_DISPATCH(double_it)(data, n); }
//   }  // namespace rustorch::cpu
//   #endif
//
// Rules: everything between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE stands in HWY_NAMESPACE, so that no
// two versions are merged by the linker; for the same reason it calls no inline functions or templates of
// other headers in hot loops (they are compiled for the baseline) and lambdas that use vectors carry
// HWY_ATTR. Vectors may have one lane (HWY_SCALAR), so nothing may need a neighbour lane without asking
// HWY_LANES or hn::Lanes.

#include <cstddef>

// One scalar target for all compilers: the emulated one is broken in GCC before 12.3.
#ifndef HWY_BROKEN_EMU128
#define HWY_BROKEN_EMU128 1
#endif
// All of the targets below, also those that the baseline makes superfluous: a user may ask for any of them.
#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE
#endif
#ifdef HWY_DISABLED_TARGETS
#error "include rustorch/compute/simd/targets.h before Highway's headers"
#endif
#ifdef RUSTORCH_WITHOUT_SSE4  // CMake's RUSTORCH_CPU_TARGETS
#define RUSTORCH_SSE4_TARGET 0
#else
#define RUSTORCH_SSE4_TARGET HWY_SSE4
#endif
#ifdef RUSTORCH_WITHOUT_AVX2
#define RUSTORCH_AVX2_TARGET 0
#else
#define RUSTORCH_AVX2_TARGET HWY_AVX2
#endif
#ifdef RUSTORCH_WITHOUT_AVX512
#define RUSTORCH_AVX512_TARGET 0
#else
#define RUSTORCH_AVX512_TARGET HWY_AVX3
#endif
#ifdef RUSTORCH_WITHOUT_NEON
#define RUSTORCH_NEON_TARGET 0
#else
#define RUSTORCH_NEON_TARGET HWY_NEON
#endif
#define HWY_DISABLED_TARGETS                                                             \
  (~(HWY_SCALAR | RUSTORCH_SSE4_TARGET | RUSTORCH_AVX2_TARGET | RUSTORCH_AVX512_TARGET | \
     RUSTORCH_NEON_TARGET))

#include "rustorch/device/cpu_info.h"

namespace rustorch::simd {

/// The instruction set that vector code runs with: selected_cpu_isa(), told by the code that was dispatched
/// to.
CpuIsa running_isa();

/// The position of the selected instruction set in the tables that HWY_EXPORT makes. Highway's own choice is
/// not used, because it is shared with other libraries in the process and cannot follow RUSTORCH_CPU_ISA.
std::size_t dispatch_index();

}  // namespace rustorch::simd

/// Before a loop for the compiler to vectorize: no iteration depends on another one, although an output array
/// may be exactly an input array. A macro because it is a pragma, and compilers spell it differently.
#if defined(__clang__)
#define RUSTORCH_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#else
#define RUSTORCH_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#endif

/// The version of an exported function (HWY_EXPORT) for the selected instruction set. A macro because
/// Highway's table is named by one.
#define RUSTORCH_DISPATCH(function) (*HWY_DISPATCH_TABLE(function)[::rustorch::simd::dispatch_index()])
