// Text for Metal's compiler, embedded in the library and never compiled by the host: the kernel dialect as
// MSL 2.3.
#include <metal_stdlib>
using namespace metal;
// The same bits as on other devices: a * b + c is rounded twice unless FMA is written, and maths is not
// relaxed.
#pragma METAL fp contract(off)
#if __METAL_VERSION__ >= 320
#pragma METAL fp math_mode(safe)
#endif

#define HAS_F64 0
#define HAS_SUBGROUP 1

// Types. MSL has no `long long` and no double.
typedef char i8;
typedef uchar u8;
typedef short i16;
typedef ushort u16;
typedef int i32;
typedef uint u32;
typedef long i64;
typedef ulong u64;
typedef float f32;

// Every pointer needs an address space here, in parameters, locals and casts.
#define GLOBAL device
#define LOCAL threadgroup
#define PRIVATE thread
#define CONSTANT constant

// Functions and kernels. The thread's place comes by parameters, so only a kernel's body knows it.
#define FN static inline
// Of functions so long that each kernel of a source should call them.
#define FN_CALL static __attribute__((noinline))
#define KERNEL(name, group_threads) [[max_total_threads_per_threadgroup(group_threads)]] kernel void name
#define BUF(T, name, index) device T* name [[buffer(index)]]
#define PARAMS(T, name, index) constant T& name [[buffer(index)]]
#define KERNEL_IDS                                                                                       \
  , uint3 rt_thread [[thread_position_in_threadgroup]], uint3 rt_group [[threadgroup_position_in_grid]], \
      uint3 rt_groups [[threadgroups_per_grid]]
#define LOCAL_ID ((u32)rt_thread.x)
#define GROUP_ID(d) ((u32)rt_group[d])
#define NUM_GROUPS(d) ((u32)rt_groups[d])
#define LOCAL_ARRAY(T, name, n) threadgroup T name[n]
#define CONST_TABLE(T, name, n) constant T name[n]
// In a struct, before its brace.
#define ALIGNED(bytes) alignas(bytes)
// Before a loop with a constant count that is to be unrolled.
#define UNROLL _Pragma("unroll")
#define BARRIER() threadgroup_barrier(mem_flags::mem_threadgroup)
#define SUBGROUP_SHUFFLE_DOWN(v, d) simd_shuffle_down(v, (ushort)(d))
#define SUBGROUP_SHUFFLE_XOR(v, bits) simd_shuffle_xor(v, (ushort)(bits))

// Bits, 16-bit floats and atomics. MSL's overloads are ambiguous between int and uint: casts choose.
#define AS_F32(u) as_type<float>((uint)(u))
#define AS_U32(f) as_type<uint>((float)(f))
FN f32 value_f16(u16 bits) { return (f32)as_type<half>(bits); }
FN u16 memory_f16(f32 v) { return as_type<ushort>((half)v); }
#define HAS_F16 1
FN u16 multiply_f16(u16 a, u16 b) { return as_type<ushort>((half)(as_type<half>(a) * as_type<half>(b))); }
FN u16 add_f16(u16 a, u16 b) { return as_type<ushort>((half)(as_type<half>(a) + as_type<half>(b))); }
#define MULHI_U32(a, b) mulhi((uint)(a), (uint)(b))
#define ATOMIC_ADD_U32(p, v) \
  atomic_fetch_add_explicit((device atomic_uint*)(p), (uint)(v), memory_order_relaxed)
#define ATOMIC_OR_U32(p, v) \
  atomic_fetch_or_explicit((device atomic_uint*)(p), (uint)(v), memory_order_relaxed)
#define ATOMIC_MIN_U32(p, v) \
  atomic_fetch_min_explicit((device atomic_uint*)(p), (uint)(v), memory_order_relaxed)
// MSL has the weak one only, which may fail though it saw what was expected.
FN u32 compare_exchange_u32(GLOBAL u32* p, u32 expected, u32 value) {
  u32 seen = expected;
  while (!atomic_compare_exchange_weak_explicit((device atomic_uint*)p, &seen, value, memory_order_relaxed,
                                                memory_order_relaxed) &&
         seen == expected) {
  }
  return seen;
}
#define ATOMIC_COMPARE_EXCHANGE_U32(p, expected, v) compare_exchange_u32(p, (u32)(expected), (u32)(v))

// Functions. metal::precise holds whatever the compiler's options are; those that are exact, or rounded once,
// have no such variants worth naming. expm1, log1p, erf, erfc, lgamma and hypot are not in MSL:
// missing_functions.h has them.
#define exp_f32(x) precise::exp((float)(x))
#define exp2_f32(x) precise::exp2((float)(x))
#define log_f32(x) precise::log((float)(x))
#define log2_f32(x) precise::log2((float)(x))
#define log10_f32(x) precise::log10((float)(x))
#define sqrt_f32(x) precise::sqrt((float)(x))
#define sin_f32(x) precise::sin((float)(x))
#define cos_f32(x) precise::cos((float)(x))
#define tan_f32(x) precise::tan((float)(x))
#define asin_f32(x) precise::asin((float)(x))
#define acos_f32(x) precise::acos((float)(x))
#define atan_f32(x) precise::atan((float)(x))
#define sinh_f32(x) precise::sinh((float)(x))
#define cosh_f32(x) precise::cosh((float)(x))
#define tanh_f32(x) precise::tanh((float)(x))
#define asinh_f32(x) precise::asinh((float)(x))
#define acosh_f32(x) precise::acosh((float)(x))
#define atanh_f32(x) precise::atanh((float)(x))
#define pow_f32(x, y) precise::pow((float)(x), (float)(y))
#define atan2_f32(y, x) precise::atan2((float)(y), (float)(x))
#define fmod_f32(x, y) precise::fmod((float)(x), (float)(y))
#define floor_f32(x) floor((float)(x))
#define ceil_f32(x) ceil((float)(x))
#define trunc_f32(x) trunc((float)(x))
#define rint_f32(x) rint((float)(x))
#define fabs_f32(x) fabs((float)(x))
#define copysign_f32(x, y) copysign((float)(x), (float)(y))
#define fma_f32(x, y, z) fma((float)(x), (float)(y), (float)(z))
