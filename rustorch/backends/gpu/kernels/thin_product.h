// A product of matrices with few rows or columns, or of many small ones, in the kernel dialect: LANES threads
// of a group for each result. Text that the build embeds; stands behind the same texts as tile_product.h.
// LANES is a power of 2 up to 256. ALONG_DEPTH says that neighbouring threads take neighbours along the depth
// rather than neighbouring results, which are counted along BATCHES, ROWS or COLUMNS first.
#define BATCHES 0
#define ROWS 1
#define COLUMNS 2
#define RESULTS (256 / LANES)

KERNEL(thin_product, 256)
(BUF(const MEMORY_T, a, 0), BUF(const MEMORY_T, b, 1), BUF(const MEMORY_T, bias, 2), BUF(MEMORY_T, out, 3),
 BUF(C, parts, 4), PARAMS(Parameters, p, 5) KERNEL_IDS) {
#if LANES > 1
  LOCAL_ARRAY(C, sums, 256);
#endif
  const i32 thread_id = (i32)LOCAL_ID;
#if ALONG_DEPTH
  const i32 lane = thread_id % LANES;
  const i32 result = thread_id / LANES;
#else
  const i32 lane = thread_id / RESULTS;
  const i32 result = thread_id % RESULTS;
#endif
  const index part = (index)GROUP_ID(0) % p.parts;
  const index place = (index)GROUP_ID(0) / p.parts * RESULTS + result;
  const index results = p.batches * p.rows * p.columns;
  index rest = place < results ? place : results - 1;
#if FASTEST == BATCHES
  const index batch = rest % p.batches;
  rest /= p.batches;
  const index column = rest % p.columns;
  const index row = rest / p.columns;
#elif FASTEST == ROWS
  const index row = rest % p.rows;
  rest /= p.rows;
  const index column = rest % p.columns;
  const index batch = rest / p.columns;
#else
  const index column = rest % p.columns;
  rest /= p.columns;
  const index row = rest % p.rows;
  const index batch = rest / p.rows;
#endif
  const index first = part * p.part_depth;
  const index end = p.depth - first < p.part_depth ? p.depth : first + p.part_depth;
  BEGIN_BATCH(batch)
  A_ROW a_row;
  B_COLUMN b_column;
  SET_A_ROW(a_row, row)
  SET_B_COLUMN(b_column, column)
  C sum = NUMBER(0);
  for (index k = first + lane; k < end; k += LANES) {
    A_DEPTH a_depth;
    B_DEPTH b_depth;
    SET_A_DEPTH(a_depth, k)
    SET_B_DEPTH(b_depth, k)
    C a_value;
    C b_value;
    i32 a_exists;
    i32 b_exists;
    LOAD_A(a_value, a_exists, a_row, a_depth)
    LOAD_B(b_value, b_exists, b_column, b_depth)
    sum = CHOOSE(a_exists != 0 && b_exists != 0, MULTIPLY_ADD(a_value, b_value, sum), sum);
  }
#if LANES > 1
  sums[lane * RESULTS + result] = sum;
  for (i32 half_lanes = LANES / 2; half_lanes > 0; half_lanes /= 2) {
    BARRIER();
    if (lane < half_lanes) {
      sum = ADD(sum, sums[(lane + half_lanes) * RESULTS + result]);
      sums[lane * RESULTS + result] = sum;
    }
  }
#endif
  if (lane == 0 && place < results) {
    if (p.parts > 1) {
      parts[PART_PLACE(part, batch, row, column)] = sum;
    } else {
      index out_row;
      index out_column;
      SET_OUT_ROW(out_row, row)
      SET_OUT_COLUMN(out_column, column)
      STORE_RESULT(out_row + out_column, row, column, sum)
    }
  }
}
