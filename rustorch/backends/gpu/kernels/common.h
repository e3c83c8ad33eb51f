// What every source of the kernel dialect may use, for all targets: conversions and memory access by dtype.
// Text that the build embeds.
#define INFINITY_F32 AS_F32(0x7f800000u)
#define LARGEST_F32 AS_F32(0x7f7fffffu)

// To the nearest, halves to the even one; NaN stays NaN.
FN u16 bf16_bits(f32 v) {
  u32 bits = AS_U32(v);
  return (bits & 0x7fffffffu) > 0x7f800000u ? (u16)((bits >> 16) | 0x40u)
                                            : (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// An element as memory has it, and its value in the compute type. float16's stand in the preludes.
FN i32 value_bool(u8 m) { return (i32)m; }
FN u8 memory_bool(i32 v) { return (u8)v; }
FN i32 value_u8(u8 m) { return (i32)m; }
FN u8 memory_u8(i32 v) { return (u8)v; }
FN i32 value_i8(i8 m) { return (i32)m; }
FN i8 memory_i8(i32 v) { return (i8)v; }
FN i32 value_i16(i16 m) { return (i32)m; }
FN i16 memory_i16(i32 v) { return (i16)v; }
FN i32 value_i32(i32 m) { return m; }
FN i32 memory_i32(i32 v) { return v; }
FN i64 value_i64(i64 m) { return m; }
FN i64 memory_i64(i64 v) { return v; }
FN f32 value_f32(f32 m) { return m; }
FN f32 memory_f32(f32 v) { return v; }
FN f32 value_bf16(u16 m) { return AS_F32((u32)m << 16); }
FN u16 memory_bf16(f32 v) { return bf16_bits(v); }
#define STORAGE(dtype, memory, compute)                                                  \
  FN compute load_##dtype(const GLOBAL memory* p, i64 i) { return value_##dtype(p[i]); } \
  FN void store_##dtype(GLOBAL memory* p, i64 i, compute v) { p[i] = memory_##dtype(v); }
STORAGE(bool, u8, i32)
STORAGE(u8, u8, i32)
STORAGE(i8, i8, i32)
STORAGE(i16, i16, i32)
STORAGE(i32, i32, i32)
STORAGE(i64, i64, i64)
STORAGE(f32, f32, f32)
STORAGE(f16, u16, f32)
STORAGE(bf16, u16, f32)

// The nearest number that a float16 holds, in integer arithmetic: not every target has half registers.
FN f32 round_f16(f32 v) {
  u32 bits = AS_U32(v);
  u32 sign = bits & 0x80000000u;
  u32 size = bits & 0x7fffffffu;
  if (size >= 0x7f800000u) return v;                           // infinite or NaN
  if (size >= 0x477ff000u) return AS_F32(sign | 0x7f800000u);  // rounds to infinity
  if (size < 0x38800000u) {                                    // subnormal: a multiple of 2^-24
    f32 whole = AS_F32(size) + 0.75f;                          // whose last place is 2^-24
    return AS_F32(sign | AS_U32(whole - 0.75f));
  }
  return AS_F32(sign | ((size + 0xfffu + ((size >> 13) & 1u)) & 0xffffe000u));
}

// Conversions between compute types and to storage dtypes, as the CPU's (core/conversion.h).
FN i64 i32_to_i64(i32 v) { return (i64)v; }
FN f32 i32_to_f32(i32 v) { return (f32)v; }
FN i32 i64_to_i32(i64 v) { return (i32)v; }
FN f32 i64_to_f32(i64 v) { return (f32)v; }
// Beyond the range, and for NaN, the least value.
FN i32 f32_to_i32(f32 v) {
  return v >= -2147483648.0f && v < 2147483648.0f ? (i32)v : (i32)(-2147483647 - 1);
}
FN i64 f32_to_i64(f32 v) {
  return v >= -9223372036854775808.0f && v < 9223372036854775808.0f ? (i64)v : (i64)((u64)1 << 63);
}
FN i32 i32_to_bool(i32 v) { return v != 0 ? 1 : 0; }
FN i32 i64_to_bool(i64 v) { return v != 0 ? 1 : 0; }
FN i32 f32_to_bool(f32 v) { return v != 0.0f ? 1 : 0; }
FN i32 i32_to_u8(i32 v) { return (i32)(u8)v; }
FN i32 i64_to_u8(i64 v) { return (i32)(u8)v; }
FN i32 f32_to_u8(f32 v) { return (i32)(u8)f32_to_i64(v); }
FN i32 i32_to_i8(i32 v) { return (i32)(i8)v; }
FN i32 i64_to_i8(i64 v) { return (i32)(i8)v; }
FN i32 f32_to_i8(f32 v) { return (i32)(i8)f32_to_i32(v); }
FN i32 i32_to_i16(i32 v) { return (i32)(i16)v; }
FN i32 i64_to_i16(i64 v) { return (i32)(i16)v; }
FN i32 f32_to_i16(f32 v) { return (i32)(i16)f32_to_i32(v); }
FN f32 f32_to_f16(f32 v) { return round_f16(v); }
FN f32 f32_to_bf16(f32 v) { return AS_F32((u32)bf16_bits(v) << 16); }
FN f32 i32_to_f16(i32 v) { return round_f16((f32)v); }
FN f32 i32_to_bf16(i32 v) { return f32_to_bf16((f32)v); }
FN f32 i64_to_f16(i64 v) { return round_f16((f32)v); }
FN f32 i64_to_bf16(i64 v) { return f32_to_bf16((f32)v); }
#if HAS_F64
#define INFINITY_F64 AS_F64(0x7ff0000000000000)
#define LARGEST_F64 AS_F64(0x7fefffffffffffff)
FN f64 value_f64(f64 m) { return m; }
FN f64 memory_f64(f64 v) { return v; }
STORAGE(f64, f64, f64)
FN f64 i32_to_f64(i32 v) { return (f64)v; }
FN f64 i64_to_f64(i64 v) { return (f64)v; }
FN f64 f32_to_f64(f32 v) { return (f64)v; }
FN f32 f64_to_f32(f64 v) { return (f32)v; }
FN i32 f64_to_i32(f64 v) { return v > -2147483649.0 && v < 2147483648.0 ? (i32)v : (i32)(-2147483647 - 1); }
FN i64 f64_to_i64(f64 v) {
  return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (i64)v : (i64)((u64)1 << 63);
}
FN i32 f64_to_bool(f64 v) { return v != 0.0 ? 1 : 0; }
FN i32 f64_to_u8(f64 v) { return (i32)(u8)f64_to_i64(v); }
FN i32 f64_to_i8(f64 v) { return (i32)(i8)f64_to_i32(v); }
FN i32 f64_to_i16(f64 v) { return (i32)(i16)f64_to_i32(v); }
FN f32 f64_to_f16(f64 v) { return round_f16((f32)v); }
FN f32 f64_to_bf16(f64 v) { return f32_to_bf16((f32)v); }
#endif
