// The extreme along a dim and where it stands first, in the kernel dialect. Text that the build embeds.
// The input is dense [outer, n, inner], of dtype X. STATES: few long rows are cut into chunks, whose extremes
// go into `states` and `places`. JOINS: these are the input, n of them for a row. Otherwise results are
// written.
typedef struct {
  i64 x_offset, values_offset, indices_offset;
  index rows, n, inner, chunk, chunks;
} Parameters;

#if LARGEST
#define IS_BETTER(x, best) ((x) > (best))
#else
#define IS_BETTER(x, best) ((x) < (best))
#endif

// Takes over `x` from `x_place` if it comes before what was found so far: the first of equal values does,
// and the first NaN over all. A place is -1 where there is nothing.
FN void find_first(PRIVATE C* best, PRIVATE index* place, C x, index x_place) {
  i32 takes = 0;
  if (x_place >= 0) {
    if (*place < 0) {
      takes = 1;
    } else if (*best != *best) {
      takes = x != x && x_place < *place;
    } else {
      takes = x != x || IS_BETTER(x, *best) || (x == *best && x_place < *place);
    }
  }
  *best = takes ? x : *best;
  *place = takes ? x_place : *place;
}

KERNEL(arg_reduce, 256)
(BUF(const MEMORY_X, x, 0), BUF(C, states, 1), BUF(index, places, 2), BUF(MEMORY_VALUE, values, 3),
 BUF(i64, indices, 4), PARAMS(Parameters, p, 5) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  LOCAL_ARRAY(index, shared_places, 256);
  FOR_JOBS_OF_GROUP(p.rows * p.chunks) {
    FIND_ROW()
    C best = (C)0;
    index place = -1;
#if JOINS
    for (index r = first; r < end; r += ROW_THREADS) find_first(&best, &place, states[AT(r)], places[AT(r)]);
#else
    for (index r = first; r < end; r += ROW_THREADS) {
      const C value = LOAD_X(x, p.x_offset + AT(r));
      const i32 takes = place < 0 || (best == best && (value != value || IS_BETTER(value, best)));
      best = takes ? value : best;
      place = takes ? r : place;
    }
#endif
#if ROW_THREADS > 1
    shared[id] = best;
    shared_places[id] = place;
    for (u32 part = ROW_THREADS / 2; part > 0u; part /= 2u) {
      BARRIER();
      if (MEMBER_OF(id) < part) {
        const u32 other = id + part * MEMBER_STEP;
        find_first(&best, &place, shared[other], shared_places[other]);
        shared[id] = best;
        shared_places[id] = place;
      }
    }
    BARRIER();
#endif
    if (MEMBER_OF(id) == 0u && is_job) {
#if STATES
      states[job] = best;
      places[job] = place;
#else
#if WITH_VALUES
      STORE_VALUE(values, p.values_offset + (i64)row, best);
#endif
#if WITH_INDICES
      indices[p.indices_offset + (i64)row] = (i64)place;
#endif
#endif
    }
  }
}
