// Sequences and random numbers (backends/philox.h says which numbers), in the kernel dialect. Text that the
// build embeds. KIND is a GenerateKind; WIDE_REALS says that the distribution's parameters are f64; PER_BLOCK
// (2 or 4) is how many elements a block of random words makes, and OUT the results' dtype.
#define SEQUENCE 0
#define UNIFORM 1
#define NORMAL 2
#define INTEGERS 3
#define BERNOULLI 4

#if WIDE_REALS
#define REAL f64
#else
#define REAL f32
#endif

typedef struct {
  i64 out_offset, count, ia;
  u64 range, seed, first_block;
  REAL a, b, largest, unit;
} Parameters;

// Philox4x32-10: words w of a block.
FN void philox_block(u64 seed, u64 block, PRIVATE u32* w) {
  u32 k0 = (u32)seed;
  u32 k1 = (u32)(seed >> 32);
  w[0] = (u32)block;
  w[1] = (u32)(block >> 32);
  w[2] = 0u;
  w[3] = 0u;
  for (i32 round = 0; round < 10; ++round) {
    u32 high_0 = MULHI_U32(0xD2511F53u, w[0]);
    u32 low_0 = 0xD2511F53u * w[0];
    u32 high_1 = MULHI_U32(0xCD9E8D57u, w[2]);
    u32 low_1 = 0xCD9E8D57u * w[2];
    w[0] = high_1 ^ w[1] ^ k0;
    w[1] = low_1;
    w[2] = high_0 ^ w[3] ^ k1;
    w[3] = low_0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

#if KIND == INTEGERS
FN u64 multiply_high(u64 a, u64 b) {
  u64 a_low = a & 0xFFFFFFFFu, a_high = a >> 32;
  u64 b_low = b & 0xFFFFFFFFu, b_high = b >> 32;
  u64 middle = a_high * b_low + (a_low * b_low >> 32);
  u64 other = a_low * b_high + (middle & 0xFFFFFFFFu);
  return a_high * b_high + (middle >> 32) + (other >> 32);
}
#endif

// Elements of 64-bit results have 53 bits of two words, others the upper bits of one.
#if KIND == UNIFORM || KIND == NORMAL
#if PER_BLOCK == 2
#define WORD_UNIT LIT(1.1102230246251565e-16)
FN C whole_of(u32 low, u32 high) { return (C)(i64)(((u64)high << 21) | (u64)(low >> 11)); }
#else
// 2^-32 times a word, rounded once; halves of a word are exact.
FN C nearest_of(u32 word) { return (C)(i32)(word >> 16) * LIT(65536.0) + (C)(i32)(word & 0xFFFFu); }
#endif
#endif

KERNEL(generate, 256)(BUF(MEMORY_OUT, out, 0), PARAMS(Parameters, p, 1) KERNEL_IDS) {
  const index step = (index)NUM_GROUPS(0) * 256;
  const index blocks = (index)((p.count + PER_BLOCK - 1) / PER_BLOCK);
  for (index block = (index)GROUP_ID(0) * 256 + (index)LOCAL_ID; block < blocks; block += step) {
    C made[PER_BLOCK];
    const i64 first = (i64)block * PER_BLOCK;
#if KIND == SEQUENCE
#if REAL_SEQUENCE
    for (i32 k = 0; k < PER_BLOCK; ++k) {
#if WIDE_REALS
      made[k] = p.a + (C)(first + k) * p.b;
#else
      made[k] = fma_f32((C)(first + k), p.b, p.a);
#endif
    }
#else
    for (i32 k = 0; k < PER_BLOCK; ++k) made[k] = (C)((u64)p.ia + (u64)(first + k) * p.range);
#endif
#else
    u32 w[4];
    philox_block(p.seed, p.first_block + (u64)block, w);
#if KIND == INTEGERS
    for (i32 k = 0; k < 2; ++k)
      made[k] = (i64)((u64)p.ia + multiply_high(((u64)w[2 * k + 1] << 32) | (u64)w[2 * k], p.range));
#elif KIND == BERNOULLI
    for (i32 k = 0; k < 4; ++k) made[k] = (u64)w[k] < p.range ? 1 : 0;
#elif KIND == UNIFORM
    for (i32 k = 0; k < PER_BLOCK; ++k) {
#if PER_BLOCK == 2
      C u = whole_of(w[2 * k], w[2 * k + 1]) * WORD_UNIT;
#else
      C u = (C)(i32)(w[k] >> WORD_SHIFT) * p.unit;
#endif
      C value = p.a + u * p.b;
      made[k] = value < p.largest ? value : p.largest;
    }
#else
    for (i32 k = 0; k < PER_BLOCK; k += 2) {
#if PER_BLOCK == 2
      C u = (whole_of(w[0], w[1]) + LIT(1.0)) * WORD_UNIT;
      C v = whole_of(w[2], w[3]) * WORD_UNIT;
#else
      C u = nearest_of(w[k]) * LIT(2.3283064365386963e-10) + LIT(1.1641532182693481e-10);
      C v = (C)(i32)(w[k + 1] >> 8) * LIT(5.9604644775390625e-8);
#endif
      C r = F(sqrt)(LIT(-2.0) * F(log)(u));
      C angle = LIT(6.283185307179586476925) * v;
      made[k] = p.a + p.b * (r * F(cos)(angle));
      made[k + 1] = p.a + p.b * (r * F(sin)(angle));
    }
#endif
#endif
    for (i32 k = 0; k < PER_BLOCK; ++k) {
      if (first + k < p.count) STORE_OUT(out, p.out_offset + first + k, made[k]);
    }
  }
}
