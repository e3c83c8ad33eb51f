#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/dense_rows.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// As kernels/scan.h declares it.
template <class Index>
struct Parameters {
  std::int64_t x_offset, out_offset, indices_offset;
  Index rows, n, inner, chunk, chunks;
};

/// The type that elements are scanned in.
DType scanned_in(const Scan& work) {
  const DType compute = compute_dtype(work.input.dtype);
  RUSTORCH_CHECK(work.op != ScanOp::log_sum_exp || is_floating_point(compute), dtype_mismatch,
                 "op logcumsumexp does not take {}", work.input.dtype);
  RUSTORCH_CHECK((work.op != ScanOp::max && work.op != ScanOp::min) || !is_complex(compute), dtype_mismatch,
                 "op {} does not take {}", work.op == ScanOp::max ? "cummax" : "cummin", work.input.dtype);
  const bool adds = work.op == ScanOp::sum || work.op == ScanOp::prod;
  return adds && compute == DType::int32 ? DType::int64 : compute;
}

}  // namespace

void GpuBackend::scan(const Scan& work) {
  const DType compute = scanned_in(work);
  if (work.input.layout->element_count() == 0) return;
  const DenseRows rows(work.input, work.dim);
  const bool extreme = work.op == ScanOp::max || work.op == ScanOp::min;
  const std::int64_t per_thread = extreme || item_size(compute) > 8 ? 4 : 8;  // of local memory
  // A team for each row of adjacent elements; rows that lie side by side are a thread's.
  RowTeams teams;
  if (rows.inner == 1)
    teams.threads = std::min<std::int64_t>(group_threads, power_of_two_from(rows.n / per_thread));
  const RowChunks chunks(rows, teams, teams.threads > 1 ? 32 : 64, teams.threads > 1 ? 1024 : 64);
  const bool chunked = chunks.chunks > 1;
  const bool wide = needs_wide_index(rows.rows * rows.n);
  const DenseInput x(*this, work.input);
  DenseOutput out(*this, work.out), indices(*this, work.indices);
  Buffer totals, places;
  if (chunked) {
    const auto count = static_cast<std::size_t>(rows.rows * chunks.chunks);
    totals = Buffer(allocator_, count * item_size(compute));
    if (extreme) places = Buffer(allocator_, count * sizeof(std::int64_t));
  }
  const auto queue = [&](bool makes_totals) {
    KernelSource source("scan.h", compute);
    source.storage("X", work.input.dtype)
        .storage("OUT", work.out.dtype)
        .define("OP", static_cast<std::int64_t>(work.op))
        .define("INTEGERS", is_integral(compute) ? 1 : 0)
        .define("PER_THREAD", per_thread)
        .define("TOTALS", makes_totals ? 1 : 0)
        .define("CHUNKED", chunked ? 1 : 0)
        .define("WITH_INDICES", indices.is_wanted() ? 1 : 0)
        .row_teams(teams)
        .wide_index(wide);
    const auto launch_with = [&]<class Index>(Index) {
      const auto as_index = [](std::int64_t value) { return static_cast<Index>(value); };
      launch(
          source, "scan", teams.launch(rows.rows * chunks.chunks),
          {x.buffer(), chunked ? totals.data() : out.buffer(),
           chunked && extreme ? places.data() : out.buffer(), out.buffer(),
           indices.is_wanted() ? indices.buffer() : out.buffer()},
          Parameters<Index>{x.offset(), out.offset(), indices.offset(), as_index(rows.rows), as_index(rows.n),
                            as_index(rows.inner), as_index(chunks.chunk), as_index(chunks.chunks)});
    };
    wide ? launch_with(std::int64_t{}) : launch_with(std::int32_t{});
  };
  if (chunked) queue(true);
  queue(false);
  out.finish();
  indices.finish();
}

}  // namespace rustorch::gpu
