// Positions of the elements that are not zero, in the kernel dialect. Text that the build embeds. IN is the
// elements' dtype, RANK how many dims they have.
#define PER_THREAD 8
#define PER_BLOCK 2048

typedef struct {
  i64 in_offset, out_offset, count, blocks;
  i64 shape[RANK];
} Parameters;

#if IS_COMPLEX
#define IS_NONZERO(i) F(is_nonzero)(LOAD_IN(in, p.in_offset + (i)))
#else
#define IS_NONZERO(i) (LOAD_IN(in, p.in_offset + (i)) != 0)
#endif

// How many of a thread's elements there are; `first` is the first of them.
#define COUNT_OWN(own, first)                                       \
  const i64 first = block * PER_BLOCK + PER_THREAD * (i64)LOCAL_ID; \
  u32 own = 0u;                                                     \
  for (i64 i = first; i < first + PER_THREAD && i < p.count; ++i) own += IS_NONZERO(i) ? 1u : 0u;

// How many there are in each block.
KERNEL(count_nonzero, 256)
(BUF(const MEMORY_IN, in, 0), BUF(u32, counts, 1), BUF(i64, out, 2), PARAMS(Parameters, p, 3) KERNEL_IDS) {
  LOCAL_ARRAY(u32, shared, 256);
  for (i64 block = (i64)GROUP_ID(0); block < p.blocks; block += (i64)NUM_GROUPS(0)) {
    COUNT_OWN(own, first)
    group_scan(shared, LOCAL_ID, own);
    if (LOCAL_ID == 0u) counts[block] = shared[255];
    BARRIER();
  }
}

// Their positions; the counts are now where each block begins in the result.
KERNEL(write_nonzero, 256)
(BUF(const MEMORY_IN, in, 0), BUF(u32, counts, 1), BUF(i64, out, 2), PARAMS(Parameters, p, 3) KERNEL_IDS) {
  LOCAL_ARRAY(u32, shared, 256);
  for (i64 block = (i64)GROUP_ID(0); block < p.blocks; block += (i64)NUM_GROUPS(0)) {
    COUNT_OWN(own, first)
    i64 row = (i64)(counts[block] + group_scan(shared, LOCAL_ID, own));
    for (i64 i = first; i < first + PER_THREAD && i < p.count; ++i) {
      if (IS_NONZERO(i)) {
        i64 rest = i;
        for (i32 dim = RANK - 1; dim >= 0; --dim) {
          out[p.out_offset + row * RANK + dim] = rest % p.shape[dim];
          rest /= p.shape[dim];
        }
        ++row;
      }
    }
    BARRIER();
  }
}
