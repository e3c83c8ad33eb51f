// Adding to elements that other threads add to at the same time, in the kernel dialect. Text that the build
// embeds; dialect.cpp puts it before sources that call it.
FN void atomic_add_i32(GLOBAL i32* p, i64 i, i32 v) { ATOMIC_ADD_U32((GLOBAL u32*)p + i, (u32)v); }
#if HAS_WIDE_ATOMICS
FN void atomic_add_i64(GLOBAL i64* p, i64 i, i64 v) { ATOMIC_ADD_WIDE((GLOBAL u64*)p + i, (u64)v); }
FN void atomic_add_f32(GLOBAL f32* p, i64 i, f32 v) { ATOMIC_ADD_WIDE(p + i, v); }
FN void atomic_add_f64(GLOBAL f64* p, i64 i, f64 v) { ATOMIC_ADD_WIDE(p + i, v); }
#endif
