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

// For operands that are dense [outer, n, inner], in files whose parameters have the counts `rows` (outer
// times inner), `n`, `inner`, and `chunks` of `chunk` elements that a row is cut into. A group's jobs begin
// at `job_of_group`. Whether there is one for the team, its row, and its elements [first, end), of which
// element r lies at AT(r).
#define FIND_ROW()                                                                    \
  const index job = job_of_group + (index)ROW_OF(id);                                 \
  const i32 is_job = job < p.rows * p.chunks;                                         \
  const index row = job % p.rows;                                                     \
  const index chunk = is_job ? job / p.rows : 0;                                      \
  const index left = p.n - chunk * p.chunk;                                           \
  const index first = chunk * p.chunk + (index)MEMBER_OF(id);                         \
  const index end = is_job ? chunk * p.chunk + (left < p.chunk ? left : p.chunk) : 0; \
  const i64 start = (i64)(row / p.inner) * p.n * p.inner + row % p.inner;
#define AT(r) (start + (i64)(r)*p.inner)

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
FN void add_exponential(PRIVATE C* most, PRIVATE C* sum, C x) {
  const C e = F(exp)(x > *most ? *most - x : x - *most);
  *sum = x > *most ? *sum * e + LIT(1.0) : *sum + e;
  *most = x > *most ? x : *most;
}
FN void join_exponentials(LOCAL C* shared, u32 id, PRIVATE C* most, PRIVATE C* sum) {
  const C largest = row_max(shared, id, *most);
  *sum = row_sum(shared, id, *sum * F(exp)(*most - largest));
  *most = largest;
}
#endif
