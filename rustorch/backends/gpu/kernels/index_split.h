// Row-major numbers to indices, in the kernel dialect. Text that the build embeds; the Parameters `p` of the
// text behind it have for each NAME that it splits: NAME_size, and NAME_multiplier and NAME_shift, which the
// host finds (index_split.h).
// n / p.NAME_size[i] of n >= 0: a product, where n is below 2^31.
#ifdef WIDE_INDEX
#define QUOTIENT(n, name, i) ((n) / p.name##_size[i])
#else
#define QUOTIENT(n, name, i) \
  ((i32)((u64)(u32)(n) * (u64)(u32)p.name##_multiplier[i] >> (u32)p.name##_shift[i]))
#endif
// Takes the innermost index `at` off `rest`.
#define SPLIT(rest, at, name, i)                 \
  {                                              \
    const index above = QUOTIENT(rest, name, i); \
    at = rest - above * p.name##_size[i];        \
    rest = above;                                \
  }
