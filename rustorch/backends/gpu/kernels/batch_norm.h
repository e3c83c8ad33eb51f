// Batch norm by channels, in the kernel dialect. Text that the build embeds. STAGE says which kernel the file
// is: the moments of a channel's rows by chunks; from them the coefficients of the result; the sums that the
// gradients need, by chunks; from them the coefficients of the gradient. A channel's "row" here is one of its
// elements: a pixel of an image.
#define MOMENTS 0
#define FORWARD 1
#define SUMS 2
#define BACKWARD 3

// Joins the moments of `n` more elements.
FN void join_moments(PRIVATE C* count, PRIVATE C* mean, PRIVATE C* squares, C n, C other_mean,
                     C other_squares) {
  if (n > LIT(0.0)) {
    const C total = *count + n;
    const C distance = other_mean - *mean;
    *mean += distance * (n / total);
    *squares += other_squares + distance * distance * (*count * n / total);
    *count = total;
  }
}

// Joins a channel's moments over its team, in one order; the first member has the result.
#define JOIN_MOMENTS_OF_TEAM()                                                                               \
  shared_count[id] = count;                                                                                  \
  shared_mean[id] = mean;                                                                                    \
  shared_squares[id] = squares;                                                                              \
  for (u32 part = ROW_THREADS / 2; part > 0u; part /= 2u) {                                                  \
    BARRIER();                                                                                               \
    if (MEMBER_OF(id) < part) {                                                                              \
      const u32 other = id + part * MEMBER_STEP;                                                             \
      join_moments(&count, &mean, &squares, shared_count[other], shared_mean[other], shared_squares[other]); \
      shared_count[id] = count;                                                                              \
      shared_mean[id] = mean;                                                                                \
      shared_squares[id] = squares;                                                                          \
    }                                                                                                        \
  }                                                                                                          \
  BARRIER();

#if STAGE == MOMENTS || STAGE == SUMS
typedef struct {
  i64 input_offset, gradient_offset;
  Place mean;
  index channels, rows, pixels, chunk, chunks, blocks, image_step, pixel_step;
  index input_channel, input_image, input_pixel;
  index gradient_channel, gradient_image, gradient_pixel;
} Parameters;

// The team's channel, chunk and elements: [row, end), of which the first is `pixel` of `image`.
#define FIND_CHUNK()                                                                                \
  const index channel = job % p.blocks * ROWS_OF_GROUP + (index)ROW_OF(id);                         \
  const index chunk = job / p.blocks;                                                               \
  const index left = p.rows - chunk * p.chunk;                                                      \
  const index end = channel < p.channels ? chunk * p.chunk + (left < p.chunk ? left : p.chunk) : 0; \
  index row = chunk * p.chunk + (index)MEMBER_OF(id);                                               \
  index image = row / p.pixels;                                                                     \
  index pixel = row % p.pixels;
#define NEXT_ROW()         \
  row += ROW_THREADS;      \
  image += p.image_step;   \
  pixel += p.pixel_step;   \
  if (pixel >= p.pixels) { \
    pixel -= p.pixels;     \
    ++image;               \
  }
#define INPUT() LOAD_X(input, input_at + (i64)(image * p.input_image + pixel * p.input_pixel))
#define OUTPUT_GRADIENT() \
  LOAD_DY(gradient, gradient_at + (i64)(image * p.gradient_image + pixel * p.gradient_pixel))
#endif

#if STAGE == MOMENTS
#define TAKE_DISTANCE()                       \
  {                                           \
    const C distance = INPUT() - center;      \
    distances += distance;                    \
    distances_squared += distance * distance; \
  }
KERNEL(moments, 256)(BUF(const MEMORY_X, input, 0), BUF(C, states, 1), PARAMS(Parameters, p, 2) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared_count, 256);
  LOCAL_ARRAY(C, shared_mean, 256);
  LOCAL_ARRAY(C, shared_squares, 256);
  const u32 id = LOCAL_ID;
  for (index job = (index)GROUP_ID(0); job < p.blocks * p.chunks; job += (index)NUM_GROUPS(0)) {
    FIND_CHUNK()
    const i64 input_at = p.input_offset + (i64)channel * p.input_channel;
    C count = LIT(0.0);
    C mean = LIT(0.0);
    C squares = LIT(0.0);
    while (row < end) {
      // Few elements at a time by their distances from the mean so far: no digits are lost, and only
      // joining the moments divides.
      const C center = count > LIT(0.0) ? mean : INPUT();
      C n = LIT(0.0);
      C distances = LIT(0.0);
      C distances_squared = LIT(0.0);
      // Where all of them are there, the compiler can load many before it waits.
      if (end - row > 31 * ROW_THREADS) {
        for (i32 k = 0; k < 32; ++k) {
          TAKE_DISTANCE()
          NEXT_ROW()
        }
        n = LIT(32.0);
      } else {
        while (row < end) {
          TAKE_DISTANCE()
          NEXT_ROW()
          n += LIT(1.0);
        }
      }
      const C shift = distances / n;
      const C around_mean = distances_squared - distances * shift;
      join_moments(&count, &mean, &squares, n, center + shift,
                   around_mean < LIT(0.0) ? LIT(0.0) : around_mean);
    }
    JOIN_MOMENTS_OF_TEAM()
    if (MEMBER_OF(id) == 0u && channel < p.channels) {
      const i64 to = 3 * ((i64)chunk * p.channels + channel);
      states[to] = count;
      states[to + 1] = mean;
      states[to + 2] = squares;
    }
  }
}

#elif STAGE == FORWARD
typedef struct {
  i64 rows;
  Place weight, bias, running_mean, running_variance, scale, shift, saved_mean, saved_inverse_std;
  C momentum, epsilon;
  index channels, chunks;
} Parameters;

KERNEL(forward, 256)
(BUF(const C, states, 0), BUF(const MEMORY_WEIGHT, weight, 1), BUF(const MEMORY_BIAS, bias, 2),
 BUF(MEMORY_RUNNING_MEAN, running_mean, 3), BUF(MEMORY_RUNNING_VARIANCE, running_variance, 4),
 BUF(MEMORY_SCALE, scale, 5), BUF(MEMORY_SHIFT, shift, 6), BUF(MEMORY_SAVED_MEAN, saved_mean, 7),
 BUF(MEMORY_SAVED_STD, saved_inverse_std, 8), PARAMS(Parameters, p, 9) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared_count, 256);
  LOCAL_ARRAY(C, shared_mean, 256);
  LOCAL_ARRAY(C, shared_squares, 256);
  FOR_JOBS_OF_GROUP(p.channels) {
    const index channel = job_of_group + (index)ROW_OF(id);
    const index chunks = channel < p.channels ? p.chunks : 0;
    C count = LIT(0.0);
    C mean = LIT(0.0);
    C squares = LIT(0.0);
    for (index chunk = (index)MEMBER_OF(id); chunk < chunks; chunk += ROW_THREADS) {
      const i64 at = 3 * ((i64)chunk * p.channels + channel);
      join_moments(&count, &mean, &squares, states[at], states[at + 1], states[at + 2]);
    }
    JOIN_MOMENTS_OF_TEAM()
    if (MEMBER_OF(id) == 0u && channel < p.channels) {
#if TRAINING
      const C variance = squares / (p.rows > 1 ? (C)p.rows : LIT(1.0));
      if (p.rows > 0) {
#if HAS_RUNNING_MEAN
        const C old_mean = LOAD_RUNNING_MEAN(running_mean, ELEMENT_OF(running_mean, channel));
        STORE_RUNNING_MEAN(running_mean, ELEMENT_OF(running_mean, channel),
                           old_mean + p.momentum * (mean - old_mean));
#endif
#if HAS_RUNNING_VARIANCE
        const C old_variance = LOAD_RUNNING_VARIANCE(running_variance, ELEMENT_OF(running_variance, channel));
        const C unbiased = squares / (p.rows > 2 ? (C)(p.rows - 1) : LIT(1.0));
        STORE_RUNNING_VARIANCE(running_variance, ELEMENT_OF(running_variance, channel),
                               old_variance + p.momentum * (unbiased - old_variance));
#endif
      }
#else
      mean = LOAD_RUNNING_MEAN(running_mean, ELEMENT_OF(running_mean, channel));
      const C variance = LOAD_RUNNING_VARIANCE(running_variance, ELEMENT_OF(running_variance, channel));
#endif
      const C inverse_std = LIT(1.0) / F(sqrt)(variance + p.epsilon);
#if HAS_SAVED_MEAN
      STORE_SAVED_MEAN(saved_mean, ELEMENT_OF(saved_mean, channel), mean);
#endif
#if HAS_SAVED_STD
      STORE_SAVED_STD(saved_inverse_std, ELEMENT_OF(saved_inverse_std, channel), inverse_std);
#endif
      C factor = inverse_std;
      C start = LIT(0.0);
#if HAS_WEIGHT
      factor *= LOAD_WEIGHT(weight, ELEMENT_OF(weight, channel));
#endif
#if HAS_BIAS
      start = LOAD_BIAS(bias, ELEMENT_OF(bias, channel));
#endif
      STORE_SCALE(scale, ELEMENT_OF(scale, channel), factor);
      STORE_SHIFT(shift, ELEMENT_OF(shift, channel), start - mean * factor);
    }
  }
}

#elif STAGE == SUMS
KERNEL(sums, 256)
(BUF(const MEMORY_X, input, 0), BUF(const MEMORY_DY, gradient, 1), BUF(const MEMORY_MEAN, mean, 2),
 BUF(C, states, 3), PARAMS(Parameters, p, 4) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  const u32 id = LOCAL_ID;
  for (index job = (index)GROUP_ID(0); job < p.blocks * p.chunks; job += (index)NUM_GROUPS(0)) {
    FIND_CHUNK()
    const i64 input_at = p.input_offset + (i64)channel * p.input_channel;
    const i64 gradient_at = p.gradient_offset + (i64)channel * p.gradient_channel;
    const C center = channel < p.channels ? LOAD_MEAN(mean, ELEMENT_OF(mean, channel)) : LIT(0.0);
    C sum = LIT(0.0);
    C product = LIT(0.0);
    while (row < end) {
      const C dy = OUTPUT_GRADIENT();
      sum += dy;
      product += dy * (INPUT() - center);
      NEXT_ROW()
    }
    sum = row_sum(shared, id, sum);
    product = row_sum(shared, id, product);
    if (MEMBER_OF(id) == 0u && channel < p.channels) {
      const i64 to = 2 * ((i64)chunk * p.channels + channel);
      states[to] = sum;
      states[to + 1] = product;
    }
  }
}

#else
typedef struct {
  i64 rows;
  Place weight, mean, inverse_std, by_output_gradient, by_input, shift, d_weight, d_bias;
  index channels, chunks;
} Parameters;

KERNEL(backward, 256)
(BUF(const C, states, 0), BUF(const MEMORY_WEIGHT, weight, 1), BUF(const MEMORY_MEAN, mean, 2),
 BUF(const MEMORY_INVERSE_STD, inverse_std, 3), BUF(MEMORY_BY_DY, by_output_gradient, 4),
 BUF(MEMORY_BY_X, by_input, 5), BUF(MEMORY_SHIFT, shift, 6), BUF(MEMORY_D_WEIGHT, d_weight, 7),
 BUF(MEMORY_D_BIAS, d_bias, 8), PARAMS(Parameters, p, 9) KERNEL_IDS) {
  LOCAL_ARRAY(C, shared, 256);
  FOR_JOBS_OF_GROUP(p.channels) {
    const index channel = job_of_group + (index)ROW_OF(id);
    const index chunks = channel < p.channels ? p.chunks : 0;
    C sum = LIT(0.0);
    C product = LIT(0.0);
    for (index chunk = (index)MEMBER_OF(id); chunk < chunks; chunk += ROW_THREADS) {
      const i64 at = 2 * ((i64)chunk * p.channels + channel);
      sum += states[at];
      product += states[at + 1];
    }
    sum = row_sum(shared, id, sum);
    product = row_sum(shared, id, product);
    if (MEMBER_OF(id) == 0u && channel < p.channels) {
      const C inverse = LOAD_INVERSE_STD(inverse_std, ELEMENT_OF(inverse_std, channel));
      C factor = inverse;
#if HAS_WEIGHT
      factor *= LOAD_WEIGHT(weight, ELEMENT_OF(weight, channel));
#endif
      STORE_BY_DY(by_output_gradient, ELEMENT_OF(by_output_gradient, channel), factor);
#if TRAINING
      // What the usual formula comes down to per channel.
      const C share = LIT(1.0) / (p.rows > 1 ? (C)p.rows : LIT(1.0));
      const C slope = -factor * inverse * inverse * product * share;
      STORE_BY_X(by_input, ELEMENT_OF(by_input, channel), slope);
      STORE_SHIFT(shift, ELEMENT_OF(shift, channel),
                  -factor * sum * share - slope * LOAD_MEAN(mean, ELEMENT_OF(mean, channel)));
#endif
#if HAS_D_WEIGHT
      STORE_D_WEIGHT(d_weight, ELEMENT_OF(d_weight, channel), product * inverse);
#endif
#if HAS_D_BIAS
      STORE_D_BIAS(d_bias, ELEMENT_OF(d_bias, channel), sum);
#endif
    }
  }
}
#endif
