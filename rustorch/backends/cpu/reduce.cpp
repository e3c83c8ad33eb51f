#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/reduce_kernels.h"
#include "rustorch/backends/cpu/tile_source.h"

namespace rustorch {
namespace {

using cpu::ReduceKernels;
using cpu::TileSource;
using Nest = TileSource::Nest;
using Offsets = TileSource::Offsets;

constexpr std::int64_t results_at_once = 1024;  // whose states are kept on the stack
constexpr std::int64_t grain = 32768;           // elements that are worth a thread
constexpr std::int64_t tile_elements = 1024;

/// How a reduction is done: its loops in the order of memory, and the pieces that it is cut into. All of this
/// follows from shapes and strides alone, never from the number of threads: the same pieces give the same
/// sums.
struct ReductionPlan {
  Nest kept, reduced;  // operand 0: the result
  bool by_rows;        // the innermost step of memory is along a reduced dim
  std::int64_t results, per_result;
  std::int64_t block;  // results of one task
  std::int64_t chunk;  // of the reduced elements of each result, those of one task

  explicit ReductionPlan(const Reduction& work)
      : kept(1 + work.inputs.size()), reduced(1 + work.inputs.size()) {
    const Layout& first = *work.inputs[0].layout;
    for (std::size_t d = 0; d < first.rank(); ++d) {
      Offsets steps{};
      for (std::size_t k = 0; k < work.inputs.size(); ++k) steps[k + 1] = work.inputs[k].layout->strides[d];
      const bool is_kept = work.out.layout->shape[d] == first.shape[d];
      if (is_kept) steps[0] = work.out.layout->strides[d];
      (is_kept ? kept : reduced).append(first.shape[d], steps);
    }
    for (Nest* nest : {&kept, &reduced}) {
      nest->sort(1);
      nest->coalesce();
    }
    results = kept.count();
    per_result = reduced.count();
    by_rows = reduced.rank() > 0 &&
              (kept.rank() == 0 || reduced.step(reduced.rank() - 1, 1) <= kept.step(kept.rank() - 1, 1));
    cut();
  }

  std::int64_t blocks() const noexcept { return (results + block - 1) / block; }
  std::int64_t chunks() const noexcept { return std::max<std::int64_t>(1, (per_result + chunk - 1) / chunk); }

 private:
  void cut() {
    chunk = std::max<std::int64_t>(1, per_result);
    if (by_rows) {
      block = std::clamp<std::int64_t>(grain / chunk, 1, results_at_once);
      if (results < 64) chunk = std::min<std::int64_t>(chunk, 65536);
      return;
    }
    // Few results over many elements would leave threads idle: narrower blocks, and chunks of the reduced
    // elements.
    block = results <= 4 * results_at_once && results * per_result >= 4 * grain ? results_at_once / 4
                                                                                : results_at_once;
    const std::int64_t width = std::min(block, kept.inner_size());
    if (blocks() < 64)
      chunk = std::min<std::int64_t>(chunk, std::max<std::int64_t>(64, 8 * grain / width / 64 * 64));
  }
};

/// One thread's part of a reduction: folds elements into states, and turns states into results.
class Reducer {
 public:
  Reducer(const Reduction& work, const ReductionPlan& plan, const ReduceKernels& kernels)
      : work_(work),
        plan_(plan),
        kernels_(kernels),
        source_(work.inputs, work.prologue, kernels.run,
                std::min(tile_elements, std::max<std::int64_t>(1, plan.results * plan.per_result))) {
    for (std::size_t k = 1; k < plan.kept.operands(); ++k) {
      kept_step_[k] = plan.kept.inner_stride(k);
      reduced_step_[k] = plan.reduced.inner_stride(k);
    }
    if (work.epilogue != nullptr) {
      const DType input = work.epilogue->input_dtypes()[0];
      if (input != kernels.value) to_epilogue_ = simd::conversion_kernel(kernels.value, input);
      epilogue_.emplace(*work.epilogue, work.out.dtype,
                        static_cast<std::size_t>(std::min(plan.block, plan.results)));
    } else if (kernels.value != work.out.dtype) {
      to_out_ = simd::conversion_kernel(kernels.value, work.out.dtype);
    }
  }

  /// Folds the reduced range [from, to) of the results [begin, end) into their states.
  void fold(std::int64_t begin, std::int64_t end, std::int64_t from, std::int64_t to, std::byte* states) {
    kernels_.start(kernels_.identity, states, static_cast<std::size_t>(end - begin));
    if (from >= to) return;
    plan_.kept.for_each_run(begin, end, [&](const Offsets& at, std::int64_t length) {
      if (!plan_.by_rows) {
        plan_.reduced.for_each_run(from, to, [&](const Offsets& inside, std::int64_t rows) {
          fold_columns(sum(at, inside), rows, length, states);
        });
      } else if (plan_.reduced.rank() <= 1) {
        fold_rows(sum(at, plan_.reduced.at(from)), length, to - from, states);
      } else {
        for (std::int64_t i = 0; i < length; ++i) {
          Offsets row = at;
          for (std::size_t k = 1; k < plan_.kept.operands(); ++k) row[k] += i * kept_step_[k];
          plan_.reduced.for_each_run(from, to, [&](const Offsets& inside, std::int64_t n) {
            fold_rows(sum(row, inside), 1, n, states + i * state_bytes());
          });
        }
      }
      states += length * state_bytes();
    });
  }

  /// Writes the results [begin, end) from their states.
  void finish(std::int64_t begin, std::int64_t end, const std::byte* states) {
    const auto size = static_cast<std::int64_t>(item_size(work_.out.dtype));
    std::byte* const out = first_byte(work_.out);
    const std::int64_t limit = epilogue_ ? static_cast<std::int64_t>(epilogue_->capacity()) : results_at_once;
    const std::int64_t step = plan_.kept.inner_stride(0);
    plan_.kept.for_each_run(begin, end, [&](const Offsets& at, std::int64_t length) {
      for (std::int64_t start = 0; start < length; start += limit) {
        const auto n = static_cast<std::size_t>(std::min(limit, length - start));
        std::byte* const target = out + (at[0] + start * step) * size;
        if (n == 1 || step == 1) {
          make_values(states, n, target);
        } else {
          make_values(states, n, results_.data());
          simd::scatter_strided(results_.data(), target, step, item_size(work_.out.dtype), n);
        }
        states += static_cast<std::int64_t>(n) * state_bytes();
      }
    });
  }

 private:
  std::int64_t state_bytes() const noexcept { return static_cast<std::int64_t>(kernels_.state_bytes); }

  Offsets sum(const Offsets& a, const Offsets& b) const noexcept {
    Offsets result;
    for (std::size_t k = 0; k < plan_.kept.operands(); ++k) result[k] = a[k] + b[k];
    return result;
  }
  void advance(Offsets& at, const Offsets& step, std::int64_t count) const noexcept {
    for (std::size_t k = 1; k < plan_.kept.operands(); ++k) at[k] += count * step[k];
  }

  void fold_rows(Offsets at, std::int64_t rows, std::int64_t n, std::byte* states) {
    if (source_.direct() != nullptr && (n == 1 || reduced_step_[1] == 1)) {
      kernels_.loops.rows(source_.direct() + at[1] * run_bytes(), static_cast<std::size_t>(rows),
                          kept_step_[1], static_cast<std::size_t>(n), states);
      return;
    }
    const std::int64_t capacity = source_.capacity();
    const std::int64_t rows_at_once = std::max<std::int64_t>(1, capacity / n);
    for (std::int64_t r = 0; r < rows; r += rows_at_once) {
      const std::int64_t count = std::min(rows_at_once, rows - r);
      Offsets row = at;
      advance(row, kept_step_, r);
      for (std::int64_t i = 0; i < n; i += capacity) {
        const std::int64_t length = std::min(capacity, n - i);
        const void* const tile = source_.fetch(row, count, kept_step_, length, reduced_step_);
        kernels_.loops.rows(tile, static_cast<std::size_t>(count), length, static_cast<std::size_t>(length),
                            states + r * state_bytes());
        advance(row, reduced_step_, length);
      }
    }
  }

  void fold_columns(const Offsets& at, std::int64_t rows, std::int64_t n, std::byte* states) {
    if (source_.direct() != nullptr && (n == 1 || kept_step_[1] == 1)) {
      kernels_.loops.columns(source_.direct() + at[1] * run_bytes(), static_cast<std::size_t>(rows),
                             reduced_step_[1], static_cast<std::size_t>(n), states);
      return;
    }
    const std::int64_t capacity = source_.capacity();
    for (std::int64_t j = 0; j < n; j += capacity) {
      const std::int64_t width = std::min(capacity, n - j);
      const std::int64_t rows_at_once = capacity / width;
      Offsets row = at;
      advance(row, kept_step_, j);
      for (std::int64_t r = 0; r < rows; r += rows_at_once) {
        const std::int64_t count = std::min(rows_at_once, rows - r);
        const void* const tile = source_.fetch(row, count, reduced_step_, width, kept_step_);
        kernels_.loops.columns(tile, static_cast<std::size_t>(count), width, static_cast<std::size_t>(width),
                               states + j * state_bytes());
        advance(row, reduced_step_, count);
      }
    }
  }

  void make_values(const std::byte* states, std::size_t n, void* target) {
    if (!epilogue_) {
      if (to_out_ == nullptr) return kernels_.finish(states, n, work_.correction, target);
      kernels_.finish(states, n, work_.correction, values_.data());
      return to_out_(values_.data(), target, n);
    }
    kernels_.finish(states, n, work_.correction, values_.data());
    const void* input = values_.data();
    if (to_epilogue_ != nullptr) {
      to_epilogue_(values_.data(), converted_.data(), n);
      input = converted_.data();
    }
    epilogue_->run(&input, n, target);
  }

  std::int64_t run_bytes() const noexcept { return static_cast<std::int64_t>(item_size(kernels_.run)); }

  using Values = std::array<std::byte, static_cast<std::size_t>(results_at_once) * 16>;

  const Reduction& work_;
  const ReductionPlan& plan_;
  const ReduceKernels& kernels_;
  TileSource source_;
  Offsets kept_step_{}, reduced_step_{};
  simd::ConversionKernel to_epilogue_ = nullptr, to_out_ = nullptr;
  std::optional<cpu::ProgramTile> epilogue_;
  alignas(64) Values values_, converted_, results_;  // uninitialized
};

}  // namespace

void CpuBackend::reduce(const Reduction& work) {
  const ReductionPlan plan(work);
  if (plan.results == 0) return;
  const ReduceKernels kernels = cpu::reduce_kernels(work.op, cpu::reduced_dtype(work.inputs, work.prologue));
  const auto state_bytes = static_cast<std::int64_t>(kernels.state_bytes);
  const std::int64_t chunks = plan.chunks();
  const std::int64_t blocks = plan.blocks();

  if (chunks == 1) {
    const std::int64_t per_block = std::max<std::int64_t>(1, plan.block * plan.per_result);
    cpu::parallel_for(0, blocks, std::max<std::int64_t>(1, grain / per_block),
                      [&](std::int64_t begin, std::int64_t end) {
                        Reducer reducer(work, plan, kernels);
                        alignas(16) std::byte states[results_at_once * ReduceKernels::max_state_bytes];
                        for (std::int64_t b = begin; b < end; ++b) {
                          const std::int64_t first = b * plan.block;
                          const std::int64_t last = std::min(plan.results, first + plan.block);
                          reducer.fold(first, last, 0, plan.per_result, states);
                          reducer.finish(first, last, states);
                        }
                      });
    return;
  }

  const Buffer partial(cpu_allocator(), static_cast<std::size_t>(chunks * plan.results * state_bytes));
  auto* const states = static_cast<std::byte*>(partial.data());
  cpu::parallel_for(0, blocks * chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    Reducer reducer(work, plan, kernels);
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t c = task / blocks;
      const std::int64_t first = task % blocks * plan.block;
      const std::int64_t last = std::min(plan.results, first + plan.block);
      reducer.fold(first, last, c * plan.chunk, std::min(plan.per_result, (c + 1) * plan.chunk),
                   states + (c * plan.results + first) * state_bytes);
    }
  });
  cpu::parallel_for(0, blocks, std::max<std::int64_t>(1, grain / (plan.block * chunks)),
                    [&](std::int64_t begin, std::int64_t end) {
                      Reducer reducer(work, plan, kernels);
                      for (std::int64_t b = begin; b < end; ++b) {
                        const std::int64_t first = b * plan.block;
                        const std::int64_t last = std::min(plan.results, first + plan.block);
                        std::byte* const into = states + first * state_bytes;
                        for (std::int64_t c = 1; c < chunks; ++c) {
                          kernels.merge(into, states + (c * plan.results + first) * state_bytes,
                                        static_cast<std::size_t>(last - first));
                        }
                        reducer.finish(first, last, into);
                      }
                    });
}

}  // namespace rustorch
