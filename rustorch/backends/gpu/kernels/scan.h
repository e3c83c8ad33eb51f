// Inclusive scans along a dim, in the kernel dialect. Text that the build embeds. Operands are dense [outer,
// n, inner]. OP is a ScanOp. TOTALS: the kernel makes the totals of the rows' chunks; CHUNKED: a chunk's scan
// begins with the totals of those before it. A team goes through its chunk by tiles of PER_THREAD adjacent
// elements for each thread; without a team a thread goes from element to element.
#define SUM 0
#define PROD 1
#define MAX 2
#define MIN 3
#define LOG_SUM_EXP 4
#define EXTREME (OP == MAX || OP == MIN)

typedef struct {
  i64 x_offset, out_offset, indices_offset;
  index rows, n, inner, chunk, chunks;
} Parameters;

// Joins what comes from another place of the row. Extremes know the place that they were seen at last, -1
// for nothing: the last of equal values takes over, and so does every NaN.
FN void join(PRIVATE C* value, PRIVATE index* place, C other, index other_place) {
#if EXTREME
  i32 takes = 0;
  if (other_place >= 0) {
    const i32 later = other_place > *place;
    if (*place < 0) {
      takes = 1;
    } else if (other != other) {
      takes = *value == *value || later;
    } else if (other == *value) {
      takes = later;
    } else {
      takes = OP == MAX ? other > *value : other < *value;
    }
  }
  *value = takes ? other : *value;
  *place = takes ? other_place : *place;
#elif OP == LOG_SUM_EXP
  const C high = *value > other ? *value : other;
  const C low = *value > other ? other : *value;
  if (*value != *value || other != other) {
    *value += other;
  } else if (high == INFINITY_C || low == -INFINITY_C) {
    *value = high;  // infinities have no difference
  } else {
    *value = high + F(log1p)(F(exp)(low - high));
  }
#elif INTEGERS
  *value = OP == SUM ? (C)((u64)*value + (u64)other) : (C)((u64)*value * (u64)other);
#elif IS_COMPLEX
  *value = OP == SUM ? F(add)(*value, other) : F(multiply)(*value, other);
#else
  *value = OP == SUM ? *value + other : *value * other;
#endif
}
#if OP == PROD
#define NEUTRAL NUMBER(1)
#elif OP == LOG_SUM_EXP
#define NEUTRAL (-INFINITY_C)
#else
#define NEUTRAL NUMBER(0)
#endif

// Joins what a team's members have, in one order, for each of them.
#if ROW_THREADS > 1
#define JOIN_TEAM(value, place)                                          \
  shared[id] = value;                                                    \
  shared_places[id] = place;                                             \
  for (u32 part = ROW_THREADS / 2; part > 0u; part /= 2u) {              \
    BARRIER();                                                           \
    if (member < part) {                                                 \
      join(&value, &place, shared[id + part], shared_places[id + part]); \
      shared[id] = value;                                                \
      shared_places[id] = place;                                         \
    }                                                                    \
  }                                                                      \
  BARRIER();                                                             \
  value = shared[id - member];                                           \
  place = shared_places[id - member];                                    \
  BARRIER();
#else
#define JOIN_TEAM(value, place)
#endif

#define TILE (256 * PER_THREAD)
// Threads that read every PER_THREAD-th element want them in different banks of memory.
#define IN_TILE(i) ((i) + (i) / 32u)

KERNEL(scan, 256)
(BUF(const MEMORY_X, x, 0), BUF(C, totals, 1), BUF(index, total_places, 2), BUF(MEMORY_OUT, out, 3),
 BUF(i64, indices, 4), PARAMS(Parameters, p, 5) KERNEL_IDS) {
#if ROW_THREADS > 1
  LOCAL_ARRAY(C, shared, 256);
  LOCAL_ARRAY(index, shared_places, 256);
#if !TOTALS
  LOCAL_ARRAY(C, tile, TILE + TILE / 32);
#if WITH_INDICES
  LOCAL_ARRAY(index, tile_places, TILE + TILE / 32);
#endif
#endif
#endif
  FOR_JOBS_OF_GROUP(p.rows * p.chunks) {
    const u32 member = MEMBER_OF(id);
    FIND_ROW()
    C carry = NEUTRAL;
    index carry_place = -1;
#if TOTALS
    for (index r = first; r < end; r += ROW_THREADS)
      join(&carry, &carry_place, LOAD_X(x, p.x_offset + AT(r)), r);
    JOIN_TEAM(carry, carry_place)
    if (member == 0u && is_job) {
      totals[job] = carry;
#if EXTREME
      total_places[job] = carry_place;
#endif
    }
#else
#if CHUNKED
    for (index k = (index)member; k < chunk; k += ROW_THREADS) {
      const i64 at = (i64)k * p.rows + row;
#if EXTREME
      join(&carry, &carry_place, totals[at], total_places[at]);
#else
      join(&carry, &carry_place, totals[at], 0);
#endif
    }
    JOIN_TEAM(carry, carry_place)
#endif
#if ROW_THREADS == 1
    for (index r = first; r < end; ++r) {
      join(&carry, &carry_place, LOAD_X(x, p.x_offset + AT(r)), r);
      STORE_OUT(out, p.out_offset + AT(r), carry);
#if WITH_INDICES
      indices[p.indices_offset + AT(r)] = (i64)carry_place;
#endif
    }
#else
    const u32 team = id - member;  // where its part of the tile begins, in threads
    for (index done = 0; done < p.chunk; done += ROW_THREADS * PER_THREAD) {
      const index begin = chunk * p.chunk + done;
      for (u32 k = 0u; k < PER_THREAD; ++k) {
        const u32 i = k * ROW_THREADS + member;
        const index r = begin + (index)i;
        if (r < end) tile[IN_TILE(team * PER_THREAD + i)] = LOAD_X(x, p.x_offset + AT(r));
      }
      BARRIER();
      // What each thread's elements come to, and from that what is before them in the tile.
      C value = NEUTRAL;
      index place = -1;
      for (u32 k = 0u; k < PER_THREAD; ++k) {
        const index r = begin + (index)(member * PER_THREAD + k);
        if (r < end) join(&value, &place, tile[IN_TILE(id * PER_THREAD + k)], r);
      }
      shared[id] = value;
      shared_places[id] = place;
      for (u32 distance = 1u; distance < ROW_THREADS; distance *= 2u) {
        BARRIER();
        C before = NEUTRAL;
        index before_place = -1;
        if (member >= distance) {
          before = shared[id - distance];
          before_place = shared_places[id - distance];
        }
        BARRIER();
        if (member >= distance) {
          join(&value, &place, before, before_place);
          shared[id] = value;
          shared_places[id] = place;
        }
      }
      BARRIER();
      value = carry;
      place = carry_place;
      if (member > 0u) join(&value, &place, shared[id - 1u], shared_places[id - 1u]);
      for (u32 k = 0u; k < PER_THREAD; ++k) {
        const index r = begin + (index)(member * PER_THREAD + k);
        const u32 i = IN_TILE(id * PER_THREAD + k);
        if (r < end) {
          join(&value, &place, tile[i], r);
          tile[i] = value;
#if WITH_INDICES
          tile_places[i] = place;
#endif
        }
      }
      const u32 last = team + ROW_THREADS - 1u;
      join(&carry, &carry_place, shared[last], shared_places[last]);
      BARRIER();
      for (u32 k = 0u; k < PER_THREAD; ++k) {
        const u32 i = k * ROW_THREADS + member;
        const index r = begin + (index)i;
        if (r < end) {
          STORE_OUT(out, p.out_offset + AT(r), tile[IN_TILE(team * PER_THREAD + i)]);
#if WITH_INDICES
          indices[p.indices_offset + AT(r)] = (i64)tile_places[IN_TILE(team * PER_THREAD + i)];
#endif
        }
      }
      BARRIER();  // the next tile is written
    }
#endif
#endif
  }
}
