// A product of matrices in tiles of TILE_ROWS x TILE_COLUMNS results for a group, in the kernel dialect. Text
// that the build embeds; before it stands a text that says where the operands are (matmul.h lists what it
// must define). Slices of TILE_DEPTH of both operands go through local memory: while one is multiplied, the
// next is on its way.
#define THREAD_ROWS (TILE_ROWS / 16)
#define THREAD_COLUMNS (TILE_COLUMNS / 16)
#define A_LOADS (TILE_ROWS * TILE_DEPTH / 256)
#define B_LOADS (TILE_COLUMNS * TILE_DEPTH / 256)
// Rows of a slice lie this far apart, so that threads which write along the depth use other banks.
#define A_PITCH (TILE_ROWS + 4)
#define B_PITCH (TILE_COLUMNS + 4)

// The tile's row of a thread's i-th result, and the column: fours lie adjacent.
#if THREAD_ROWS >= 4
#define RESULT_ROW(i) (thread_id / 16 * 4 + (i) / 4 * 64 + (i) % 4)
#else
#define RESULT_ROW(i) (thread_id / 16 * THREAD_ROWS + (i))
#endif
#if THREAD_COLUMNS >= 4
#define RESULT_COLUMN(j) (thread_id % 16 * 4 + (j) / 4 * 64 + (j) % 4)
#else
#define RESULT_COLUMN(j) (thread_id % 16 * THREAD_COLUMNS + (j))
#endif

// What a thread loads: neighbours take neighbours in memory.
#if A_ALONG_DEPTH
#define A_ROWS_LOADED A_LOADS
#define A_DEPTHS_LOADED 1
#define A_LOADED_ROW(i) (thread_id / TILE_DEPTH + (i) * (256 / TILE_DEPTH))
#define A_LOADED_DEPTH(i) (thread_id % TILE_DEPTH)
#else
#define A_ROWS_LOADED 1
#define A_DEPTHS_LOADED A_LOADS
#define A_LOADED_ROW(i) (thread_id % TILE_ROWS)
#define A_LOADED_DEPTH(i) (thread_id / TILE_ROWS + (i) * (256 / TILE_ROWS))
#endif
#if B_ALONG_DEPTH
#define B_COLUMNS_LOADED B_LOADS
#define B_DEPTHS_LOADED 1
#define B_LOADED_COLUMN(i) (thread_id / TILE_DEPTH + (i) * (256 / TILE_DEPTH))
#define B_LOADED_DEPTH(i) (thread_id % TILE_DEPTH)
#else
#define B_COLUMNS_LOADED 1
#define B_DEPTHS_LOADED B_LOADS
#define B_LOADED_COLUMN(i) (thread_id % TILE_COLUMNS)
#define B_LOADED_DEPTH(i) (thread_id / TILE_COLUMNS + (i) * (256 / TILE_COLUMNS))
#endif

KERNEL(tile_product, 256)
(BUF(const MEMORY_T, a, 0), BUF(const MEMORY_T, b, 1), BUF(const MEMORY_T, bias, 2), BUF(MEMORY_T, out, 3),
 BUF(C, parts, 4), PARAMS(Parameters, p, 5) KERNEL_IDS) {
  LOCAL_ARRAY(C, a_tile, 2 * TILE_DEPTH * A_PITCH);
  LOCAL_ARRAY(C, b_tile, 2 * TILE_DEPTH * B_PITCH);
  const i32 thread_id = (i32)LOCAL_ID;
  index job = (index)GROUP_ID(0);
  const index first_row = job % p.row_tiles * TILE_ROWS;
  job /= p.row_tiles;
  const index first_column = job % p.column_tiles * TILE_COLUMNS;
  job /= p.column_tiles;
  const index part = job % p.parts;
  const index batch = job / p.parts;
  const index first = part * p.part_depth;
  const index end = p.depth - first < p.part_depth ? p.depth : first + p.part_depth;
  BEGIN_BATCH(batch)

  // Beyond the edges the last row and column are loaded again, and not stored.
  A_ROW a_rows[A_ROWS_LOADED];
  B_COLUMN b_columns[B_COLUMNS_LOADED];
#pragma unroll
  for (i32 i = 0; i < A_ROWS_LOADED; ++i) {
    const index row = first_row + A_LOADED_ROW(i);
    SET_A_ROW(a_rows[i], (row < p.rows ? row : p.rows - 1))
  }
#pragma unroll
  for (i32 i = 0; i < B_COLUMNS_LOADED; ++i) {
    const index column = first_column + B_LOADED_COLUMN(i);
    SET_B_COLUMN(b_columns[i], (column < p.columns ? column : p.columns - 1))
  }

  C sums[THREAD_ROWS * THREAD_COLUMNS];
#pragma unroll
  for (i32 i = 0; i < THREAD_ROWS * THREAD_COLUMNS; ++i) sums[i] = NUMBER(0);
  i32 now = 0;  // which half of the local arrays holds the slice that is multiplied
  for (index slice = first - TILE_DEPTH; slice < end; slice += TILE_DEPTH) {
    const index next = slice + TILE_DEPTH;
    C a_loaded[A_LOADS];
    C b_loaded[B_LOADS];
    // Whether it is an element: what is not becomes 0 when it is stored. Waiting for it here would cost time.
    i32 a_exists[A_LOADS];
    i32 b_exists[B_LOADS];
    if (next < end) {
      A_DEPTH a_depths[A_DEPTHS_LOADED];
      B_DEPTH b_depths[B_DEPTHS_LOADED];
#pragma unroll
      for (i32 i = 0; i < A_DEPTHS_LOADED; ++i) {
        const index k = next + A_LOADED_DEPTH(i);
        SET_A_DEPTH(a_depths[i], (k < end ? k : end - 1))
      }
#pragma unroll
      for (i32 i = 0; i < B_DEPTHS_LOADED; ++i) {
        const index k = next + B_LOADED_DEPTH(i);
        SET_B_DEPTH(b_depths[i], (k < end ? k : end - 1))
      }
#pragma unroll
      for (i32 i = 0; i < A_LOADS; ++i) {
        LOAD_A(a_loaded[i], a_exists[i], a_rows[i % A_ROWS_LOADED], a_depths[i % A_DEPTHS_LOADED])
      }
#pragma unroll
      for (i32 i = 0; i < B_LOADS; ++i) {
        LOAD_B(b_loaded[i], b_exists[i], b_columns[i % B_COLUMNS_LOADED], b_depths[i % B_DEPTHS_LOADED])
      }
    }
    if (slice >= first) {
#pragma unroll
      for (i32 k = 0; k < TILE_DEPTH; ++k) {
        C a_values[THREAD_ROWS];
        C b_values[THREAD_COLUMNS];
#pragma unroll
        for (i32 i = 0; i < THREAD_ROWS; ++i)
          a_values[i] = a_tile[(now * TILE_DEPTH + k) * A_PITCH + RESULT_ROW(i)];
#pragma unroll
        for (i32 j = 0; j < THREAD_COLUMNS; ++j)
          b_values[j] = b_tile[(now * TILE_DEPTH + k) * B_PITCH + RESULT_COLUMN(j)];
#pragma unroll
        for (i32 i = 0; i < THREAD_ROWS; ++i) {
#pragma unroll
          for (i32 j = 0; j < THREAD_COLUMNS; ++j) {
            sums[i * THREAD_COLUMNS + j] =
                MULTIPLY_ADD(a_values[i], b_values[j], sums[i * THREAD_COLUMNS + j]);
          }
        }
      }
    }
    now = 1 - now;
    if (next < end) {
#pragma unroll
      for (i32 i = 0; i < A_LOADS; ++i) {
        a_tile[(now * TILE_DEPTH + A_LOADED_DEPTH(i)) * A_PITCH + A_LOADED_ROW(i)] =
            CHOOSE(a_exists[i] != 0 && next + A_LOADED_DEPTH(i) < end, a_loaded[i], NUMBER(0));
      }
#pragma unroll
      for (i32 i = 0; i < B_LOADS; ++i) {
        b_tile[(now * TILE_DEPTH + B_LOADED_DEPTH(i)) * B_PITCH + B_LOADED_COLUMN(i)] =
            CHOOSE(b_exists[i] != 0 && next + B_LOADED_DEPTH(i) < end, b_loaded[i], NUMBER(0));
      }
    }
    BARRIER();
  }

  index out_columns[THREAD_COLUMNS];
#pragma unroll
  for (i32 j = 0; j < THREAD_COLUMNS; ++j) SET_OUT_COLUMN(out_columns[j], (first_column + RESULT_COLUMN(j)))
#pragma unroll
  for (i32 i = 0; i < THREAD_ROWS; ++i) {
    const index row = first_row + RESULT_ROW(i);
    index out_row;
    SET_OUT_ROW(out_row, row)
#pragma unroll
    for (i32 j = 0; j < THREAD_COLUMNS; ++j) {
      const index column = first_column + RESULT_COLUMN(j);
      if (row < p.rows && column < p.columns) {
        if (p.parts > 1) {
          parts[PART_PLACE(part, batch, row, column)] = sums[i * THREAD_COLUMNS + j];
        } else {
          STORE_RESULT(out_row + out_columns[j], row, column, sums[i * THREAD_COLUMNS + j])
        }
      }
    }
  }
}
