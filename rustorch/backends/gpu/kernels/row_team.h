// Rows of elements that several threads of a group share, in the kernel dialect. Text that the build embeds;
// KernelSource::row_teams puts it in front of a file. ROW_THREADS threads, a power of two, make the team of a
// row; a group has the teams of ROWS_OF_GROUP rows. Neighbouring threads are of one team, so that they take
// neighbouring elements of a row, or, SIDE_BY_SIDE, of different ones, so that they take elements of
// neighbouring rows. All threads of a group call the functions that join a row.
#define ROWS_OF_GROUP (256 / ROW_THREADS)
#if SIDE_BY_SIDE
#define ROW_OF(id) ((id) % ROWS_OF_GROUP)
#define MEMBER_OF(id) ((id) / ROWS_OF_GROUP)
#define MEMBER_STEP ROWS_OF_GROUP
#else
#define ROW_OF(id) ((id) / ROW_THREADS)
#define MEMBER_OF(id) ((id) % ROW_THREADS)
#define MEMBER_STEP 1
#endif

// Where the elements of a vector of one for each row or column lie.
typedef struct {
  i64 offset, stride;
} Place;
#define ELEMENT_OF(vector, i) (p.vector.offset + (i64)(i)*p.vector.stride)

// Opens a kernel's loop over `jobs`, of which the teams of a group have one each: those from `job_of_group`
// on.
#define FOR_JOBS_OF_GROUP(jobs)                            \
  const u32 id = LOCAL_ID;                                 \
  const index step = (index)NUM_GROUPS(0) * ROWS_OF_GROUP; \
  for (index job_of_group = (index)GROUP_ID(0) * ROWS_OF_GROUP; job_of_group < (jobs); job_of_group += step)

// For operands that are dense [outer, n, inner], in files whose parameters have the counts `rows` (outer
// times inner), `n`, `inner` (1 if ADJACENT), and `chunks` of `chunk` elements that a row is cut into.
// Whether there is a job for the team, its row, and its elements [first, end), of which element r lies at
// AT(r).
#if ADJACENT
#define START_OF(row) ((i64)(row)*p.n)
#define AT(r) (start + (i64)(r))
#else
#define START_OF(row) ((i64)((row) / p.inner) * p.n * p.inner + (row) % p.inner)
#define AT(r) (start + (i64)(r)*p.inner)
#endif
#define FIND_ROW()                                                                    \
  const index job = job_of_group + (index)ROW_OF(id);                                 \
  const i32 is_job = job < p.rows * p.chunks;                                         \
  const index row = job % p.rows;                                                     \
  const index chunk = is_job ? job / p.rows : 0;                                      \
  const index left = p.n - chunk * p.chunk;                                           \
  const index first = chunk * p.chunk + (index)MEMBER_OF(id);                         \
  const index end = is_job ? chunk * p.chunk + (left < p.chunk ? left : p.chunk) : 0; \
  const i64 start = START_OF(row);

// A thread's elements of a row: `count` of them from `r` on, those below `end`. Read into an array before any
// is used, so that the reads are under way together, which they are not across a write: all of them at once
// where HELD of a row are kept, else SEVERAL at a time.
#define SEVERAL 8
#define FOR_SEVERAL(r, first, end) for (index r = first; r < end; r += SEVERAL * ROW_THREADS)
#define READ_ELEMENTS(count, into, r, end, load, absent) \
  UNROLL                                                 \
  for (i32 k = 0; k < count; ++k) {                      \
    const index element = (r) + (index)k * ROW_THREADS;  \
    into[k] = element < (end) ? load(element) : absent;  \
  }
// write(element, k), for each.
#define WRITE_ELEMENTS(count, r, end, write)            \
  UNROLL                                                \
  for (i32 k = 0; k < count; ++k) {                     \
    const index element = (r) + (index)k * ROW_THREADS; \
    if (element < (end)) write(element, k);             \
  }

#ifdef INFINITY_C
FN C sum_of_two(C a, C b) { return a + b; }
FN C larger_of_two(C a, C b) { return a > b ? a : b; }

// What a row's members have, joined in one order, for each of them; `shared` is of 256 elements.
#if ROW_THREADS == 1
#define JOIN_ROW(joined, shared, id, value)
#elif HAS_SUBGROUP && !SIDE_BY_SIDE && ROW_THREADS <= 32
#define JOIN_ROW(joined, shared, id, value)                    \
  for (u32 other = ROW_THREADS / 2; other > 0u; other /= 2u) { \
    value = joined(value, SUBGROUP_SHUFFLE_XOR(value, other)); \
  }
#elif HAS_SUBGROUP && !SIDE_BY_SIDE
#define JOIN_ROW(joined, shared, id, value)                                      \
  for (u32 other = 16u; other > 0u; other /= 2u) {                               \
    value = joined(value, SUBGROUP_SHUFFLE_XOR(value, other));                   \
  }                                                                              \
  if (id % 32u == 0u) shared[id / 32u] = value;                                  \
  BARRIER();                                                                     \
  value = shared[id / ROW_THREADS * (ROW_THREADS / 32)];                         \
  for (u32 part = 1u; part < ROW_THREADS / 32; ++part) {                         \
    value = joined(value, shared[id / ROW_THREADS * (ROW_THREADS / 32) + part]); \
  }                                                                              \
  BARRIER();
#else
#define JOIN_ROW(joined, shared, id, value)                   \
  shared[id] = value;                                         \
  for (u32 part = ROW_THREADS / 2; part > 0u; part /= 2u) {   \
    BARRIER();                                                \
    if (MEMBER_OF(id) < part) {                               \
      value = joined(value, shared[id + part * MEMBER_STEP]); \
      shared[id] = value;                                     \
    }                                                         \
  }                                                           \
  BARRIER();                                                  \
  value = shared[id - MEMBER_OF(id) * MEMBER_STEP];           \
  BARRIER();
#endif
FN C row_sum(LOCAL C* shared, u32 id, C value) {
  JOIN_ROW(sum_of_two, shared, id, value)
  return value;
}
// Passes over NaN.
FN C row_max(LOCAL C* shared, u32 id, C value) {
  JOIN_ROW(larger_of_two, shared, id, value)
  return value;
}

// Sums of exponentials are kept as `sum` times e^most, from LOWEST_C and 0 on. Infinite and NaN elements show
// in the sum after the joining.
FN void add_exponentials(PRIVATE C* most, PRIVATE C* sum, PRIVATE const C* several) {
  C largest = *most;
  UNROLL
  for (i32 k = 0; k < SEVERAL; ++k) largest = larger_of_two(several[k], largest);
  C scaled = *sum * F(exp)(*most - largest);
  UNROLL
  for (i32 k = 0; k < SEVERAL; ++k) scaled += F(exp)(several[k] - largest);
  *most = largest;
  *sum = scaled;
}
FN void join_exponentials(LOCAL C* shared, u32 id, PRIVATE C* most, PRIVATE C* sum) {
  const C largest = row_max(shared, id, *most);
  *sum = row_sum(shared, id, *sum * F(exp)(*most - largest));
  *most = largest;
}
#endif
