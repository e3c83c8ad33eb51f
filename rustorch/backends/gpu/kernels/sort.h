// Stable sorting of rows, in the kernel dialect. Text that the build embeds. BITS is the type of an element's
// bits and WIDTH how many there are; KEY (u32 or u64) holds the number that is sorted by. IS_SIGNED and
// IS_FLOAT say what the bits mean, INFINITY_BITS are those of infinity. Rows have `length` adjacent elements
// each, of which `wanted` come out.
typedef struct {
  i64 in_offset, values_offset, indices_offset;
  i64 rows, length, wanted, blocks;
  u32 flip, shift, want_values, want_indices;
} Parameters;

#define ALL_BITS ((KEY) ~(KEY)0 >> (8 * (i32)sizeof(KEY) - WIDTH))
#define SIGN_BIT ((KEY)1 << (WIDTH - 1))

// Orders as the element does: NaN is largest, and zeros are equal; downwards if `flip`.
FN KEY sort_key(BITS bits, u32 flip) {
  KEY key = (KEY)bits;
#if IS_FLOAT
  const KEY magnitude = key & (SIGN_BIT - 1);
  if (magnitude > (KEY)INFINITY_BITS) {
    key = ALL_BITS;
  } else if (magnitude == 0) {
    key = SIGN_BIT;
  } else {
    key = (key & SIGN_BIT) != 0 ? ~key & ALL_BITS : key | SIGN_BIT;
  }
#elif IS_SIGNED
  key ^= SIGN_BIT;
#endif
  return flip != 0u ? ~key & ALL_BITS : key;
}

#if SHORT_ROWS
// Rows of up to SHORT_ROWS elements: a group for each sorts it by a bitonic network, ties by index.
KERNEL(sort_short, 256)
(BUF(const BITS, in, 0), BUF(BITS, values, 1), BUF(i64, indices, 2), PARAMS(Parameters, p, 3) KERNEL_IDS) {
  LOCAL_ARRAY(KEY, keys, SHORT_ROWS);
  LOCAL_ARRAY(u32, places, SHORT_ROWS);
  for (i64 row = (i64)GROUP_ID(0); row < p.rows; row += (i64)NUM_GROUPS(0)) {
    const i64 begin = p.in_offset + row * p.length;
    for (u32 i = LOCAL_ID; i < (u32)SHORT_ROWS; i += 256u) {
      keys[i] = (i64)i < p.length ? sort_key(in[begin + i], p.flip) : (KEY) ~(KEY)0;
      places[i] = i;
    }
    for (u32 size = 2u; size <= (u32)SHORT_ROWS; size *= 2u) {
      for (u32 distance = size / 2u; distance > 0u; distance /= 2u) {
        BARRIER();
        for (u32 pair = LOCAL_ID; pair < (u32)SHORT_ROWS / 2u; pair += 256u) {
          const u32 low = 2u * pair - (pair & (distance - 1u)), high = low + distance;
          const KEY key_low = keys[low], key_high = keys[high];
          const u32 place_low = places[low], place_high = places[high];
          const int upwards = (low & size) == 0u;
          const int after = key_low > key_high || (key_low == key_high && place_low > place_high);
          if (after == upwards) {
            keys[low] = key_high;
            keys[high] = key_low;
            places[low] = place_high;
            places[high] = place_low;
          }
        }
      }
    }
    BARRIER();
    for (u32 i = LOCAL_ID; (i64)i < p.wanted; i += 256u) {
      const u32 place = places[i];
      if (p.want_values != 0u) values[p.values_offset + row * p.wanted + i] = in[begin + place];
      if (p.want_indices != 0u) indices[p.indices_offset + row * p.wanted + i] = (i64)place;
    }
    BARRIER();
  }
}
#else
// Longer rows by radix, four bits at a time: for each digit of each block of a row a count, where these begin
// in the row, and then every element goes to its place.
#define PER_THREAD 8
#define PER_BLOCK 2048

KERNEL(make_keys, 256)
(BUF(const BITS, in, 0), BUF(KEY, keys, 1), BUF(u32, places, 2), PARAMS(Parameters, p, 3) KERNEL_IDS) {
  const i64 step = (i64)NUM_GROUPS(0) * 256;
  for (i64 i = (i64)GROUP_ID(0) * 256 + (i64)LOCAL_ID; i < p.rows * p.length; i += step) {
    keys[i] = sort_key(in[p.in_offset + i], p.flip);
    places[i] = (u32)(i % p.length);
  }
}

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

KERNEL(take_sorted, 256)
(BUF(const BITS, in, 0), BUF(const u32, places, 1), BUF(BITS, values, 2), BUF(i64, indices, 3),
 PARAMS(Parameters, p, 4) KERNEL_IDS) {
  const i64 step = (i64)NUM_GROUPS(0) * 256;
  for (i64 i = (i64)GROUP_ID(0) * 256 + (i64)LOCAL_ID; i < p.rows * p.wanted; i += step) {
    const i64 row = i / p.wanted;
    const u32 place = places[row * p.length + i % p.wanted];
    if (p.want_values != 0u) values[p.values_offset + i] = in[p.in_offset + row * p.length + (i64)place];
    if (p.want_indices != 0u) indices[p.indices_offset + i] = (i64)place;
  }
}
#endif
