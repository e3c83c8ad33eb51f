// Layer norm of rows and its gradients, in the kernel dialect. Text that the build embeds. STAGE says which
// kernel the file is: the results; the input's gradient; what the parameters' gradients get from chunks of
// the rows; their sums. Operands are dense [rows, columns]; in the latter two a team has a column. HELD:
// elements of a row that a thread keeps, 0 for rows that are too long for that.
#define FORWARD 0
#define BACKWARD 1
#define SHARES 2
#define JOIN_SHARES 3

typedef struct {
  i64 x_offset, dy_offset, out_offset;
  Place mean, inverse_std, weight, bias;
  C epsilon;
  index rows, n, inner, chunk, chunks;
} Parameters;

#if STAGE <= BACKWARD
#if HAS_WEIGHT
#define WEIGHTED(value, c) ((value)*LOAD_WEIGHT(weight, ELEMENT_OF(weight, c)))
#else
#define WEIGHTED(value, c) (value)
#endif
#if HELD
#define FOR_ELEMENTS(r)                                         \
  UNROLL                                                        \
  for (index k = 0, r = first; k < HELD; ++k, r += ROW_THREADS) \
    if (r < end)
#define ELEMENT(loaded, held, r) held[k]
#else
#define FOR_ELEMENTS(r) for (index r = first; r < end; r += ROW_THREADS)
#define ELEMENT(loaded, held, r) loaded(r)
#endif
#define LOAD_INPUT(r) LOAD_X(x, p.x_offset + AT(r))
#define LOAD_GRADIENT(r) LOAD_DY(dy, p.dy_offset + AT(r))
#define INPUT(r) ELEMENT(LOAD_INPUT, held_x, r)
#define OUTPUT_GRADIENT(r) ELEMENT(LOAD_GRADIENT, held_dy, r)
#endif

#if STAGE == FORWARD
#if HAS_BIAS
#define BIASED(value, c) ((value) + LOAD_BIAS(bias, ELEMENT_OF(bias, c)))
#else
#define BIASED(value, c) (value)
#endif

KERNEL(forward, 256)
(BUF(const MEMORY_X, x, 0), BUF(const MEMORY_WEIGHT, weight, 1), BUF(const MEMORY_BIAS, bias, 2),
 BUF(MEMORY_OUT, out, 3), BUF(MEMORY_MEAN, means, 4), BUF(MEMORY_INVERSE_STD, inverse_stds, 5),
 PARAMS(Parameters, p, 6) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.rows) {
    FIND_ROW()
    C sum = LIT(0.0);
#if HELD
    C held_x[HELD];
    FOR_ELEMENTS(r) {
      held_x[k] = LOAD_INPUT(r);
      sum += held_x[k];
    }
#else
    FOR_ELEMENTS(r) sum += INPUT(r);
#endif
    // About the mean as a first sum gives it, rounded; the mean distance from there corrects both mean and
    // variance.
    const C count = (C)p.n;
    const C center = row_sum(shared, id, sum) / count;
    C distances = LIT(0.0);
    C squares = LIT(0.0);
    FOR_ELEMENTS(r) {
      const C distance = INPUT(r) - center;
      distances += distance;
      squares += distance * distance;
    }
    const C off = row_sum(shared, id, distances) / count;
    const C variance = row_sum(shared, id, squares) / count - off * off;
    const C mean = center + off;
    const C inverse_std = LIT(1.0) / F(sqrt)((variance < LIT(0.0) ? LIT(0.0) : variance) + p.epsilon);
    FOR_ELEMENTS(r) {
      const C normalized = (INPUT(r) - mean) * inverse_std;
      STORE_OUT(out, p.out_offset + AT(r), BIASED(WEIGHTED(normalized, r), r));
    }
    if (MEMBER_OF(id) == 0u && is_job) {
#if HAS_MEAN
      STORE_MEAN(means, ELEMENT_OF(mean, row), mean);
#endif
#if HAS_INVERSE_STD
      STORE_INVERSE_STD(inverse_stds, ELEMENT_OF(inverse_std, row), inverse_std);
#endif
    }
  }
}

#elif STAGE == BACKWARD
// With g = dy * weight and y the normalized x: dx = (g - mean(g) - y * mean(g * y)) * inverse_std.
KERNEL(backward, 256)
(BUF(const MEMORY_X, x, 0), BUF(const MEMORY_DY, dy, 1), BUF(const MEMORY_WEIGHT, weight, 2),
 BUF(const MEMORY_MEAN, means, 3), BUF(const MEMORY_INVERSE_STD, inverse_stds, 4), BUF(MEMORY_OUT, out, 5),
 PARAMS(Parameters, p, 6) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.rows) {
    FIND_ROW()
    const C mean = is_job ? LOAD_MEAN(means, ELEMENT_OF(mean, row)) : LIT(0.0);
    const C inverse_std = is_job ? LOAD_INVERSE_STD(inverse_stds, ELEMENT_OF(inverse_std, row)) : LIT(0.0);
    C sum = LIT(0.0);
    C product = LIT(0.0);
#if HELD
    C held_x[HELD];
    C held_dy[HELD];
    FOR_ELEMENTS(r) {
      held_x[k] = LOAD_INPUT(r);
      held_dy[k] = LOAD_GRADIENT(r);
    }
#endif
    FOR_ELEMENTS(r) {
      const C gradient = WEIGHTED(OUTPUT_GRADIENT(r), r);
      sum += gradient;
      product += gradient * ((INPUT(r) - mean) * inverse_std);
    }
    const C mean_gradient = row_sum(shared, id, sum) / (C)p.n;
    const C mean_product = row_sum(shared, id, product) / (C)p.n;
    FOR_ELEMENTS(r) {
      const C normalized = (INPUT(r) - mean) * inverse_std;
      const C gradient = WEIGHTED(OUTPUT_GRADIENT(r), r);
      STORE_OUT(out, p.out_offset + AT(r),
                inverse_std * (gradient - mean_gradient - normalized * mean_product));
    }
  }
}

#elif STAGE == SHARES
KERNEL(shares, 256)
(BUF(const MEMORY_X, x, 0), BUF(const MEMORY_DY, dy, 1), BUF(const MEMORY_MEAN, means, 2),
 BUF(const MEMORY_INVERSE_STD, inverse_stds, 3), BUF(C, states, 4), PARAMS(Parameters, p, 5) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.rows * p.chunks) {
    FIND_ROW()
    C sum = LIT(0.0);
    C product = LIT(0.0);
    for (index r = first; r < end; r += ROW_THREADS) {
      const C gradient = LOAD_DY(dy, p.dy_offset + AT(r));
      sum += gradient;
#if HAS_D_WEIGHT
      product += gradient * ((LOAD_X(x, p.x_offset + AT(r)) - LOAD_MEAN(means, ELEMENT_OF(mean, r))) *
                             LOAD_INVERSE_STD(inverse_stds, ELEMENT_OF(inverse_std, r)));
#endif
    }
    sum = row_sum(shared, id, sum);
    product = row_sum(shared, id, product);
    if (MEMBER_OF(id) == 0u && is_job) {
      states[2 * (i64)job] = sum;
      states[2 * (i64)job + 1] = product;
    }
  }
}

#else
KERNEL(join_shares, 256)
(BUF(const C, states, 0), BUF(MEMORY_D_WEIGHT, d_weight, 1), BUF(MEMORY_D_BIAS, d_bias, 2),
 PARAMS(Parameters, p, 3) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.rows) {
    FIND_ROW()
    C sum = LIT(0.0);
    C product = LIT(0.0);
    for (index r = first; r < end; r += ROW_THREADS) {
      sum += states[2 * AT(r)];
      product += states[2 * AT(r) + 1];
    }
    sum = row_sum(shared, id, sum);
    product = row_sum(shared, id, product);
    if (MEMBER_OF(id) == 0u && is_job) {
#if HAS_D_WEIGHT
      STORE_D_WEIGHT(d_weight, ELEMENT_OF(weight, row), product);
#endif
#if HAS_D_BIAS
      STORE_D_BIAS(d_bias, ELEMENT_OF(bias, row), sum);
#endif
    }
  }
}
#endif
