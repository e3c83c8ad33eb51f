// Pooling and its gradient, in the kernel dialect; stands behind index_split.h. Text that the build embeds.
// The large tensor has the cells, the small one a number for each window; three spatial dims, of which
// leading ones may have size 1. A thread makes one number of the small tensor, or one cell of the gradient
// (BACKWARD), for which it goes over the windows that contain it.
//
// IS_MAX, ADAPTIVE; HAS_POSITIONS: the winners' numbers are wanted; CHANNELS_INNERMOST: channels are
// neighbours in memory; DIVISOR: what averages are divided by; INTEGER_BITS: of signed integers, 0 for
// others. Unless ADAPTIVE, of each dim d: WINDOW_SIZE_d, WINDOW_STEP_d, PADDING_d and CELL_STEP_d. They are
// constants since a gradient divides by them for each cell, and a network has few.
#define CELLS_INSIDE 0
#define CELLS_PADDED 1
#define GIVEN 2

typedef struct {
  index count, divisor;  // numbers to make
  index offset[3];       // of large, small, positions; as all strides
  index image_step[3], channel_step[3];
  index large_step[3], small_step[3], position_step[3];
  index job_size[4], job_multiplier[4], job_shift[4];  // spatial dims, channels
  index large_size[3], small_size[3];
} Parameters;

// Declares image, channel and at0 to at2 of a number.
#define SPLIT_CHANNEL SPLIT(image, channel, job, 3)
#define SPLIT_PLACE SPLIT(image, at2, job, 2) SPLIT(image, at1, job, 1) SPLIT(image, at0, job, 0)
#if CHANNELS_INNERMOST
#define SPLIT_ALL SPLIT_CHANNEL SPLIT_PLACE
#else
#define SPLIT_ALL SPLIT_PLACE SPLIT_CHANNEL
#endif
#define SPLIT_JOB(number) \
  index channel;          \
  index at0;              \
  index at1;              \
  index at2;              \
  index image = number;   \
  SPLIT_ALL
#define FIRST_OF(tensor) (p.offset[tensor] + image * p.image_step[tensor] + channel * p.channel_step[tensor])

// Of window i of a dim: where it begins, how many cells it has, those below an end, and the steps of them.
#if ADAPTIVE
#define CELL_STEP_0 1
#define CELL_STEP_1 1
#define CELL_STEP_2 1
#define WINDOW_FIRST(i, d) ((i)*p.large_size[d] / p.small_size[d])
#define WINDOW_CELLS(i, d) \
  ((((i) + 1) * p.large_size[d] + p.small_size[d] - 1) / p.small_size[d] - WINDOW_FIRST(i, d))
#define CELLS_COUNTED(i, d) WINDOW_CELLS(i, d)
#else
#define WINDOW_FIRST(i, d) ((i)*WINDOW_STEP_##d - PADDING_##d)
#define WINDOW_CELLS(i, d) WINDOW_SIZE_##d
FN index cells_below(index distance, index step, index size) {
  const index cells = distance <= 0 ? 0 : (distance + step - 1) / step;
  return cells < size ? cells : size;
}
#define CELLS_BELOW(end, i, d) cells_below((end)-WINDOW_FIRST(i, d), CELL_STEP_##d, WINDOW_SIZE_##d)
#if DIVISOR == CELLS_PADDED
#define CELLS_COUNTED(i, d) CELLS_BELOW(p.large_size[d] + PADDING_##d, i, d)
#else
#define CELLS_COUNTED(i, d) (CELLS_BELOW(p.large_size[d], i, d) - CELLS_BELOW(0, i, d))
#endif
#endif
// One over what a window's sum is divided by; of a window of padding alone 0.
#if DIVISOR == GIVEN
#define CELLS_OF(i0, i1, i2) p.divisor
#else
#define CELLS_OF(i0, i1, i2) (CELLS_COUNTED(i0, 0) * CELLS_COUNTED(i1, 1) * CELLS_COUNTED(i2, 2))
#endif
#define SCALE_OF(cells) ((cells) == 0 ? LIT(0.0) : LIT(1.0) / (C)(cells))

#if !BACKWARD
#ifdef LIT
#define LOWEST (-INFINITY_C)
#elif INTEGER_BITS
#define LOWEST ((C)((i64)((u64)1 << 63) >> (64 - INTEGER_BITS)))
#else
#define LOWEST ((C)0)
#endif

KERNEL(pooling_forward, 256)
(BUF(const MEMORY_T, large, 0), BUF(MEMORY_T, small, 1), BUF(MEMORY_POSITION, positions, 2),
 PARAMS(Parameters, p, 3) KERNEL_IDS) {
  const index step = (index)NUM_GROUPS(0) * 256;
  for (index number = (index)GROUP_ID(0) * 256 + (index)LOCAL_ID; number < p.count; number += step) {
    SPLIT_JOB(number)
    const index large_first = FIRST_OF(0);
    const index first0 = WINDOW_FIRST(at0, 0);
    const index first1 = WINDOW_FIRST(at1, 1);
    const index first2 = WINDOW_FIRST(at2, 2);
    const index cells0 = WINDOW_CELLS(at0, 0);
    const index cells1 = WINDOW_CELLS(at1, 1);
    const index cells2 = WINDOW_CELLS(at2, 2);
#if IS_MAX
    C result = LOWEST;
    index winner = 0;
    i32 has_cells = 0;
#else
    C result = LIT(0.0);
#endif
    for (index k0 = 0; k0 < cells0; ++k0) {
      const index x0 = first0 + k0 * CELL_STEP_0;
      if (x0 < 0 || x0 >= p.large_size[0]) continue;
      for (index k1 = 0; k1 < cells1; ++k1) {
        const index x1 = first1 + k1 * CELL_STEP_1;
        if (x1 < 0 || x1 >= p.large_size[1]) continue;
        for (index k2 = 0; k2 < cells2; ++k2) {
          const index x2 = first2 + k2 * CELL_STEP_2;
          if (x2 < 0 || x2 >= p.large_size[2]) continue;
          const C value =
              LOAD_T(large, large_first + x0 * p.large_step[0] + x1 * p.large_step[1] + x2 * p.large_step[2]);
#if IS_MAX
          if (has_cells == 0 || value > result || value != value) {  // the last NaN wins
            result = value;
            winner = (k0 * cells1 + k1) * cells2 + k2;
            has_cells = 1;
          }
#else
          result += value;
#endif
        }
      }
    }
#if !IS_MAX
    const index divisor = CELLS_OF(at0, at1, at2);
    result *= SCALE_OF(divisor);
#endif
    STORE_T(small, FIRST_OF(1) + at0 * p.small_step[0] + at1 * p.small_step[1] + at2 * p.small_step[2],
            result);
#if IS_MAX && HAS_POSITIONS
    positions[FIRST_OF(2) + at0 * p.position_step[0] + at1 * p.position_step[1] + at2 * p.position_step[2]] =
        (MEMORY_POSITION)winner;
#endif
  }
}

#else
// The first and the last window that a cell x of a dim may be in.
#if ADAPTIVE
#define FIRST_WINDOW(x, d) ((x)*p.small_size[d] / p.large_size[d])
#define LAST_WINDOW(x, d) ((((x) + 1) * p.small_size[d] + p.large_size[d] - 1) / p.large_size[d] - 1)
#else
FN index first_window(index distance, index step) { return distance <= 0 ? 0 : (distance + step - 1) / step; }
FN index last_window(index distance, index step, index windows) {
  const index last = distance / step;
  return last < windows ? last : windows - 1;
}
#define FIRST_WINDOW(x, d) \
  first_window((x) + PADDING_##d - (WINDOW_SIZE_##d - 1) * CELL_STEP_##d, WINDOW_STEP_##d)
#define LAST_WINDOW(x, d) last_window((x) + PADDING_##d, WINDOW_STEP_##d, p.small_size[d])
#endif

KERNEL(pooling_backward, 256)
(BUF(MEMORY_T, large, 0), BUF(const MEMORY_T, small, 1), BUF(const MEMORY_POSITION, positions, 2),
 PARAMS(Parameters, p, 3) KERNEL_IDS) {
  const index step = (index)NUM_GROUPS(0) * 256;
  for (index number = (index)GROUP_ID(0) * 256 + (index)LOCAL_ID; number < p.count; number += step) {
    SPLIT_JOB(number)
    const index small_first = FIRST_OF(1);
#if IS_MAX
    const index positions_first = FIRST_OF(2);
#endif
    const index last0 = LAST_WINDOW(at0, 0);
    const index last1 = LAST_WINDOW(at1, 1);
    const index last2 = LAST_WINDOW(at2, 2);
    C sum = LIT(0.0);
    for (index i0 = FIRST_WINDOW(at0, 0); i0 <= last0; ++i0) {
      const index distance0 = at0 - WINDOW_FIRST(i0, 0);
      const index k0 = distance0 / CELL_STEP_0;
      if (k0 * CELL_STEP_0 != distance0) continue;
      for (index i1 = FIRST_WINDOW(at1, 1); i1 <= last1; ++i1) {
        const index distance1 = at1 - WINDOW_FIRST(i1, 1);
        const index k1 = distance1 / CELL_STEP_1;
        if (k1 * CELL_STEP_1 != distance1) continue;
        for (index i2 = FIRST_WINDOW(at2, 2); i2 <= last2; ++i2) {
          const index distance2 = at2 - WINDOW_FIRST(i2, 2);
          const index k2 = distance2 / CELL_STEP_2;
          if (k2 * CELL_STEP_2 != distance2) continue;
          const index place =
              small_first + i0 * p.small_step[0] + i1 * p.small_step[1] + i2 * p.small_step[2];
#if IS_MAX
          const index own = (k0 * WINDOW_CELLS(i1, 1) + k1) * WINDOW_CELLS(i2, 2) + k2;
          const index winner = (index)positions[positions_first + i0 * p.position_step[0] +
                                                i1 * p.position_step[1] + i2 * p.position_step[2]];
          if (winner == own) sum += LOAD_T(small, place);
#else
          const index divisor = CELLS_OF(i0, i1, i2);
          sum += LOAD_T(small, place) * SCALE_OF(divisor);
#endif
        }
      }
    }
    STORE_T(large, FIRST_OF(0) + at0 * p.large_step[0] + at1 * p.large_step[1] + at2 * p.large_step[2], sum);
  }
}
#endif
