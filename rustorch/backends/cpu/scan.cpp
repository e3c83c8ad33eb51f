#include <complex>
#include <cstring>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/reduce_kernels.h"
#include "rustorch/backends/cpu/run_io.h"
#include "rustorch/backends/cpu/scan_kernels.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/memory/buffer.h"

namespace rustorch {
namespace {

using Nest = LoopNest<3>;
using cpu::ScanLoops;

constexpr std::int64_t grain = 8192;   // elements that are worth a thread
constexpr std::int64_t chunk = 65536;  // of a long row, that one thread scans
constexpr std::int64_t tile_elements = 1024;
constexpr std::int64_t columns_at_once = 1024;

const char* name_of(ScanOp op) {
  switch (op) {
    case ScanOp::sum:
      return "cumsum";
    case ScanOp::prod:
      return "cumprod";
    case ScanOp::max:
      return "cummax";
    case ScanOp::min:
      return "cummin";
    case ScanOp::log_sum_exp:
      return "logcumsumexp";
  }
  return "";
}

/// The type that elements are scanned in.
DType run_dtype(ScanOp op, DType dtype) {
  const DType computed = compute_dtype(dtype);
  const bool adds = op == ScanOp::sum || op == ScanOp::prod;
  return adds && computed == DType::int32 ? DType::int64 : computed;
}

/// One thread's part: scans rows, tile by tile.
class Scanner {
 public:
  Scanner(const Scan& work, const Nest& nest, const ScanLoops& loops, DType run)
      : nest_(nest),
        loops_(loops),
        input_(work.input, run),
        out_(work.out, run),
        run_bytes_(static_cast<std::int64_t>(item_size(run))),
        n_(dim_size(work.input, work.dim)),
        stride_(dim_stride(work.input, work.dim)),
        out_stride_(dim_stride(work.out, work.dim)),
        wants_indices_(work.indices.data != nullptr) {
    if (!wants_indices_) return;
    indices_ = cpu::RunWriter(work.indices, DType::int64);
    index_stride_ = dim_stride(work.indices, work.dim);
  }

  /// Elements [begin, end) of one row, on from a state.
  void scan_row(const Nest::Offsets& at, std::int64_t begin, std::int64_t end, void* state,
                std::int64_t* where) {
    for (std::int64_t i = begin; i < end; i += tile_elements) {
      const std::int64_t count = std::min(tile_elements, end - i);
      input_.read(at[0] + i * stride_, stride_, count, tile_.data());
      loops_.row(tile_.data(), static_cast<std::size_t>(count), i, state, where,
                 wants_indices_ ? places_.data() : nullptr);
      out_.write(tile_.data(), at[1] + i * out_stride_, out_stride_, count);
      if (wants_indices_) indices_.write(places_.data(), at[2] + i * index_stride_, index_stride_, count);
    }
  }

  /// rows_at_once rows along the nest's innermost dim, side by side.
  void scan_rows(const Nest::Offsets& at) {
    constexpr auto rows = static_cast<std::int64_t>(ScanLoops::rows_at_once);
    constexpr std::int64_t pitch = tile_elements / rows;
    loops_.start(states_.data(), where_.data(), ScanLoops::rows_at_once);
    if (input_.is_direct(stride_) && out_.is_direct(out_stride_)) {
      return loops_.rows(
          {input_.address(at[0]), nest_.inner_stride(0), out_.address(at[1]), nest_.inner_stride(1)},
          static_cast<std::size_t>(n_), states_.data());
    }
    for (std::int64_t i = 0; i < n_; i += pitch) {
      const std::int64_t count = std::min(pitch, n_ - i);
      for (std::int64_t r = 0; r < rows; ++r) {
        input_.read(at[0] + r * nest_.inner_stride(0) + i * stride_, stride_, count,
                    tile_.data() + r * pitch * run_bytes_);
      }
      loops_.rows({tile_.data(), pitch, tile_.data(), pitch}, static_cast<std::size_t>(count),
                  states_.data());
      for (std::int64_t r = 0; r < rows; ++r) {
        out_.write(tile_.data() + r * pitch * run_bytes_, at[1] + r * nest_.inner_stride(1) + i * out_stride_,
                   out_stride_, count);
      }
    }
  }

  /// `width` ≤ columns_at_once rows side by side.
  void scan_columns(const Nest::Offsets& at, std::int64_t width) {
    loops_.start(states_.data(), where_.data(), static_cast<std::size_t>(width));
    const std::int64_t at_once = tile_elements / width;
    for (std::int64_t i = 0; i < n_; i += at_once) {
      const std::int64_t count = std::min(at_once, n_ - i);
      for (std::int64_t r = 0; r < count; ++r) {
        input_.read(at[0] + (i + r) * stride_, nest_.inner_stride(0), width,
                    tile_.data() + r * width * run_bytes_);
      }
      loops_.columns(tile_.data(), static_cast<std::size_t>(count), static_cast<std::size_t>(width), i,
                     states_.data(), where_.data(), wants_indices_ ? places_.data() : nullptr);
      for (std::int64_t r = 0; r < count; ++r) {
        out_.write(tile_.data() + r * width * run_bytes_, at[1] + (i + r) * out_stride_,
                   nest_.inner_stride(1), width);
        if (wants_indices_) {
          indices_.write(places_.data() + r * width, at[2] + (i + r) * index_stride_, nest_.inner_stride(2),
                         width);
        }
      }
    }
  }

  /// All of the rows [begin, end).
  void run(std::int64_t begin, std::int64_t end, bool side_by_side) {
    constexpr auto at_once = static_cast<std::int64_t>(ScanLoops::rows_at_once);
    const bool several = !side_by_side && loops_.rows != nullptr && !wants_indices_;
    nest_.for_each_run(begin, end, [&](const Nest::Offsets& at, std::int64_t length) {
      std::int64_t limit = 1;
      for (std::int64_t start = 0; start < length; start += limit) {
        limit = side_by_side ? columns_at_once : several && length - start >= at_once ? at_once : 1;
        Nest::Offsets here = at;
        for (std::size_t k = 0; k < here.size(); ++k) here[k] += start * nest_.inner_stride(k);
        if (side_by_side) {
          scan_columns(here, std::min(limit, length - start));
        } else if (limit > 1) {
          scan_rows(here);
        } else {
          loops_.start(states_.data(), where_.data(), 1);
          scan_row(here, 0, n_, states_.data(), where_.data());
        }
      }
    });
  }

  /// Folds elements [begin, end) of one row into the state of a reduction.
  void fold(const Nest::Offsets& at, std::int64_t begin, std::int64_t end, const cpu::ReduceLoops& loops,
            void* state) {
    if (input_.is_direct(stride_)) {
      return loops.rows(input_.address(at[0] + begin), 1, 0, static_cast<std::size_t>(end - begin), state);
    }
    for (std::int64_t i = begin; i < end; i += tile_elements) {
      const std::int64_t count = std::min(tile_elements, end - i);
      input_.read(at[0] + i * stride_, stride_, count, tile_.data());
      loops.rows(tile_.data(), 1, 0, static_cast<std::size_t>(count), state);
    }
  }

 private:
  const Nest& nest_;
  const ScanLoops& loops_;
  cpu::RunReader input_;
  cpu::RunWriter out_, indices_;
  std::int64_t run_bytes_, n_, stride_, out_stride_, index_stride_ = 0;
  bool wants_indices_;
  alignas(64) std::array<std::byte, static_cast<std::size_t>(tile_elements) * 16> tile_;  // uninitialized
  alignas(64)
      std::array<std::byte, static_cast<std::size_t>(columns_at_once) * ScanLoops::max_state_bytes> states_;
  std::array<std::int64_t, static_cast<std::size_t>(columns_at_once)> where_;
  std::array<std::int64_t, static_cast<std::size_t>(tile_elements)> places_;
};

/// Cumulative sums of few long rows, by chunks: first the chunks' sums at the speed of a reduction, then,
/// from what is before each, their scans. The chunks are the same for every number of threads, and so are the
/// sums.
void scan_long_rows(const Scan& work, const Nest& nest, const ScanLoops& loops, DType run) {
  const std::int64_t n = dim_size(work.input, work.dim);
  const std::int64_t rows = nest.count();
  const std::int64_t chunks = (n + chunk - 1) / chunk;
  const cpu::ReduceKernels kernels = cpu::reduce_kernels(ReduceOp::sum, run);
  const auto state_bytes = static_cast<std::int64_t>(kernels.state_bytes);
  const Buffer sums(cpu_allocator(), static_cast<std::size_t>(rows * chunks * state_bytes));
  const Buffer starts(cpu_allocator(), static_cast<std::size_t>(rows * chunks) * ScanLoops::max_state_bytes);
  auto* const sum = static_cast<std::byte*>(sums.data());
  auto* const start = static_cast<std::byte*>(starts.data());
  cpu::parallel_for(0, rows * chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    Scanner scanner(work, nest, loops, run);
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t c = task % chunks;
      std::memcpy(sum + task * state_bytes, kernels.identity, kernels.state_bytes);
      scanner.fold(nest.at(task / chunks), c * chunk, std::min(n, (c + 1) * chunk), kernels.loops,
                   sum + task * state_bytes);
    }
  });
  const auto state_of = [&](const std::byte* from, std::byte* to) {
    if (is_integral(run)) {
      std::memcpy(to, from, sizeof(std::int64_t));
    } else if (is_complex(run)) {
      const auto* const state = reinterpret_cast<const cpu::ComplexSumState*>(from);
      const std::complex<double> value(state->real.value(), state->imaginary.value());
      std::memcpy(to, &value, sizeof(value));
    } else {
      const double value = reinterpret_cast<const cpu::SumState*>(from)->value();
      std::memcpy(to, &value, sizeof(value));
    }
  };
  for (std::int64_t r = 0; r < rows; ++r) {
    alignas(16) std::byte before[cpu::ReduceKernels::max_state_bytes];
    std::memcpy(before, kernels.identity, sizeof(before));
    for (std::int64_t task = r * chunks; task < (r + 1) * chunks; ++task) {
      state_of(before, start + task * static_cast<std::int64_t>(ScanLoops::max_state_bytes));
      kernels.merge(before, sum + task * state_bytes, 1);
    }
  }
  cpu::parallel_for(0, rows * chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    Scanner scanner(work, nest, loops, run);
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t c = task % chunks;
      std::int64_t where = -1;
      scanner.scan_row(nest.at(task / chunks), c * chunk, std::min(n, (c + 1) * chunk),
                       start + task * static_cast<std::int64_t>(ScanLoops::max_state_bytes), &where);
    }
  });
}

}  // namespace

void CpuBackend::scan(const Scan& work) {
  const DType run = run_dtype(work.op, work.input.dtype);
  const ScanLoops loops = cpu::scan_loops(work.op, run);
  RUSTORCH_CHECK(loops.row != nullptr, dtype_mismatch, "op {} does not take {}", name_of(work.op),
                 work.input.dtype);
  const Nest nest = dims_except<3>(work.dim, {&work.input, &work.out, &work.indices});
  const std::int64_t n = dim_size(work.input, work.dim);
  const std::int64_t rows = nest.count();
  if (rows == 0 || n == 0) return;
  if (work.op == ScanOp::sum && rows < 64 && n >= 2 * chunk) return scan_long_rows(work, nest, loops, run);
  const bool side_by_side = rows > 1 && n > 1 && dim_stride(work.input, work.dim) > nest.inner_stride(0);
  cpu::parallel_for(0, rows, std::max<std::int64_t>(1, grain / n), [&](std::int64_t begin, std::int64_t end) {
    Scanner scanner(work, nest, loops, run);
    scanner.run(begin, end, side_by_side);
  });
}

}  // namespace rustorch
