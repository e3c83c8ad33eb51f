// Stable sorting of rows by keys, in the kernel dialect. Text that the build embeds. KEY: u32 or u64. `keys`
// and `places`, which tell where in its row a key came from, are [rows, length]. Four bits at a time: for
// each digit of each block of a row a count, where these begin in the row, and then every element goes to its
// place.
typedef struct {
  i64 rows, length, blocks;
  u32 shift, padding;
} Parameters;

#define PER_THREAD 8
#define PER_BLOCK 2048

#define DIGIT(key) ((u32)((key) >> p.shift) & 15u)

// A thread counts its own elements, from `first` on, at [digit][thread] of the shared counts.
#define COUNT_OWN(first)                                                           \
  for (u32 digit = 0u; digit < 16u; ++digit) shared[digit * 256u + LOCAL_ID] = 0u; \
  for (i64 i = first; i < first + PER_THREAD && i < p.length; ++i)                 \
    shared[DIGIT(keys[row * p.length + i]) * 256u + LOCAL_ID] += 1u;

// counts[row][digit][block].
KERNEL(count_digits, 256)
(BUF(const KEY, keys, 0), BUF(u32, counts, 1), PARAMS(Parameters, p, 2) KERNEL_IDS) {
  LOCAL_ARRAY(u32, shared, 4096);
  for (i64 job = (i64)GROUP_ID(0); job < p.rows * p.blocks; job += (i64)NUM_GROUPS(0)) {
    const i64 row = job / p.blocks, block = job % p.blocks;
    const i64 first = block * PER_BLOCK + PER_THREAD * (i64)LOCAL_ID;
    COUNT_OWN(first)
    for (u32 half_size = 128u; half_size > 0u; half_size /= 2u) {
      BARRIER();
      if (LOCAL_ID < half_size) {
        for (u32 digit = 0u; digit < 16u; ++digit)
          shared[digit * 256u + LOCAL_ID] += shared[digit * 256u + LOCAL_ID + half_size];
      }
    }
    BARRIER();
    if (LOCAL_ID < 16u) counts[(row * 16 + (i64)LOCAL_ID) * p.blocks + block] = shared[LOCAL_ID * 256u];
    BARRIER();
  }
}

// The counts are now where the elements of each digit and block begin in their row.
KERNEL(move_digits, 256)
(BUF(const KEY, keys, 0), BUF(const u32, places, 1), BUF(KEY, sorted_keys, 2), BUF(u32, sorted_places, 3),
 BUF(const u32, counts, 4), PARAMS(Parameters, p, 5) KERNEL_IDS) {
  LOCAL_ARRAY(u32, shared, 4096);
  LOCAL_ARRAY(u32, sums, 256);
  LOCAL_ARRAY(u32, starts, 16);
  for (i64 job = (i64)GROUP_ID(0); job < p.rows * p.blocks; job += (i64)NUM_GROUPS(0)) {
    const i64 row = job / p.blocks, block = job % p.blocks;
    const i64 first = block * PER_BLOCK + PER_THREAD * (i64)LOCAL_ID;
    COUNT_OWN(first)
    BARRIER();
    // By digit, then by thread: sums of all 4096 counts before each.
    u32 own = 0u;
    for (u32 k = 0u; k < 16u; ++k) own += shared[16u * LOCAL_ID + k];
    u32 at = group_scan(sums, LOCAL_ID, own);
    for (u32 k = 0u; k < 16u; ++k) {
      const u32 count = shared[16u * LOCAL_ID + k];
      shared[16u * LOCAL_ID + k] = at;
      at += count;
    }
    BARRIER();
    if (LOCAL_ID < 16u) starts[LOCAL_ID] = shared[256u * LOCAL_ID];
    BARRIER();
    for (i64 i = first; i < first + PER_THREAD && i < p.length; ++i) {
      const KEY key = keys[row * p.length + i];
      const u32 digit = DIGIT(key);
      const u32 rank = shared[digit * 256u + LOCAL_ID];
      shared[digit * 256u + LOCAL_ID] = rank + 1u;
      const u32 begin = counts[(row * 16 + (i64)digit) * p.blocks + block];
      const i64 to = row * p.length + (i64)(begin + (rank - starts[digit]));
      sorted_keys[to] = key;
      sorted_places[to] = places[row * p.length + i];
    }
    BARRIER();
  }
}
