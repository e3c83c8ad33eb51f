// Copies whose elements lie next to each other along one dim of the source and along another of the result,
// in the kernel dialect. Text that the build embeds. Tiles of 32 x 32 elements go through local memory, so
// that neighbouring threads read and write neighbours. BITS is a type of an element's size.
typedef struct {
  i64 from_offset, to_offset, tiles;
  i64 rows, columns;  // a row's elements are adjacent in the source, a column's in the result
  i64 from_row, to_column, row_tiles, column_tiles;
  i64 outer_size[4], from_outer[4], to_outer[4];
} Parameters;

KERNEL(transpose, 256)
(BUF(const BITS, from, 0), BUF(BITS, to, 1), PARAMS(Parameters, p, 2) KERNEL_IDS) {
  LOCAL_ARRAY(BITS, shared, 32 * 33);
  const i32 across = (i32)(LOCAL_ID % 32u), down = (i32)(LOCAL_ID / 32u);
  for (i64 job = (i64)GROUP_ID(0); job < p.tiles; job += (i64)NUM_GROUPS(0)) {
    const i64 column = job % p.column_tiles * 32;
    i64 rest = job / p.column_tiles;
    const i64 row = rest % p.row_tiles * 32;
    rest /= p.row_tiles;
    i64 source = p.from_offset + row * p.from_row + column;
    i64 target = p.to_offset + column * p.to_column + row;
    for (i32 dim = 3; dim >= 0; --dim) {
      const i64 at = rest % p.outer_size[dim];
      rest /= p.outer_size[dim];
      source += at * p.from_outer[dim];
      target += at * p.to_outer[dim];
    }
    const i32 rows = p.rows - row < 32 ? (i32)(p.rows - row) : 32;
    const i32 columns = p.columns - column < 32 ? (i32)(p.columns - column) : 32;
    BITS values[4];
    UNROLL
    for (i32 k = 0; k < 4; ++k) {
      const i32 r = down + 8 * k;
      values[k] = r < rows && across < columns ? from[source + (i64)r * p.from_row + across] : (BITS)0;
    }
    UNROLL
    for (i32 k = 0; k < 4; ++k) shared[(down + 8 * k) * 33 + across] = values[k];
    BARRIER();
    UNROLL
    for (i32 k = 0; k < 4; ++k) {
      const i32 c = down + 8 * k;
      if (c < columns && across < rows) to[target + (i64)c * p.to_column + across] = shared[across * 33 + c];
    }
    BARRIER();
  }
}
