// Adds the parts of products whose depth was cut, in their order, in the kernel dialect. Text that the build
// embeds; stands behind the same texts as tile_product.h.
KERNEL(add_parts, 256)
(BUF(const C, parts, 0), BUF(const MEMORY_T, bias, 1), BUF(MEMORY_T, out, 2),
 PARAMS(Parameters, p, 3) KERNEL_IDS) {
  const index results = p.batches * p.rows * p.columns;
  const index step = (index)NUM_GROUPS(0) * 256;
  for (index place = (index)GROUP_ID(0) * 256 + (index)LOCAL_ID; place < results; place += step) {
    const index column = place % p.columns;
    const index row = place / p.columns % p.rows;
    const index batch = place / p.columns / p.rows;
    C sum = NUMBER(0);
    for (index part = 0; part < p.parts; ++part) sum = ADD(sum, parts[PART_PLACE(part, batch, row, column)]);
    BEGIN_BATCH(batch)
    index out_row;
    index out_column;
    SET_OUT_ROW(out_row, row)
    SET_OUT_COLUMN(out_column, column)
    STORE_RESULT(out_row + out_column, row, column, sum)
  }
}
