#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/dense_rows.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// As kernels/arg_reduce.h declares it.
template <class Index>
struct Parameters {
  std::int64_t x_offset, values_offset, indices_offset;
  Index rows, n, inner, chunk, chunks;
};

}  // namespace

void GpuBackend::arg_reduce(const ArgReduction& work) {
  const char* const op = work.op == ArgReduceOp::max ? "argmax" : "argmin";
  RUSTORCH_CHECK(!is_complex(work.input.dtype), dtype_mismatch, "op {} does not take {}", op,
                 work.input.dtype);
  const DenseRows rows(work.input, work.dim);
  if (rows.rows == 0) return;
  RUSTORCH_CHECK(rows.n > 0, invalid_argument, "op {} needs at least one element along dim {}", op, work.dim);
  const DType compute = compute_dtype(work.input.dtype);
  const RowTeams teams = row_teams(rows.rows, rows.n, rows.inner == 1, rows.inner);
  const RowChunks chunks(rows, teams, 16, 1024);
  const bool wide = needs_wide_index(rows.rows * std::max(rows.n, chunks.chunks));
  const DenseInput x(*this, work.input);
  DenseOutput values(*this, work.values), indices(*this, work.indices);
  if (!values.is_wanted() && !indices.is_wanted()) return;
  void* const untouched = values.is_wanted() ? values.buffer() : indices.buffer();
  Buffer states, places;
  if (chunks.chunks > 1) {
    const auto count = static_cast<std::size_t>(rows.rows * chunks.chunks);
    states = Buffer(allocator_, count * item_size(compute));
    places = Buffer(allocator_, count * sizeof(std::int64_t));
  }
  // One pass over rows: over the input, or joining its chunks.
  const auto queue = [&](const RowTeams& by, std::int64_t n, std::int64_t inner, const RowChunks& cut,
                         bool joins) {
    KernelSource source("arg_reduce.h", compute);
    source.storage("X", work.input.dtype)
        .storage("VALUE", values.is_wanted() ? values.dtype() : work.input.dtype)
        .define("LARGEST", work.op == ArgReduceOp::max ? 1 : 0)
        .define("STATES", cut.chunks > 1 ? 1 : 0)
        .define("JOINS", joins ? 1 : 0)
        .define("WITH_VALUES", values.is_wanted() ? 1 : 0)
        .define("WITH_INDICES", indices.is_wanted() ? 1 : 0)
        .define("ADJACENT", inner == 1 ? 1 : 0)
        .row_teams(by)
        .wide_index(wide);
    const auto launch_with = [&]<class Index>(Index) {
      const auto as_index = [](std::int64_t value) { return static_cast<Index>(value); };
      launch(source, "arg_reduce", by.launch(rows.rows * cut.chunks),
             {x.buffer(), chunks.chunks > 1 ? states.data() : untouched,
              chunks.chunks > 1 ? places.data() : untouched, values.is_wanted() ? values.buffer() : untouched,
              indices.is_wanted() ? indices.buffer() : untouched},
             Parameters<Index>{x.offset(), values.offset(), indices.offset(), as_index(rows.rows),
                               as_index(n), as_index(inner), as_index(cut.chunk), as_index(cut.chunks)});
    };
    wide ? launch_with(std::int64_t{}) : launch_with(std::int32_t{});
  };
  queue(teams, rows.n, rows.inner, chunks, false);
  if (chunks.chunks > 1) {
    // State `chunk` of a row lies at chunk * rows + row.
    const std::int64_t n = chunks.chunks;
    const RowTeams joining = row_teams(rows.rows, n, false, rows.rows);
    RowChunks whole = chunks;
    whole.chunk = n, whole.chunks = 1;
    queue(joining, n, rows.rows, whole, true);
  }
  values.finish();
  indices.finish();
}

}  // namespace rustorch::gpu
