// Cross entropy of rows of logits and its gradient, in the kernel dialect. Text that the build embeds. X is
// the logits' dtype, DX that of their gradient, LOSS that of the losses or their gradient, LSE that of the
// logarithms of the sums of exponentials. WEIGHTED: there are class weights, of dtype W. SMOOTHING: the
// labels are smoothed. HELD: elements of a row that a thread keeps, 0 for rows that are too long for that.
// ADJACENT: those of a row of logits and of their gradients lie side by side.
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

#if ADJACENT
#define COLUMN(stride, c) ((i64)(c))
#else
#define COLUMN(stride, c) ((i64)(c)*p.stride)
#endif
#define LOAD_LOGIT(c) LOAD_X(logits, at + COLUMN(logits_column, c))

#if FORWARD
KERNEL(forward, 256)
(BUF(const MEMORY_X, logits, 0), BUF(const i64, targets, 1), BUF(const MEMORY_W, weight, 2),
 BUF(MEMORY_LOSS, losses, 3), BUF(MEMORY_LSE, log_sum_exp, 4), BUF(u32, found, 5),
 PARAMS(Parameters, p, 6) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.rows) {
    const index member = (index)MEMBER_OF(id);
    const index row = job_of_group + (index)ROW_OF(id);
    const index classes = row < p.rows ? p.classes : 0;
    const i64 at = p.logits_offset + (i64)row * p.logits_row;
    C most = LOWEST_C;
    C sum = LIT(0.0);
    FOR_SEVERAL(c, member, classes) {
      C several[SEVERAL];
      READ_ELEMENTS(SEVERAL, several, c, classes, LOAD_LOGIT, -INFINITY_C)
      add_exponentials(&most, &sum, several);
    }
    join_exponentials(shared, id, &most, &sum);
    const C log_sum = F(log)(sum);
#if SMOOTHING
    C distances = LIT(0.0);
    C weights = LIT(0.0);
    for (index c = member; c < classes; c += ROW_THREADS) {
      const C w = WEIGHT_OF(c);
      distances += w * (LOAD_LOGIT(c) - most);
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
          const C x = LOAD_LOGIT(target);
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

#define WRITE_GRADIENT(c, e) \
  STORE_DX(d_logits, to + COLUMN(d_logits_column, c), counts ? GRADIENT_OF(c, e) : LIT(0.0))
#define WRITE_HELD(c, k) WRITE_GRADIENT(c, held[k])
#define WRITE_SEVERAL(c, k) WRITE_GRADIENT(c, F(exp)(several[k] - logarithm))

KERNEL(backward, 256)
(BUF(const MEMORY_X, logits, 0), BUF(const i64, targets, 1), BUF(const MEMORY_W, weight, 2),
 BUF(const MEMORY_LOSS, d_losses, 3), BUF(const MEMORY_LSE, log_sum_exp, 4), BUF(u32, found, 5),
 BUF(MEMORY_DX, d_logits, 6), PARAMS(Parameters, p, 7) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.rows) {
    const index member = (index)MEMBER_OF(id);
    const index row = job_of_group + (index)ROW_OF(id);
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
    READ_ELEMENTS(HELD, held, member, classes, LOAD_LOGIT, -INFINITY_C)
    UNROLL
    for (i32 k = 0; k < HELD; ++k) {
      held[k] = F(exp)(held[k] - logarithm);
      sum += held[k];
    }
#else
    for (index c = member; c < classes; c += ROW_THREADS) sum += F(exp)(LOAD_LOGIT(c) - logarithm);
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
    WRITE_ELEMENTS(HELD, member, classes, WRITE_HELD)
#else
    FOR_SEVERAL(c, member, classes) {
      C several[SEVERAL];
      READ_ELEMENTS(SEVERAL, several, c, classes, LOAD_LOGIT, LIT(0.0))
      WRITE_ELEMENTS(SEVERAL, c, classes, WRITE_SEVERAL)
    }
#endif
  }
}
#endif
