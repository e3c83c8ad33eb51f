// Stable sorting of rows, in the kernel dialect. Text that the build embeds. BITS is the type of an element's
// bits and WIDTH how many there are; KEY (u32 or u64) holds the number that is sorted by. IS_SIGNED and
// IS_FLOAT say what the bits mean, INFINITY_BITS are those of infinity. Rows have `length` adjacent elements
// each, of which `wanted` come out.
typedef struct {
  i64 in_offset, values_offset, indices_offset;
  i64 rows, length, wanted;
  u32 flip, want_values, want_indices, padding;
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
// Longer rows by radix (radix_sort.h), from their keys on.
KERNEL(make_keys, 256)
(BUF(const BITS, in, 0), BUF(KEY, keys, 1), BUF(u32, places, 2), PARAMS(Parameters, p, 3) KERNEL_IDS) {
  const i64 step = (i64)NUM_GROUPS(0) * 256;
  for (i64 i = (i64)GROUP_ID(0) * 256 + (i64)LOCAL_ID; i < p.rows * p.length; i += step) {
    keys[i] = sort_key(in[p.in_offset + i], p.flip);
    places[i] = (u32)(i % p.length);
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
