#include "rustorch/backends/deterministic.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/indexed_source.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/radix_sort.h"
#include "rustorch/backends/gpu/sorted_scatter.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// Whether elements may be added in any order. Sums of integers are the same in all.
bool may_add_atomically(const Scatter& work, const DeviceFacts& facts) {
  if (work.mode != ScatterMode::add) return false;
  const DType dtype = work.base.dtype;
  if (dtype == DType::int32) return true;
  if (!facts.has_wide_atomics) return false;
  if (dtype == DType::int64) return true;
  return (dtype == DType::float32 || dtype == DType::float64) && !are_deterministic_algorithms_enabled();
}

}  // namespace

void GpuBackend::gather(const Gather& work) {
  if (work.out.layout->element_count() != 0) run_indexed(IndexedPlan(work), nullptr);
}

void GpuBackend::scatter(const Scatter& work) {
  if (work.source.layout->element_count() == 0) return;
  const bool orders = work.mode == ScatterMode::max || work.mode == ScatterMode::min;
  RUSTORCH_CHECK(!orders || !is_complex(work.base.dtype), dtype_mismatch,
                 "op {} cannot order complex numbers ({})", work.op, work.base.dtype);
  IndexedPlan plan(work);
  if (plan.ordered.count() > 1 && may_add_atomically(work, executor_->facts())) {
    plan.add_atomically();
    return run_indexed(plan, &work);
  }
  const SortedScatter sorted(plan);
  sorted.pays() ? scatter_sorted(sorted, work.mode) : run_indexed(plan, &work);
}

void GpuBackend::run_indexed(const IndexedPlan& plan, const Scatter* scatter) {
  IndexChecks::Site checks{plan.elements.data, 0};  // not touched where there is no index
  if (!plan.indices.empty()) checks = index_checks_.begin(plan.op);
  const StructBytes parameters = indexed_parameters(plan, checks.op);
  constexpr std::size_t others = 4;  // elements, base, checks and the struct
  std::array<KernelArgument, IndexedLoops::max_indices + others> arguments;
  std::size_t count = 0;
  arguments[count++].buffer = plan.elements.data;
  // Nothing of an empty base is read, but all indices are out of range.
  arguments[count++].buffer = plan.base.data != nullptr ? plan.base.data : plan.elements.data;
  for (const IndexOperand& operand : plan.indices) arguments[count++].buffer = operand.index.data;
  arguments[count++].buffer = checks.buffer;
  arguments[count++] = {nullptr, parameters.data(), parameters.size()};
  const char* name = scatter == nullptr ? "gather" : "scatter";
  Kernel& kernel =
      kernels_.get(indexed_key(plan, scatter).view(), name, [&] { return indexed_source(plan, scatter); });
  run_kernel(kernel, name, "", launch_for(plan.free.count(), group_threads),
             std::span(arguments).first(count));
}

void GpuBackend::scatter_sorted(const SortedScatter& sorted, ScatterMode mode) {
  const IndexedPlan& plan = sorted.plan;
  const std::int64_t lanes = sorted.lanes.count(), columns = sorted.columns.count();
  RadixSort order(*this, lanes, sorted.length, sorted.key_bits());
  IndexChecks::Site checks{order.keys(), 0};  // not touched where there is no index
  if (!plan.indices.empty()) checks = index_checks_.begin(plan.op);
  const StructBytes parameters = sorted_scatter_parameters(sorted, checks.op);
  constexpr std::size_t others = 6;  // at most five buffers, or three behind the indices, and the struct
  std::array<KernelArgument, IndexedLoops::max_indices + others> arguments;
  std::size_t count = 0;
  const auto add = [&](std::initializer_list<BufferHandle> buffers) {
    for (void* const buffer : buffers) arguments[count++] = {buffer, nullptr, 0};
  };
  const auto launch = [&](Kernel& kernel, std::int64_t threads) {
    arguments[count++] = {nullptr, parameters.data(), parameters.size()};
    run_kernel(kernel, "sorted_scatter", "", launch_for(threads, group_threads),
               std::span(arguments).first(count));
    count = 0;
  };

  for (const IndexOperand& operand : plan.indices) add({operand.index.data});
  add({checks.buffer, order.keys(), order.places()});
  launch(
      kernels_.get(scatter_keys_key(sorted).view(), "make_keys", [&] { return scatter_keys_source(sorted); }),
      lanes * sorted.length);
  order.sort();
  const KernelKey key = scatter_folds_key(sorted, mode);
  const auto fold = [&](const char* name) -> Kernel& {
    return kernels_.get(key.view(), name, [&] { return scatter_folds_source(sorted, mode); });
  };
  Buffer partials;
  if (mode != ScatterMode::write && sorted.chunks > 1) {
    const auto values = static_cast<std::size_t>(lanes * sorted.chunks * columns);
    partials = Buffer(allocator_, values * item_size(compute_dtype(plan.base.dtype)));
    add({plan.elements.data, order.keys(), order.places(), partials.data()});
    launch(fold("fold_chunks"), lanes * (sorted.chunks - 1) * columns);
  }
  add({plan.elements.data, plan.base.data, order.keys(), order.places()});
  // Of one chunk there are none, and none are read.
  if (mode != ScatterMode::write) add({partials.data() != nullptr ? partials.data() : order.keys()});
  launch(fold("fold_runs"), lanes * sorted.length * columns);
}

}  // namespace rustorch::gpu
