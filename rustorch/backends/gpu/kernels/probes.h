// Small trials of what a device and its compiler can do, in the kernel dialect. Text that the build embeds.
// PROBE is a Probe: probe_trials.cpp has what each is given in `in` and should leave in `out`. A group has
// 256 threads, of which each takes one element where there are elements.
#define FLOAT16_STORAGE 0
#define FLOAT16_ARITHMETIC 1
#define BFLOAT16_STORAGE 2
#define FLOAT64 3
#define INT64 4
#define ATOMIC_ADD 5
#define ATOMIC_COMPARE_EXCHANGE 6
#define SUBGROUPS 7
#define LOCAL_MEMORY 8

#if (PROBE == FLOAT16_ARITHMETIC && !HAS_F16) || (PROBE == FLOAT64 && !HAS_F64) || \
    (PROBE == SUBGROUPS && !HAS_SUBGROUP)
#define IS_OFFERED 0
#else
#define IS_OFFERED 1
#endif

typedef struct {
  i64 count;    // of elements
  i64 missing;  // where in `out` it is told that the compiler, or the dialect, does not offer this
} Parameters;

KERNEL(probe, 256)(BUF(u32, in, 0), BUF(u32, out, 1), PARAMS(Parameters, p, 2) KERNEL_IDS) {
#if !IS_OFFERED
  out[p.missing] = 1u;
#else
  const u32 lid = LOCAL_ID;
  const i64 i = (i64)GROUP_ID(0) * 256 + (i64)lid;
#if PROBE == FLOAT16_STORAGE || PROBE == BFLOAT16_STORAGE
  // The bits, two numbers in a word; behind them what is read from them.
  GLOBAL u16* bits = (GLOBAL u16*)out;
#if PROBE == FLOAT16_STORAGE
  store_f16(bits, i, AS_F32(in[i]));
  out[p.count / 2 + i] = AS_U32(load_f16(bits, i));
#else
  store_bf16(bits, i, AS_F32(in[i]));
  out[p.count / 2 + i] = AS_U32(load_bf16(bits, i));
#endif
#elif PROBE == FLOAT16_ARITHMETIC
  const u16 a = (u16)in[i];
  const u16 b = (u16)(in[i] >> 16);
  out[i] = (u32)multiply_f16(a, b) | ((u32)add_f16(a, b) << 16);
#elif PROBE == FLOAT64
  const GLOBAL f64* pairs = (const GLOBAL f64*)in;
  GLOBAL f64* results = (GLOBAL f64*)out;
  const f64 a = pairs[2 * i], b = pairs[2 * i + 1];
  results[4 * i] = a + b;
  results[4 * i + 1] = a * b;
  results[4 * i + 2] = a / b;
  results[4 * i + 3] = a * b + a;
#elif PROBE == INT64
  const GLOBAL i64* pairs = (const GLOBAL i64*)in;
  GLOBAL i64* results = (GLOBAL i64*)out;
  const i64 a = pairs[2 * i], b = pairs[2 * i + 1];
  results[4 * i] = (i64)((u64)a * (u64)b);
  results[4 * i + 1] = a / b;
  results[4 * i + 2] = a >> (b & 63);
  results[4 * i + 3] = a < b ? 1 : 0;
#elif PROBE == ATOMIC_ADD
  // A counter, which gives each thread another place.
  const u32 ticket = ATOMIC_ADD_U32(out, 1u);
  if ((i64)ticket < p.count) out[1 + ticket] += (u32)1;
#elif PROBE == ATOMIC_COMPARE_EXCHANGE
  // A sum of f32, as atomics of integers can make it.
  u32 before = 0u, seen = 0u;
  i32 attempts = 0;  // a device that never exchanges must not hang
  do {
    before = seen;
    seen = ATOMIC_COMPARE_EXCHANGE_U32(out, before, AS_U32(AS_F32(before) + AS_F32(in[i])));
  } while (seen != before && ++attempts < 1000000);
#elif PROBE == SUBGROUPS
  for (u32 bit = 0u; bit < 6u; ++bit) out[bit * 256u + lid] = SUBGROUP_SHUFFLE_XOR(lid, 1u << bit);
  out[6u * 256u + lid] = SUBGROUP_SHUFFLE_DOWN(lid, 1u);
#elif PROBE == LOCAL_MEMORY
  LOCAL_ARRAY(u32, words, WORDS);
  for (u32 w = lid; w < (u32)WORDS; w += 256u) words[w] = w * in[0];
  BARRIER();
  // What other threads wrote.
  u32 right = 0u;
  for (u32 w = lid; w < (u32)WORDS; w += 256u) {
    const u32 other = (u32)WORDS - 1u - w;
    if (words[other] == other * in[0]) ++right;
  }
  out[lid] = right;
#endif
#endif
}
