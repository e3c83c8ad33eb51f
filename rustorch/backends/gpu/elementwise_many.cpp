#include <bit>

#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/run_table.h"

namespace rustorch::gpu {

void GpuBackend::elementwise_many(const Program& program, std::span<const View> views) {
  const std::size_t inputs = program.input_dtypes().size(), operands = inputs + program.outputs().size();
  const auto each_run = [&](const auto& work) {
    for (std::size_t first = 0; first < views.size(); first += operands) work(views.subspan(first, operands));
  };
  // Most programs have operands of one kind: the kernel is for those that are like the first.
  RunShape shape;
  std::size_t alike = 0;
  std::int64_t elements = 0;
  each_run([&](std::span<const View> run) {
    const RunShape own = RunShape::of(run, inputs);
    if (!shape.fits() || (shape.count() == 1 && own.fits())) shape = own;  // one element lies in any way
    if (!own.is_like(shape)) return;
    ++alike;
    elements += own.count();
  });
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
  thread_local RunTable table;
  const auto launch_table = [&] {
    if (!table.empty()) executor_->launch(kernel, launch_for(table.chunks(), 1), table.arguments());
    table.begin(form);
  };
  table.begin(form);
  each_run([&](std::span<const View> run) {
    const RunShape own = RunShape::of(run, inputs);
    if (!own.is_like(shape)) return elementwise(program, run.first(inputs), run.subspan(inputs));
    if (!table.has_room_for(own.count())) launch_table();
    table.add(run, own.count());
  });
  launch_table();
}

}  // namespace rustorch::gpu
