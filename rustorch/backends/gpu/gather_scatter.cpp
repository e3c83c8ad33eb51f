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
  const IndexChecks::Site checks = index_checks_.begin(plan.op);
  const std::vector<std::byte> parameters = indexed_parameters(plan, checks.op);
  std::vector<KernelArgument> arguments;
  arguments.push_back({plan.elements.data});
  // Nothing of an empty base is read, but all indices are out of range.
  arguments.push_back({plan.base.data != nullptr ? plan.base.data : plan.elements.data});
  for (const IndexOperand& operand : plan.indices) arguments.push_back({operand.index.data});
  arguments.push_back({checks.buffer});
  arguments.push_back({nullptr, parameters.data(), parameters.size()});
  Kernel& kernel = kernels_.get(indexed_key(plan, scatter), scatter == nullptr ? "gather" : "scatter",
                                [&] { return indexed_source(plan, scatter); });
  executor_->launch(kernel, launch_for(plan.free.count(), group_threads), arguments);
}

}  // namespace rustorch::gpu
