#include <bit>

#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/run_table.h"

namespace rustorch::gpu {

void GpuBackend::elementwise_many(const Program& program, std::span<const View> views) {
  const std::size_t inputs = program.input_dtypes().size(), operands = inputs + program.outputs().size();
  thread_local RunTable table;
  thread_local std::vector<std::int64_t> counts;  // of each run; 0: it takes a launch of its own
  // Most runs have operands of one kind: the kernel is for those that are like the first of some elements.
  RunShape shape;
  for (std::size_t i = 0; i < views.size() && (!shape.fits() || shape.count() == 1); i += operands) {
    const RunShape own = RunShape::of(views.subspan(i, operands), inputs);
    if (own.fits()) shape = own;
  }
  counts.clear();
  std::size_t alike = 0;
  std::int64_t elements = 0;
  for (std::size_t i = 0; i < views.size(); i += operands) {
    const RunShape own = RunShape::of(views.subspan(i, operands), inputs);
    const bool is_like = own.is_like(shape);
    counts.push_back(is_like ? own.count() : 0);
    alike += is_like ? 1 : 0;
    elements += counts.back();
  }
  ElementwiseForm form;
  form.program = &program;
  form.runs.by_address = executor_->facts().handles_are_addresses;
  if (alike > 1) {
    shape.describe(form);
    form.take_several(elements, executor_->facts());
    // Few different ones, since each is a compilation.
    form.runs.most = static_cast<std::uint32_t>(std::min(std::bit_ceil(std::max<std::size_t>(alike, 8)),
                                                         RunTable::most_runs(form, executor_->facts())));
  }
  if (form.runs.most < 2) return ComputeBackend::elementwise_many(program, views);

  const ElementwiseSource source = elementwise_source(form);
  Kernel& kernel = kernels_.get(source.key.view(), source.kernel, [&] { return text_of(source, form); });
  const auto most = static_cast<std::int64_t>(std::min<std::size_t>(form.runs.most, alike));
  const std::int64_t elements_of_launch = elements / static_cast<std::int64_t>(alike) * most;
  const auto begin_table = [&] { table.begin(form, elements_of_launch, executor_->facts()); };
  const auto launch_table = [&] {
    if (!table.empty())
      run_kernel(kernel, "elementwise_many", "", launch_for(table.chunks(), 1), table.arguments());
    begin_table();
  };
  begin_table();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::span<const View> run = views.subspan(i * operands, operands);
    if (counts[i] == 0) {
      elementwise(program, run.first(inputs), run.subspan(inputs));
      continue;
    }
    if (!table.has_room_for(counts[i])) launch_table();
    table.add(run, counts[i]);
  }
  launch_table();
}

}  // namespace rustorch::gpu
