// Indices that are checked on the device (index_checks.h), in the kernel dialect. Text that the build embeds;
// it stands before files that check.

// `found`: how many indices were out of range, then the op, index, size and row of the first, as
// IndexChecks::Found.
FN void report_target(GLOBAL u32* found, i32 op, i64 index, i64 size, i64 row) {
  if (ATOMIC_ADD_U32(found, 1u) != 0u) return;
  found[1] = (u32)op;
  found[2] = (u32)index;
  found[3] = (u32)((u64)index >> 32);
  found[4] = (u32)size;
  found[5] = (u32)((u64)size >> 32);
  found[6] = (u32)row;
  found[7] = (u32)((u64)row >> 32);
}
FN void report_index(GLOBAL u32* found, i32 op, i64 index, i64 size) {
  report_target(found, op, index, size, 0);
}

// An index that counts from the end if it is negative; out of range it is reported and -1.
FN i64 checked_index(GLOBAL u32* found, i32 op, i64 index, i64 size) {
  i64 wrapped = index < 0 ? index + size : index;
  if (wrapped >= 0 && wrapped < size) return wrapped;
  report_index(found, op, index, size);
  return -1;
}
