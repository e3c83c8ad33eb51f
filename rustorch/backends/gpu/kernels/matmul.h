// Where the operands of a matrix product are, in the kernel dialect, for tile_product.h, thin_product.h and
// product_parts.h. Text that the build embeds. Each text of this kind defines
//   Parameters: rows, columns, depth of the product; the depth of a part, and how many; tiles; batches
//   BEGIN_BATCH(batch): declares what the rest needs to know of a batch
//   A_ROW, A_DEPTH: types of what is known of a row and of a depth of a, before both meet in an element
//   SET_A_ROW(state, row), SET_A_DEPTH(state, k): statements that find it
//   LOAD_A(value, exists, row, depth): a statement that loads the element, or says that there is none, which
//   counts as 0; value may then be anything
//   the same of b: B_COLUMN, B_DEPTH, SET_B_COLUMN, SET_B_DEPTH, LOAD_B
//   SET_OUT_ROW(place, row), SET_OUT_COLUMN(place, column): statements; a result's place is the sum of both
//   STORE_RESULT(place, row, column, value): a statement that adds the bias and stores
// BATCH_RANK (0 to 4) is how many batch dims there are; HAS_BIAS whether there is a bias; `activation` a
// function, if it is defined, that is applied to what is stored.
typedef struct {
  index rows, columns, depth, part_depth, parts, row_tiles, column_tiles, batches;
  index offset[4], batch_size[4];  // of a, b, out, bias
  index batch_stride[16];          // of each batch dim: a, b, out, bias
  index a_row, a_depth, b_depth, b_column, out_row, out_column, bias_row, bias_column;
} Parameters;

#define BEGIN_BATCH(batch)                                \
  index a_first = p.offset[0];                            \
  index b_first = p.offset[1];                            \
  index out_first = p.offset[2];                          \
  index bias_first = p.offset[3];                         \
  {                                                       \
    index rest_of_batch = batch;                          \
    for (i32 dim = BATCH_RANK - 1; dim >= 0; --dim) {     \
      const index at = rest_of_batch % p.batch_size[dim]; \
      rest_of_batch /= p.batch_size[dim];                 \
      a_first += at * p.batch_stride[4 * dim];            \
      b_first += at * p.batch_stride[4 * dim + 1];        \
      out_first += at * p.batch_stride[4 * dim + 2];      \
      bias_first += at * p.batch_stride[4 * dim + 3];     \
    }                                                     \
  }

#define A_ROW index
#define A_DEPTH index
#define SET_A_ROW(state, row) state = a_first + (row)*p.a_row;
#define SET_A_DEPTH(state, k) state = (k)*p.a_depth;
#define LOAD_A(value, exists, row, depth) \
  {                                       \
    value = LOAD_T(a, (row) + (depth));   \
    exists = 1;                           \
  }
#define B_COLUMN index
#define B_DEPTH index
#define SET_B_COLUMN(state, column) state = b_first + (column)*p.b_column;
#define SET_B_DEPTH(state, k) state = (k)*p.b_depth;
#define LOAD_B(value, exists, column, depth) \
  {                                          \
    value = LOAD_T(b, (column) + (depth));   \
    exists = 1;                              \
  }

#define SET_OUT_ROW(place, row) place = out_first + (row)*p.out_row;
#define SET_OUT_COLUMN(place, column) place = (column)*p.out_column;
#ifdef activation
#define ACTIVATED(value) activation(value)
#else
#define ACTIVATED(value) value
#endif
#if HAS_BIAS
#define STORE_RESULT(place, row, column, value) \
  STORE_T(out, place,                           \
          ACTIVATED(ADD(value, LOAD_T(bias, bias_first + (row)*p.bias_row + (column)*p.bias_column))));
#else
#define STORE_RESULT(place, row, column, value) STORE_T(out, place, ACTIVATED(value));
#endif
