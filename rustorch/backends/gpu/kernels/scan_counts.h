// Counts to starts, in the kernel dialect. Text that the build embeds.
typedef struct {
  i64 rows, length;
} Parameters;

// Replaces each of `length` counts of a row by the sum of those before it: a group for each row.
KERNEL(scan_counts, 256)(BUF(u32, counts, 0), PARAMS(Parameters, p, 1) KERNEL_IDS) {
  LOCAL_ARRAY(u32, shared, 256);
  for (i64 row = (i64)GROUP_ID(0); row < p.rows; row += (i64)NUM_GROUPS(0)) {
    const i64 begin = row * p.length;
    u32 before = 0u;
    // Sixteen adjacent counts for each thread at a time.
    for (i64 start = 0; start < p.length; start += 4096) {
      const i64 first = start + 16 * (i64)LOCAL_ID;
      u32 own = 0u;
      for (i64 i = first; i < first + 16 && i < p.length; ++i) own += counts[begin + i];
      u32 at = before + group_scan(shared, LOCAL_ID, own);
      for (i64 i = first; i < first + 16 && i < p.length; ++i) {
        const u32 count = counts[begin + i];
        counts[begin + i] = at;
        at += count;
      }
      before += shared[255];
      BARRIER();
    }
  }
}
