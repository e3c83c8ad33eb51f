// Cross entropy of rows of logits and its gradient, in the kernel dialect. Text that the build embeds. X is
// the logits' dtype, DX that of their gradient, LOSS that of the losses or their gradient, LSE that of the
// logarithms of the sums of exponentials. WEIGHTED: there are class weights, of dtype W. SMOOTHING: the
// labels are smoothed. HELD: elements of a row that a thread keeps, 0 for rows that are too long for that.
typedef struct {
  i64 logits_offset, logits_row, logits_column;
  i64 d_logits_offset, d_logits_row, d_logits_column;
  i64 targets_offset, targets_stride;
  i64 losses_offset, losses_stride;
  i64 lse_offset, lse_stride;
  i64 weight_offset, weight_stride;
  i64 ignore_index;
  C smoothing;
  index rows, classes;
  i32 op;
} Parameters;

#if WEIGHTED
#define WEIGHT_OF(c) LOAD_W(weight, p.weight_offset + (i64)(c)*p.weight_stride)
#else
#define WEIGHT_OF(c) LIT(1.0)
#endif

#if FORWARD
KERNEL(forward, 256)
(BUF(const MEMORY_X, logits, 0), BUF(const i64, targets, 1), BUF(const MEMORY_W, weight, 2),
 BUF(MEMORY_LOSS, losses, 3), BUF(MEMORY_LSE, log_sum_exp, 4), BUF(u32, found, 5),
 PARAMS(Parameters, p, 6) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  const u32 id = LOCAL_ID;
  const index member = (index)MEMBER_OF(id);
  const index step = (index)NUM_GROUPS(0) * ROWS_OF_GROUP;
  for (index first = (index)GROUP_ID(0) * ROWS_OF_GROUP; first < p.rows; first += step) {
    const index row = first + (index)ROW_OF(id);
    const index classes = row < p.rows ? p.classes : 0;
    const i64 at = p.logits_offset + (i64)row * p.logits_row;
    C most = LOWEST_C;
    C sum = LIT(0.0);
    for (index c = member; c < classes; c += ROW_THREADS)
      add_exponential(&most, &sum, LOAD_X(logits, at + (i64)c * p.logits_column));
    join_exponentials(shared, id, &most, &sum);
    const C log_sum = F(log)(sum);
#if SMOOTHING
    C distances = LIT(0.0);
    C weights = LIT(0.0);
    for (index c = member; c < classes; c += ROW_THREADS) {
      const C w = WEIGHT_OF(c);
      distances += w * (LOAD_X(logits, at + (i64)c * p.logits_column) - most);
      weights += w;
    }
    distances = row_sum(shared, id, distances);
    weights = row_sum(shared, id, weights);
#endif
    if (member == 0 && row < p.rows) {
      const i64 target = targets[p.targets_offset + (i64)row * p.targets_stride];
      C loss = LIT(0.0);
      if (target != p.ignore_index) {
        if (target >= 0 && target < (i64)p.classes) {
          // Distances from the largest logit keep the digits that large logits would cost.
          const C x = LOAD_X(logits, at + target * p.logits_column);
          loss = WEIGHT_OF(target) * (log_sum - (x - most));
#if SMOOTHING
          loss =
              (LIT(1.0) - p.smoothing) * loss + p.smoothing / (C)p.classes * (weights * log_sum - distances);
#endif
        } else {
          report_target(found, p.op, target, (i64)p.classes, (i64)row);
        }
      }
      STORE_LOSS(losses, p.losses_offset + (i64)row * p.losses_stride, loss);
#if WITH_LSE
      STORE_LSE(log_sum_exp, p.lse_offset + (i64)row * p.lse_stride, most + log_sum);
#endif
    }
  }
}
#else

// A logit's gradient from e^(x - the logarithm), given the factors of the row.
#if SMOOTHING
#define GRADIENT_OF(c, e) ((e)*scale - smoothing * WEIGHT_OF(c) - ((i64)(c) == target ? on_target : LIT(0.0)))
#else
#define GRADIENT_OF(c, e) ((e)*scale - ((i64)(c) == target ? on_target : LIT(0.0)))
#endif

KERNEL(backward, 256)
(BUF(const MEMORY_X, logits, 0), BUF(const i64, targets, 1), BUF(const MEMORY_W, weight, 2),
 BUF(const MEMORY_LOSS, d_losses, 3), BUF(const MEMORY_LSE, log_sum_exp, 4), BUF(u32, found, 5),
 BUF(MEMORY_DX, d_logits, 6), PARAMS(Parameters, p, 7) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  const u32 id = LOCAL_ID;
  const index member = (index)MEMBER_OF(id);
  const index step = (index)NUM_GROUPS(0) * ROWS_OF_GROUP;
  for (index first = (index)GROUP_ID(0) * ROWS_OF_GROUP; first < p.rows; first += step) {
    const index row = first + (index)ROW_OF(id);
    const index classes = row < p.rows ? p.classes : 0;
    const i64 at = p.logits_offset + (i64)row * p.logits_row;
    const i64 to = p.d_logits_offset + (i64)row * p.d_logits_row;
    const i64 target =
        row < p.rows ? targets[p.targets_offset + (i64)row * p.targets_stride] : p.ignore_index;
    const i32 known = target >= 0 && target < (i64)p.classes;
    const i32 counts = known && target != p.ignore_index;
    if (!known && target != p.ignore_index && member == 0)
      report_target(found, p.op, target, (i64)p.classes, (i64)row);
    const C logarithm = counts ? LOAD_LSE(log_sum_exp, p.lse_offset + (i64)row * p.lse_stride) : LIT(0.0);

    // The logarithm was rounded to its dtype, which scales all e^(x - logarithm) alike: their sum tells by
    // how much.
    C sum = LIT(0.0);
#if HELD
    C held[HELD];
    UNROLL
    for (i32 k = 0; k < HELD; ++k) {
      const index c = member + (index)k * ROW_THREADS;
      held[k] = c < classes ? F(exp)(LOAD_X(logits, at + (i64)c * p.logits_column) - logarithm) : LIT(0.0);
      sum += held[k];
    }
#else
    for (index c = member; c < classes; c += ROW_THREADS)
      sum += F(exp)(LOAD_X(logits, at + (i64)c * p.logits_column) - logarithm);
#endif
    sum = row_sum(shared, id, sum);
    const C gradient = counts ? LOAD_LOSS(d_losses, p.losses_offset + (i64)row * p.losses_stride) : LIT(0.0);
    const C on_target = counts ? gradient * (LIT(1.0) - p.smoothing) * WEIGHT_OF(target) : LIT(0.0);
#if SMOOTHING
    const C smoothing = gradient * (p.smoothing / (C)p.classes);
#if WEIGHTED
    C weights = LIT(0.0);
    for (index c = member; c < classes; c += ROW_THREADS) weights += WEIGHT_OF(c);
    weights = row_sum(shared, id, weights);
#else
    const C weights = (C)p.classes;
#endif
    const C scale = (on_target + smoothing * weights) / sum;
#else
    const C scale = on_target / sum;
#endif
#if HELD
    UNROLL
    for (i32 k = 0; k < HELD; ++k) {
      const index c = member + (index)k * ROW_THREADS;
      if (c < classes)
        STORE_DX(d_logits, to + (i64)c * p.d_logits_column, counts ? GRADIENT_OF(c, held[k]) : LIT(0.0));
    }
#else
    for (index c = member; c < classes; c += ROW_THREADS) {
      const C e = F(exp)(LOAD_X(logits, at + (i64)c * p.logits_column) - logarithm);
      STORE_DX(d_logits, to + (i64)c * p.d_logits_column, counts ? GRADIENT_OF(c, e) : LIT(0.0));
    }
#endif
  }
}
#endif
