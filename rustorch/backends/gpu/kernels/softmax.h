// Softmax, or its logarithm, along a dim, and the gradient, in the kernel dialect. Text that the build
// embeds. Operands are dense [outer, n, inner]. STAGE: rows as a whole, HELD elements of a row by each thread
// (0: too many, which are read twice, SEVERAL at a time); or, for few long rows, the states of their chunks
// and then the results of each chunk.
#define WHOLE 0
#define STATES 1
#define APPLY 2

typedef struct {
  i64 x_offset, dy_offset, out_offset;
  index rows, n, inner, chunk, chunks;
} Parameters;

#if FORWARD
// A result from an element, or, if the elements are held, from what is left of it.
#define LOAD_INPUT(r) LOAD_X(x, p.x_offset + AT(r))
#if LOGARITHM
#define RESULT_OF(x) ((x)-most - log_sum)
#define HELD_RESULT(k) RESULT_OF(held[k])
#else
#define RESULT_OF(x) (F(exp)((x)-most) * inverse)
#define HELD_RESULT(k) (held[k] * inverse)
#endif
#define WRITE_HELD(r, k) STORE_OUT(out, p.out_offset + AT(r), HELD_RESULT(k))
#define WRITE_RESULT(r, k) STORE_OUT(out, p.out_offset + AT(r), RESULT_OF(several[k]))

KERNEL(forward, 256)
(BUF(const MEMORY_X, x, 0), BUF(C, states, 1), BUF(MEMORY_OUT, out, 2), PARAMS(Parameters, p, 3) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.rows * p.chunks) {
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
    READ_ELEMENTS(HELD, held, first, end, LOAD_INPUT, -INFINITY_C)
    UNROLL
    for (i32 k = 0; k < HELD; ++k) most = larger_of_two(held[k], most);
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
    FOR_SEVERAL(r, first, end) {
      C several[SEVERAL];
      READ_ELEMENTS(SEVERAL, several, r, end, LOAD_INPUT, -INFINITY_C)
      add_exponentials(&most, &sum, several);
    }
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
#else
    const C inverse = LIT(1.0) / sum;
#endif
#if HELD
    WRITE_ELEMENTS(HELD, first, end, WRITE_HELD)
#else
    FOR_SEVERAL(r, first, end) {
      C several[SEVERAL];
      READ_ELEMENTS(SEVERAL, several, r, end, LOAD_INPUT, LIT(0.0))
      WRITE_ELEMENTS(SEVERAL, r, end, WRITE_RESULT)
    }
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

#define LOAD_Y(r) LOAD_X(y, p.x_offset + AT(r))
#define LOAD_GRADIENT(r) LOAD_DY(dy, p.dy_offset + AT(r))
#define READ_SEVERAL(r)                                  \
  C of_y[SEVERAL];                                       \
  C of_dy[SEVERAL];                                      \
  READ_ELEMENTS(SEVERAL, of_y, r, end, LOAD_Y, LIT(0.0)) \
  READ_ELEMENTS(SEVERAL, of_dy, r, end, LOAD_GRADIENT, LIT(0.0))
#define WRITE_GRADIENT(r, k) STORE_OUT(out, p.out_offset + AT(r), GRADIENT_OF(of_y[k], of_dy[k]))

KERNEL(backward, 256)
(BUF(const MEMORY_X, y, 0), BUF(const MEMORY_DY, dy, 1), BUF(C, states, 2), BUF(MEMORY_OUT, out, 3),
 PARAMS(Parameters, p, 4) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.rows * p.chunks) {
    FIND_ROW()
    C sum = LIT(0.0);
#if STAGE == APPLY
    for (index k = 0; k < p.chunks; ++k) sum += states[(i64)k * p.rows + row];
#elif HELD
    C of_y[HELD];
    C of_dy[HELD];
    READ_ELEMENTS(HELD, of_y, first, end, LOAD_Y, LIT(0.0))
    READ_ELEMENTS(HELD, of_dy, first, end, LOAD_GRADIENT, LIT(0.0))
    UNROLL
    for (i32 k = 0; k < HELD; ++k) sum += TERM(of_y[k], of_dy[k]);
    sum = row_sum(shared, id, sum);
#else
    FOR_SEVERAL(r, first, end) {
      READ_SEVERAL(r)
      UNROLL
      for (i32 k = 0; k < SEVERAL; ++k) sum += TERM(of_y[k], of_dy[k]);
    }
    sum = row_sum(shared, id, sum);
#endif

#if STAGE == STATES
    if (MEMBER_OF(id) == 0u && is_job) states[job] = sum;
#elif HELD
    WRITE_ELEMENTS(HELD, first, end, WRITE_GRADIENT)
#else
    FOR_SEVERAL(r, first, end) {
      READ_SEVERAL(r)
      WRITE_ELEMENTS(SEVERAL, r, end, WRITE_GRADIENT)
    }
#endif
  }
}
#endif
