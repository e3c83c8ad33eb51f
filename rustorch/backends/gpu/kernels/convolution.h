// Where the operands of a convolution are, in the kernel dialect, for the texts that matmul.h lists; stands
// behind index_split.h. Text that the build embeds. Three tensors meet in a convolution of a group of
// channels:
//   gathered[position, tap]: an image's cell under a window's tap; 0 in the padding
//   weight[filter, tap]
//   pixels[position, filter]
// A position is an image and a place of the window, a tap a channel and a cell of the window. Pixels are sums
// over the taps, and the weight's gradient (OF_WEIGHT) over the positions.
//
// SPATIAL_RANK is 1 to 3, dims being counted from the last one (2) down; TAP_RANK is that, or 0 where a
// window has one cell. CHANNELS_INNERMOST says that neighbouring taps are channels rather than cells,
// POSITION_ROWS that the positions are the product's rows, HAS_PADDING that taps may lie outside.
typedef struct {
  index rows, columns, depth, part_depth, parts, row_tiles, column_tiles, batches;
  index offset[4], group_stride[4];  // of gathered, pixels, weight, bias
  index position_size[3], position_multiplier[3], position_shift[3];
  index tap_size[4], tap_multiplier[4], tap_shift[4];  // the last one: channels
  index window_first[3], window_step[3], tap_step[3], extent[3];
  index gathered_image, gathered_channel, gathered_step[3];
  index pixel_image, pixel_filter, pixel_step[3];
  index weight_filter, weight_channel, weight_step[3];
  index bias_filter, unused;
} Parameters;

// What is known of a position or a tap in `gathered`: the sums of both are the element.
typedef struct {
  index offset, at0, at1, at2;
} Place;

#ifdef WIDE_INDEX
#define IS_INSIDE(x, i) ((u64)(x) < (u64)p.extent[i])
#else
#define IS_INSIDE(x, i) ((u32)(x) < (u32)p.extent[i])
#endif
#define SPLIT_POSITION_2(rest, at) SPLIT(rest, at, position, 2)
#if SPATIAL_RANK >= 2
#define SPLIT_POSITION_1(rest, at) SPLIT(rest, at, position, 1)
#else
#define SPLIT_POSITION_1(rest, at) at = 0;
#endif
#if SPATIAL_RANK >= 3
#define SPLIT_POSITION_0(rest, at) SPLIT(rest, at, position, 0)
#else
#define SPLIT_POSITION_0(rest, at) at = 0;
#endif
#if TAP_RANK >= 1
#define SPLIT_TAP_2(rest, at) SPLIT(rest, at, tap, 2)
#else
#define SPLIT_TAP_2(rest, at) at = 0;
#endif
#if TAP_RANK >= 2
#define SPLIT_TAP_1(rest, at) SPLIT(rest, at, tap, 1)
#else
#define SPLIT_TAP_1(rest, at) at = 0;
#endif
#if TAP_RANK >= 3
#define SPLIT_TAP_0(rest, at) SPLIT(rest, at, tap, 0)
#else
#define SPLIT_TAP_0(rest, at) at = 0;
#endif

// Declares image, at0, at1 and at2 of a position.
#define SPLIT_POSITION(position) \
  index at0;                     \
  index at1;                     \
  index at2;                     \
  index image = position;        \
  SPLIT_POSITION_2(image, at2)   \
  SPLIT_POSITION_1(image, at1)   \
  SPLIT_POSITION_0(image, at0)
// Declares channel, at0, at1 and at2 of a tap.
#if CHANNELS_INNERMOST && TAP_RANK > 0
#define SPLIT_TAP(number)               \
  index at0;                            \
  index at1;                            \
  index at2;                            \
  index channel;                        \
  {                                     \
    index rest_of_tap = number;         \
    SPLIT(rest_of_tap, channel, tap, 3) \
    SPLIT_TAP_2(rest_of_tap, at2)       \
    SPLIT_TAP_1(rest_of_tap, at1)       \
    SPLIT_TAP_0(rest_of_tap, at0)       \
  }
#else
#define SPLIT_TAP(number)   \
  index at0;                \
  index at1;                \
  index at2;                \
  index channel = number;   \
  SPLIT_TAP_2(channel, at2) \
  SPLIT_TAP_1(channel, at1) \
  SPLIT_TAP_0(channel, at0)
#endif

#define BEGIN_BATCH(group)                                              \
  const index gathered_first = p.offset[0] + (group)*p.group_stride[0]; \
  const index pixels_first = p.offset[1] + (group)*p.group_stride[1];   \
  const index weight_first = p.offset[2] + (group)*p.group_stride[2];   \
  const index bias_first = p.offset[3] + (group)*p.group_stride[3];

#define SET_POSITION(place, position)                                                           \
  {                                                                                             \
    SPLIT_POSITION(position)                                                                    \
    place.at0 = at0 * p.window_step[0] + p.window_first[0];                                     \
    place.at1 = at1 * p.window_step[1] + p.window_first[1];                                     \
    place.at2 = at2 * p.window_step[2] + p.window_first[2];                                     \
    place.offset = gathered_first + image * p.gathered_image + place.at0 * p.gathered_step[0] + \
                   place.at1 * p.gathered_step[1] + place.at2 * p.gathered_step[2];             \
  }
#define SET_TAP(place, tap)                                                         \
  {                                                                                 \
    SPLIT_TAP(tap)                                                                  \
    place.at0 = at0 * p.tap_step[0];                                                \
    place.at1 = at1 * p.tap_step[1];                                                \
    place.at2 = at2 * p.tap_step[2];                                                \
    place.offset = channel * p.gathered_channel + place.at0 * p.gathered_step[0] +  \
                   place.at1 * p.gathered_step[1] + place.at2 * p.gathered_step[2]; \
  }
#define SET_PIXEL(state, position)                                                                         \
  {                                                                                                        \
    SPLIT_POSITION(position)                                                                               \
    state = image * p.pixel_image + at0 * p.pixel_step[0] + at1 * p.pixel_step[1] + at2 * p.pixel_step[2]; \
  }
#define SET_WEIGHT(state, tap)                                                             \
  {                                                                                        \
    SPLIT_TAP(tap)                                                                         \
    state = channel * p.weight_channel + at0 * p.weight_step[0] + at1 * p.weight_step[1] + \
            at2 * p.weight_step[2];                                                        \
  }
#define SET_PIXEL_FILTER(state, filter) state = pixels_first + (filter)*p.pixel_filter;
#define SET_WEIGHT_FILTER(state, filter) state = weight_first + (filter)*p.weight_filter;

#if !HAS_PADDING
#define LIES_INSIDE(position, tap) 1
#elif SPATIAL_RANK == 1
#define LIES_INSIDE(position, tap) IS_INSIDE(position.at2 + tap.at2, 2)
#elif SPATIAL_RANK == 2
#define LIES_INSIDE(position, tap) \
  (IS_INSIDE(position.at2 + tap.at2, 2) && IS_INSIDE(position.at1 + tap.at1, 1))
#else
#define LIES_INSIDE(position, tap)                                                 \
  (IS_INSIDE(position.at2 + tap.at2, 2) && IS_INSIDE(position.at1 + tap.at1, 1) && \
   IS_INSIDE(position.at0 + tap.at0, 0))
#endif
// Elements outside are not read: the first one is.
#define LOAD_GATHERED(buffer, value, exists, position, tap)                              \
  {                                                                                      \
    exists = LIES_INSIDE(position, tap) ? 1 : 0;                                         \
    value = LOAD_T(buffer, exists != 0 ? position.offset + tap.offset : gathered_first); \
  }
#define LOAD_SUM(buffer, value, exists, x, y) \
  {                                           \
    value = LOAD_T(buffer, (x) + (y));        \
    exists = 1;                               \
  }

#if OF_WEIGHT  // rows: filters, columns: taps
#define A_ROW index
#define A_DEPTH index
#define SET_A_ROW(state, row) SET_PIXEL_FILTER(state, row)
#define SET_A_DEPTH(state, k) SET_PIXEL(state, k)
#define LOAD_A(value, exists, row, depth) LOAD_SUM(a, value, exists, row, depth)
#define B_COLUMN Place
#define B_DEPTH Place
#define SET_B_COLUMN(state, column) SET_TAP(state, column)
#define SET_B_DEPTH(state, k) SET_POSITION(state, k)
#define LOAD_B(value, exists, column, depth) LOAD_GATHERED(b, value, exists, depth, column)
#define SET_OUT_ROW(place, row) SET_WEIGHT_FILTER(place, row)
#define SET_OUT_COLUMN(place, column) SET_WEIGHT(place, column)
#elif POSITION_ROWS  // columns: filters
#define A_ROW Place
#define A_DEPTH Place
#define SET_A_ROW(state, row) SET_POSITION(state, row)
#define SET_A_DEPTH(state, k) SET_TAP(state, k)
#define LOAD_A(value, exists, row, depth) LOAD_GATHERED(a, value, exists, row, depth)
#define B_COLUMN index
#define B_DEPTH index
#define SET_B_COLUMN(state, column) SET_WEIGHT_FILTER(state, column)
#define SET_B_DEPTH(state, k) SET_WEIGHT(state, k)
#define LOAD_B(value, exists, column, depth) LOAD_SUM(b, value, exists, column, depth)
#define SET_OUT_ROW(place, row) SET_PIXEL(place, row)
#define SET_OUT_COLUMN(place, column) SET_PIXEL_FILTER(place, column)
#define RESULT_FILTER(row, column) column
#else  // rows: filters, columns: positions
#define A_ROW index
#define A_DEPTH index
#define SET_A_ROW(state, row) SET_WEIGHT_FILTER(state, row)
#define SET_A_DEPTH(state, k) SET_WEIGHT(state, k)
#define LOAD_A(value, exists, row, depth) LOAD_SUM(a, value, exists, row, depth)
#define B_COLUMN Place
#define B_DEPTH Place
#define SET_B_COLUMN(state, column) SET_POSITION(state, column)
#define SET_B_DEPTH(state, k) SET_TAP(state, k)
#define LOAD_B(value, exists, column, depth) LOAD_GATHERED(b, value, exists, column, depth)
#define SET_OUT_ROW(place, row) SET_PIXEL_FILTER(place, row)
#define SET_OUT_COLUMN(place, column) SET_PIXEL(place, column)
#define RESULT_FILTER(row, column) row
#endif

#if HAS_BIAS
#define STORE_RESULT(place, row, column, value) \
  STORE_T(out, place, ADD(value, LOAD_T(bias, bias_first + RESULT_FILTER(row, column) * p.bias_filter)));
#else
#define STORE_RESULT(place, row, column, value) STORE_T(out, place, value);
#endif
