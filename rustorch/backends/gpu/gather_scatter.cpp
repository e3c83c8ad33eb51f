#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/indexed_source.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {

void GpuBackend::gather(const Gather& work) {
  if (work.out.layout->element_count() != 0) run_indexed(IndexedPlan(work), nullptr);
}

void GpuBackend::scatter(const Scatter& work) {
  if (work.source.layout->element_count() != 0) run_indexed(IndexedPlan(work), &work);
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

}  // namespace rustorch::gpu
