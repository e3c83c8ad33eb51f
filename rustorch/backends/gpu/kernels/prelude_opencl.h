// The kernel dialect in OpenCL C 1.2. Text that the build embeds and that stands before every source; the
// host does not compile it.
#pragma OPENCL FP_CONTRACT OFF
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define HAS_F64 1
typedef double f64;
#else
#define HAS_F64 0
#endif
typedef char i8;
typedef uchar u8;
typedef short i16;
typedef ushort u16;
typedef int i32;
typedef uint u32;
typedef long i64;
typedef ulong u64;
typedef float f32;
#define GLOBAL __global
#define LOCAL __local
#define PRIVATE __private
#define CONSTANT __constant
#define FN static inline
// Of functions so long that each kernel of a source should call them.
#define FN_CALL static __attribute__((noinline))
#define KERNEL(name, threads) __kernel __attribute__((reqd_work_group_size(threads, 1, 1))) void name
#define BUF(T, name, i) __global T* name
#define PARAMS(T, name, i) const T name
#define KERNEL_IDS
#define LOCAL_ARRAY(T, name, n) __local T name[n]
#define CONST_TABLE(T, name, n) __constant T name[n]
#define LOCAL_ID ((u32)get_local_id(0))
#define GROUP_ID(d) ((u32)get_group_id(d))
#define NUM_GROUPS(d) ((u32)get_num_groups(d))
#define ALIGNED(bytes) __attribute__((aligned(bytes)))
#define UNROLL
#define BARRIER() barrier(CLK_LOCAL_MEM_FENCE)
#define AS_F32(bits) as_float((uint)(bits))
#define AS_U32(value) as_uint((float)(value))
#if HAS_F64
#define AS_F64(bits) as_double((ulong)(bits))
#endif
FN f32 value_f16(u16 bits) { return vload_half(0, (const PRIVATE half*)&bits); }
FN u16 memory_f16(f32 v) {
  u16 bits;
  vstore_half_rte(v, 0, (PRIVATE half*)&bits);
  return bits;
}
// float16 arithmetic, by its bits: each result is rounded once.
#ifdef cl_khr_fp16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define HAS_F16 1
FN u16 multiply_f16(u16 a, u16 b) { return as_ushort((half)(as_half(a) * as_half(b))); }
FN u16 add_f16(u16 a, u16 b) { return as_ushort((half)(as_half(a) + as_half(b))); }
#else
#define HAS_F16 0
#endif
#define MULHI_U32(x, y) mul_hi((uint)(x), (uint)(y))
#define ATOMIC_ADD_U32(p, v) atomic_add((volatile __global uint*)(p), (uint)(v))
#define ATOMIC_OR_U32(p, v) atomic_or((volatile __global uint*)(p), (uint)(v))
#define ATOMIC_MIN_U32(p, v) atomic_min((volatile __global uint*)(p), (uint)(v))
#define ATOMIC_COMPARE_EXCHANGE_U32(p, expected, v) \
  atomic_cmpxchg((volatile __global uint*)(p), (uint)(expected), (uint)(v))
#define exp_f32(x) exp(x)
#define exp2_f32(x) exp2(x)
#define expm1_f32(x) expm1(x)
#define log_f32(x) log(x)
#define log2_f32(x) log2(x)
#define log10_f32(x) log10(x)
#define log1p_f32(x) log1p(x)
#define sqrt_f32(x) sqrt(x)
#define sin_f32(x) sin(x)
#define cos_f32(x) cos(x)
#define tan_f32(x) tan(x)
#define asin_f32(x) asin(x)
#define acos_f32(x) acos(x)
#define atan_f32(x) atan(x)
#define sinh_f32(x) sinh(x)
#define cosh_f32(x) cosh(x)
#define tanh_f32(x) tanh(x)
#define asinh_f32(x) asinh(x)
#define acosh_f32(x) acosh(x)
#define atanh_f32(x) atanh(x)
#define erf_f32(x) erf(x)
#define erfc_f32(x) erfc(x)
#define lgamma_f32(x) lgamma(x)
#define pow_f32(x, y) pow(x, y)
#define atan2_f32(x, y) atan2(x, y)
#define hypot_f32(x, y) hypot(x, y)
#define fmod_f32(x, y) fmod(x, y)
#define floor_f32(x) floor(x)
#define ceil_f32(x) ceil(x)
#define trunc_f32(x) trunc(x)
#define rint_f32(x) rint(x)
#define fabs_f32(x) fabs(x)
#define copysign_f32(x, y) copysign(x, y)
#define fma_f32(x, y, z) fma(x, y, z)
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
#define pow_f64(x, y) pow(x, y)
#define atan2_f64(x, y) atan2(x, y)
#define hypot_f64(x, y) hypot(x, y)
#define fmod_f64(x, y) fmod(x, y)
#define floor_f64(x) floor(x)
#define ceil_f64(x) ceil(x)
#define trunc_f64(x) trunc(x)
#define rint_f64(x) rint(x)
#define fabs_f64(x) fabs(x)
#define copysign_f64(x, y) copysign(x, y)
#define fma_f64(x, y, z) fma(x, y, z)
