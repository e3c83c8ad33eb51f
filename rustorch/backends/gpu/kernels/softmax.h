// Softmax, or its logarithm, along a dim, and the gradient, in the kernel dialect. Text that the build
// embeds. Operands are dense [outer, n, inner]. STAGE: rows as a whole, HELD elements of a row by each thread
// (0: too many, which are read twice); or, for few long rows, the states of their chunks and then the results
// of each chunk.
#define WHOLE 0
#define STATES 1
#define APPLY 2

typedef struct {
  i64 x_offset, dy_offset, out_offset;
  index rows, n, inner, chunk, chunks;
} Parameters;

#if FORWARD
#if LOGARITHM
#define RESULT_OF(x) ((x)-most - log_sum)
#else
#define RESULT_OF(x) (F(exp)((x)-most) / sum)
#endif

KERNEL(forward, 256)
(BUF(const MEMORY_X, x, 0), BUF(C, states, 1), BUF(MEMORY_OUT, out, 2), PARAMS(Parameters, p, 3) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  const u32 id = LOCAL_ID;
  const index step = (index)NUM_GROUPS(0) * ROWS_OF_GROUP;
  for (index job_of_group = (index)GROUP_ID(0) * ROWS_OF_GROUP; job_of_group < p.rows * p.chunks;
       job_of_group += step) {
    FIND_ROW()
    C most = LOWEST_C;
    C sum = LIT(0.0);
#if STAGE == APPLY
    for (index k = 0; k < p.chunks; ++k) {
      const i64 state = 2 * ((i64)k * p.rows + row);
      const C largest = larger_of_two(most, states[state]);
      sum = sum * F(exp)(most - largest) + states[state + 1] * F(exp)(states[state] - largest);
      most = largest;
    }
#elif HELD
    C held[HELD];
    UNROLL
    for (i32 k = 0; k < HELD; ++k) {
      const index r = first + (index)k * ROW_THREADS;
      held[k] = r < end ? LOAD_X(x, p.x_offset + AT(r)) : -INFINITY_C;
      most = larger_of_two(held[k], most);
    }
    most = row_max(shared, id, most);
    UNROLL
    for (i32 k = 0; k < HELD; ++k) {
      const C e = F(exp)(held[k] - most);
      sum += e;
#if !LOGARITHM
      held[k] = e;
#endif
    }
    sum = row_sum(shared, id, sum);
#else
    for (index r = first; r < end; r += ROW_THREADS)
      add_exponential(&most, &sum, LOAD_X(x, p.x_offset + AT(r)));
    join_exponentials(shared, id, &most, &sum);
#endif

#if STAGE == STATES
    if (MEMBER_OF(id) == 0u && is_job) {
      states[2 * (i64)job] = most;
      states[2 * (i64)job + 1] = sum;
    }
#else
#if LOGARITHM
    const C log_sum = F(log)(sum);
#endif
#if HELD
    UNROLL
    for (i32 k = 0; k < HELD; ++k) {
      const index r = first + (index)k * ROW_THREADS;
#if LOGARITHM
      if (r < end) STORE_OUT(out, p.out_offset + AT(r), RESULT_OF(held[k]));
#else
      if (r < end) STORE_OUT(out, p.out_offset + AT(r), held[k] / sum);
#endif
    }
#else
    for (index r = first; r < end; r += ROW_THREADS)
      STORE_OUT(out, p.out_offset + AT(r), RESULT_OF(LOAD_X(x, p.x_offset + AT(r))));
#endif
#endif
  }
}

#else
// What the results y and their gradients dy give to a row's sum, and an element's gradient from it.
#if LOGARITHM
#define TERM(y, dy) (dy)
#define GRADIENT_OF(y, dy) ((dy)-F(exp)(y) * sum)
#else
#define TERM(y, dy) ((y) * (dy))
#define GRADIENT_OF(y, dy) ((y) * ((dy)-sum))
#endif

KERNEL(backward, 256)
(BUF(const MEMORY_X, y, 0), BUF(const MEMORY_DY, dy, 1), BUF(C, states, 2), BUF(MEMORY_OUT, out, 3),
 PARAMS(Parameters, p, 4) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  const u32 id = LOCAL_ID;
  const index step = (index)NUM_GROUPS(0) * ROWS_OF_GROUP;
  for (index job_of_group = (index)GROUP_ID(0) * ROWS_OF_GROUP; job_of_group < p.rows * p.chunks;
       job_of_group += step) {
    FIND_ROW()
    C sum = LIT(0.0);
#if STAGE == APPLY
    for (index k = 0; k < p.chunks; ++k) sum += states[(i64)k * p.rows + row];
#elif HELD
    C held_y[HELD];
    C held_dy[HELD];
    UNROLL
    for (i32 k = 0; k < HELD; ++k) {
      const index r = first + (index)k * ROW_THREADS;
      held_y[k] = r < end ? LOAD_X(y, p.x_offset + AT(r)) : LIT(0.0);
      held_dy[k] = r < end ? LOAD_DY(dy, p.dy_offset + AT(r)) : LIT(0.0);
      sum += TERM(held_y[k], held_dy[k]);
    }
    sum = row_sum(shared, id, sum);
#else
    for (index r = first; r < end; r += ROW_THREADS) {
      const C gradient = LOAD_DY(dy, p.dy_offset + AT(r));
      sum += TERM(LOAD_X(y, p.x_offset + AT(r)), gradient);
    }
    sum = row_sum(shared, id, sum);
#endif

#if STAGE == STATES
    if (MEMBER_OF(id) == 0u && is_job) states[job] = sum;
#elif HELD
    UNROLL
    for (i32 k = 0; k < HELD; ++k) {
      const index r = first + (index)k * ROW_THREADS;
      if (r < end) STORE_OUT(out, p.out_offset + AT(r), GRADIENT_OF(held_y[k], held_dy[k]));
    }
#else
    for (index r = first; r < end; r += ROW_THREADS) {
      const C result = LOAD_X(y, p.x_offset + AT(r));
      STORE_OUT(out, p.out_offset + AT(r), GRADIENT_OF(result, LOAD_DY(dy, p.dy_offset + AT(r))));
    }
#endif
  }
}
#endif
