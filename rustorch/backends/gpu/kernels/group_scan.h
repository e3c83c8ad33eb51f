// Sums over the threads of a group, in the kernel dialect. Text that the build embeds; it stands before files
// that call it.

// The sum of the values of the threads before this one; shared[255] is the sum of all, until the group writes
// to `shared` again, which it may only after a barrier. All 256 threads of a group call it.
FN u32 group_scan(LOCAL u32* shared, u32 place, u32 value) {
  shared[place] = value;
  BARRIER();
  for (u32 distance = 1u; distance < 256u; distance *= 2u) {
    const u32 before = place >= distance ? shared[place - distance] : 0u;
    BARRIER();
    shared[place] += before;
    BARRIER();
  }
  return shared[place] - value;
}
