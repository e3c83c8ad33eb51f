// Sums and products of a compute type C, for texts of products in the kernel dialect. Text that the build
// embeds. Of integers they wrap.
#if IS_COMPLEX
#define ADD(x, y) F(add)(x, y)
#define MULTIPLY_ADD(x, y, sum) F(multiply_add)(x, y, sum)
#define CHOOSE(condition, yes, no) F(select)(condition, yes, no)
#elif defined(LIT)
#define ADD(x, y) ((x) + (y))
#define MULTIPLY_ADD(x, y, sum) F(fma)(x, y, sum)
#else
#define ADD(x, y) ((C)((u64)(x) + (u64)(y)))
#define MULTIPLY_ADD(x, y, sum) ((C)((u64)(x) * (u64)(y) + (u64)(sum)))
#endif
#ifndef CHOOSE
#define CHOOSE(condition, yes, no) ((condition) ? (yes) : (no))
#endif
// Where a part of a result is kept.
#define PART_PLACE(part, batch, row, column) \
  ((((part)*p.batches + (batch)) * p.rows + (row)) * p.columns + (column))
