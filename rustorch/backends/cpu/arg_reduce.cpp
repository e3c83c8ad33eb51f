#include "rustorch/backends/cpu/arg_reduce_kernels.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/run_io.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/memory/buffer.h"

namespace rustorch {
namespace {

using Nest = LoopNest<3>;

constexpr std::int64_t grain = 16384;  // elements that are worth a thread
constexpr std::int64_t chunk = 65536;  // of a long row, that one thread looks through
constexpr std::int64_t columns_at_once = 256;
constexpr std::int64_t tile_elements = 1024;

/// One thread's part: finds the extremes of rows, and writes them.
class ArgReducer {
 public:
  ArgReducer(const ArgReduction& work, const Nest& nest, DType run)
      : work_(work),
        nest_(nest),
        loops_(cpu::arg_reduce_loops(work.op, run)),
        input_(work.input, run),
        run_bytes_(static_cast<std::int64_t>(item_size(run))),
        n_(dim_size(work.input, work.dim)),
        stride_(dim_stride(work.input, work.dim)) {
    if (work.values.data != nullptr) values_ = cpu::RunWriter(work.values, run);
    if (work.indices.data != nullptr) indices_ = cpu::RunWriter(work.indices, DType::int64);
  }

  const cpu::ArgReduceLoops& loops() const noexcept { return loops_; }

  /// Elements [begin, end) of the row at an offset in the input.
  void find_in_row(std::int64_t offset, std::int64_t begin, std::int64_t end, void* best,
                   std::int64_t* index) {
    if (input_.is_direct(stride_)) {
      return loops_.row(input_.address(offset + begin), static_cast<std::size_t>(end - begin), begin, best,
                        index);
    }
    for (std::int64_t i = begin; i < end; i += tile_elements) {
      const std::int64_t count = std::min(tile_elements, end - i);
      input_.read(offset + i * stride_, stride_, count, tile_.data());
      loops_.row(tile_.data(), static_cast<std::size_t>(count), i, best, index);
    }
  }

  /// `width` ≤ columns_at_once rows side by side, the first at an offset in the input.
  void find_in_columns(std::int64_t offset, std::int64_t width, void* best, std::int64_t* index) {
    const std::int64_t step = nest_.inner_stride(0);
    if (input_.is_direct(step)) {
      return loops_.columns(input_.address(offset), static_cast<std::size_t>(n_), stride_,
                            static_cast<std::size_t>(width), 0, best, index);
    }
    const std::int64_t at_once = tile_elements / width;
    for (std::int64_t i = 0; i < n_; i += at_once) {
      const std::int64_t count = std::min(at_once, n_ - i);
      for (std::int64_t r = 0; r < count; ++r) {
        input_.read(offset + (i + r) * stride_, step, width, tile_.data() + r * width * run_bytes_);
      }
      loops_.columns(tile_.data(), static_cast<std::size_t>(count), width, static_cast<std::size_t>(width), i,
                     best, index);
    }
  }

  /// The extremes of `count` results, the first at `at`.
  void write(const Nest::Offsets& at, std::int64_t start, std::int64_t count, const void* best,
             const std::int64_t* index) {
    if (work_.values.data != nullptr) {
      const std::int64_t step = nest_.inner_stride(1);
      values_.write(best, at[1] + start * step, step, count);
    }
    if (work_.indices.data != nullptr) {
      const std::int64_t step = nest_.inner_stride(2);
      indices_.write(index, at[2] + start * step, step, count);
    }
  }

  /// The results [begin, end).
  void run(std::int64_t begin, std::int64_t end, bool side_by_side) {
    const std::int64_t limit = side_by_side ? columns_at_once : tile_elements;
    nest_.for_each_run(begin, end, [&](const Nest::Offsets& at, std::int64_t length) {
      for (std::int64_t start = 0; start < length; start += limit) {
        const std::int64_t count = std::min(limit, length - start);
        std::fill_n(index_.begin(), count, -1);
        const std::int64_t step = nest_.inner_stride(0);
        if (side_by_side) {
          find_in_columns(at[0] + start * step, count, best_.data(), index_.data());
        } else {
          for (std::int64_t i = 0; i < count; ++i) {
            find_in_row(at[0] + (start + i) * step, 0, n_, best_.data() + i * run_bytes_, index_.data() + i);
          }
        }
        write(at, start, count, best_.data(), index_.data());
      }
    });
  }

 private:
  const ArgReduction& work_;
  const Nest& nest_;
  cpu::ArgReduceLoops loops_;
  cpu::RunReader input_;
  cpu::RunWriter values_, indices_;
  std::int64_t run_bytes_, n_, stride_;
  using Elements = std::array<std::byte, static_cast<std::size_t>(tile_elements) * 8>;
  alignas(64) Elements tile_, best_;  // uninitialized
  std::array<std::int64_t, static_cast<std::size_t>(tile_elements)> index_;
};

}  // namespace

void CpuBackend::arg_reduce(const ArgReduction& work) {
  RUSTORCH_CHECK(!is_complex(work.input.dtype), dtype_mismatch, "op {} does not take {}",
                 work.op == ArgReduceOp::max ? "argmax" : "argmin", work.input.dtype);
  const DType run = compute_dtype(work.input.dtype);
  const Nest nest = dims_except<3>(work.dim, {&work.input, &work.values, &work.indices});
  const std::int64_t n = dim_size(work.input, work.dim);
  const std::int64_t rows = nest.count();
  if (rows == 0) return;
  RUSTORCH_CHECK(n > 0, invalid_argument, "op {} needs at least one element along dim {}",
                 work.op == ArgReduceOp::max ? "argmax" : "argmin", work.dim);
  const std::int64_t stride = dim_stride(work.input, work.dim);

  if (rows < 64 && n >= 2 * chunk) {  // few long rows: by chunks, whose extremes are merged in order
    const std::int64_t chunks = (n + chunk - 1) / chunk;
    struct Found {
      alignas(8) std::byte best[8];
      std::int64_t index = -1;
    };
    const Buffer buffer(cpu_allocator(), static_cast<std::size_t>(rows * chunks) * sizeof(Found));
    auto* const found = static_cast<Found*>(buffer.data());
    cpu::parallel_for(0, rows * chunks, 1, [&](std::int64_t begin, std::int64_t end) {
      ArgReducer reducer(work, nest, run);
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t c = task % chunks;
        Found* const mine = new (found + task) Found;
        reducer.find_in_row(nest.at(task / chunks)[0], c * chunk, std::min(n, (c + 1) * chunk), mine->best,
                            &mine->index);
      }
    });
    ArgReducer reducer(work, nest, run);
    for (std::int64_t r = 0; r < rows; ++r) {
      Found& first = found[r * chunks];
      for (std::int64_t c = 1; c < chunks; ++c) {
        const Found& next = found[r * chunks + c];
        reducer.loops().merge(first.best, &first.index, next.best, next.index);
      }
      reducer.write(nest.at(r), 0, 1, first.best, &first.index);
    }
    return;
  }
  const bool side_by_side = rows > 1 && n > 1 && stride > nest.inner_stride(0);
  cpu::parallel_for(0, rows, std::max<std::int64_t>(1, grain / n), [&](std::int64_t begin, std::int64_t end) {
    ArgReducer reducer(work, nest, run);
    reducer.run(begin, end, side_by_side);
  });
}

}  // namespace rustorch
