// The kernel dialect in CUDA C++, for NVRTC without any header. Text that the build embeds and that stands
// before every source; the host does not compile it.

// Types. CUDA's 64-bit integers are long long on every host.
typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;
#define HAS_F64 1

// Address spaces: one generic space here.
#define GLOBAL
#define LOCAL
#define PRIVATE
#define CONSTANT

// Declarations.
#define FN static __device__ __forceinline__
// Of functions so long that each kernel of a source should call them.
#define FN_CALL static __device__ __noinline__
#define KERNEL(name, group_threads) extern "C" __global__ void __launch_bounds__(group_threads) name
#define BUF(type, name, index) type* name
#if __CUDA_ARCH__ >= 700
#define PARAMS(type, name, index) const __grid_constant__ type name
#else
#define PARAMS(type, name, index) const type name
#endif
#define KERNEL_IDS
// Aligned so that four adjacent elements can be loaded at once.
#define LOCAL_ARRAY(type, name, count) __shared__ __align__(16) type name[count]
#define CONST_TABLE(type, name, count) __constant__ type name[count]

// Who a thread is, and waiting for its group.
#define LOCAL_ID ((u32)threadIdx.x)
#define GROUP_ID(d) ((u32)((d) == 0 ? blockIdx.x : (d) == 1 ? blockIdx.y : blockIdx.z))
#define NUM_GROUPS(d) ((u32)((d) == 0 ? gridDim.x : (d) == 1 ? gridDim.y : gridDim.z))
// In a struct, before its brace.
#define ALIGNED(bytes) __align__(bytes)
// Before a loop with a constant count that is to be unrolled.
#define UNROLL _Pragma("unroll")
#define BARRIER() __syncthreads()

// Subgroups have 32 threads, all of which take part.
#define HAS_SUBGROUP 1
#define SUBGROUP_SHUFFLE_DOWN(value, distance) __shfl_down_sync(0xffffffffu, value, distance)
#define SUBGROUP_SHUFFLE_XOR(value, bits) __shfl_xor_sync(0xffffffffu, value, bits)

// Bits and numbers.
#define AS_F32(bits) __uint_as_float(bits)
#define AS_U32(value) __float_as_uint(value)
#define AS_F64(bits) __longlong_as_double((i64)(bits))
#define MULHI_U32(x, y) __umulhi(x, y)

// float16 in memory: rounded to the nearest, halves to the even one; NaN stays NaN.
FN f32 value_f16(u16 bits) {
  f32 value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}
FN u16 memory_f16(f32 value) {
  u16 bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

// float16 arithmetic, by its bits: each result is rounded once.
#if __CUDA_ARCH__ >= 530
#define HAS_F16 1
FN u16 multiply_f16(u16 a, u16 b) {
  u16 bits;
  asm("mul.rn.f16 %0, %1, %2;" : "=h"(bits) : "h"(a), "h"(b));
  return bits;
}
FN u16 add_f16(u16 a, u16 b) {
  u16 bits;
  asm("add.rn.f16 %0, %1, %2;" : "=h"(bits) : "h"(a), "h"(b));
  return bits;
}
#else
#define HAS_F16 0
#endif

// Atomic operations on u32 in global memory; they give the value before.
#define ATOMIC_ADD_U32(p, value) atomicAdd(p, value)
#define ATOMIC_OR_U32(p, value) atomicOr(p, value)
#define ATOMIC_MIN_U32(p, value) atomicMin(p, value)
#define ATOMIC_COMPARE_EXCHANGE_U32(p, expected, value) atomicCAS(p, expected, value)
// Of u64, f32 and f64.
#define HAS_WIDE_ATOMICS 1
#define ATOMIC_ADD_WIDE(p, value) atomicAdd(p, value)

// Functions, by type.
#define exp_f32(x) expf(x)
#define exp2_f32(x) exp2f(x)
#define expm1_f32(x) expm1f(x)
#define log_f32(x) logf(x)
#define log2_f32(x) log2f(x)
#define log10_f32(x) log10f(x)
#define log1p_f32(x) log1pf(x)
#define sqrt_f32(x) sqrtf(x)
#define sin_f32(x) sinf(x)
#define cos_f32(x) cosf(x)
#define tan_f32(x) tanf(x)
#define asin_f32(x) asinf(x)
#define acos_f32(x) acosf(x)
#define atan_f32(x) atanf(x)
#define sinh_f32(x) sinhf(x)
#define cosh_f32(x) coshf(x)
#define tanh_f32(x) tanhf(x)
#define asinh_f32(x) asinhf(x)
#define acosh_f32(x) acoshf(x)
#define atanh_f32(x) atanhf(x)
#define erf_f32(x) erff(x)
#define erfc_f32(x) erfcf(x)
#define lgamma_f32(x) lgammaf(x)
#define floor_f32(x) floorf(x)
#define ceil_f32(x) ceilf(x)
#define trunc_f32(x) truncf(x)
#define rint_f32(x) rintf(x)
#define fabs_f32(x) fabsf(x)
#define pow_f32(x, y) powf(x, y)
#define atan2_f32(x, y) atan2f(x, y)
#define hypot_f32(x, y) hypotf(x, y)
#define fmod_f32(x, y) fmodf(x, y)
#define copysign_f32(x, y) copysignf(x, y)
#define fma_f32(x, y, z) fmaf(x, y, z)
#define exp_f64(x) exp(x)
#define exp2_f64(x) exp2(x)
#define expm1_f64(x) expm1(x)
#define log_f64(x) log(x)
#define log2_f64(x) log2(x)
#define log10_f64(x) log10(x)
#define log1p_f64(x) log1p(x)
#define sqrt_f64(x) sqrt(x)
#define sin_f64(x) sin(x)
#define cos_f64(x) cos(x)
#define tan_f64(x) tan(x)
#define asin_f64(x) asin(x)
#define acos_f64(x) acos(x)
#define atan_f64(x) atan(x)
#define sinh_f64(x) sinh(x)
#define cosh_f64(x) cosh(x)
#define tanh_f64(x) tanh(x)
#define asinh_f64(x) asinh(x)
#define acosh_f64(x) acosh(x)
#define atanh_f64(x) atanh(x)
#define erf_f64(x) erf(x)
#define erfc_f64(x) erfc(x)
#define lgamma_f64(x) lgamma(x)
#define floor_f64(x) floor(x)
#define ceil_f64(x) ceil(x)
#define trunc_f64(x) trunc(x)
#define rint_f64(x) rint(x)
#define fabs_f64(x) fabs(x)
#define pow_f64(x, y) pow(x, y)
#define atan2_f64(x, y) atan2(x, y)
#define hypot_f64(x, y) hypot(x, y)
#define fmod_f64(x, y) fmod(x, y)
#define copysign_f64(x, y) copysign(x, y)
#define fma_f64(x, y, z) fma(x, y, z)
