#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/dense_rows.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// STAGE of kernels/softmax.h.
enum class Stage : std::uint8_t { whole, states, apply };

/// As kernels/softmax.h declares it.
template <class Index>
struct Parameters {
  std::int64_t x_offset, dy_offset, out_offset;
  Index rows, n, inner, chunk, chunks;
};

/// A softmax (x is the input) or its gradient (x is the result).
struct Work {
  View x, d_output, out;
  std::size_t dim;
  bool logarithm;
};

void run(GpuBackend& backend, const Work& work) {
  RUSTORCH_CHECK(is_floating_point(work.x.dtype), dtype_mismatch, "op softmax does not take {}",
                 work.x.dtype);
  if (work.out.layout->element_count() == 0) return;
  const bool forward = work.d_output.data == nullptr;
  const DType compute = compute_dtype(work.x.dtype);
  const DenseRows rows(work.x, work.dim);
  const RowTeams teams = row_teams(rows.rows, rows.n, rows.inner == 1, rows.inner);
  const RowChunks chunks(rows, teams, 16, 256);
  const bool wide = needs_wide_index(rows.rows * std::max(rows.n, chunks.chunks));
  const DenseInput x(backend, work.x), d_output(backend, work.d_output);
  DenseOutput out(backend, work.out);
  Buffer states;
  if (chunks.chunks > 1) {
    const std::int64_t values = rows.rows * chunks.chunks * (forward ? 2 : 1);
    states = Buffer(backend.allocator(), static_cast<std::size_t>(values) * item_size(compute));
  }
  const DeviceFacts& facts = backend.executor().facts();
  const auto queue = [&](Stage stage) {
    KernelSource source("softmax.h", compute);
    source.storage("X", work.x.dtype)
        .storage("OUT", work.out.dtype)
        .define("FORWARD", forward ? 1 : 0)
        .define("LOGARITHM", work.logarithm ? 1 : 0)
        .define("STAGE", static_cast<std::int64_t>(stage))
        .define("HELD",
                stage == Stage::whole ? held_elements(rows.n, teams, forward ? 1 : 2, compute, facts) : 0)
        .define("ADJACENT", rows.inner == 1 ? 1 : 0)
        .row_teams(teams)
        .wide_index(wide);
    if (!forward) source.storage("DY", work.d_output.dtype);
    void* const state_buffer = states.data() != nullptr ? states.data() : out.buffer();
    const LaunchShape shape = teams.launch(rows.rows * chunks.chunks);
    with_parameter_types(compute, wide, [&](auto /*real*/, auto index) {
      using Index = decltype(index);
      const Parameters<Index> parameters{x.offset(),
                                         forward ? 0 : d_output.offset(),
                                         out.offset(),
                                         static_cast<Index>(rows.rows),
                                         static_cast<Index>(rows.n),
                                         static_cast<Index>(rows.inner),
                                         static_cast<Index>(chunks.chunk),
                                         static_cast<Index>(chunks.chunks)};
      if (forward) {
        backend.launch(source, "forward", shape, {x.buffer(), state_buffer, out.buffer()}, parameters);
      } else {
        backend.launch(source, "backward", shape, {x.buffer(), d_output.buffer(), state_buffer, out.buffer()},
                       parameters);
      }
    });
  };
  if (chunks.chunks == 1) {
    queue(Stage::whole);
  } else {
    queue(Stage::states);
    queue(Stage::apply);
  }
  out.finish();
}

}  // namespace

void GpuBackend::softmax_forward(const SoftmaxForward& work) {
  run(*this, {work.input, {}, work.output, work.dim, work.logarithm});
}

void GpuBackend::softmax_backward(const SoftmaxBackward& work) {
  run(*this, {work.output, work.d_output, work.d_input, work.dim, work.logarithm});
}

}  // namespace rustorch::gpu
