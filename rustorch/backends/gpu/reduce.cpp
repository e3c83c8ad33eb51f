#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/reduce_source.h"
#include "rustorch/error/error.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::gpu {
void GpuBackend::reduce(const Reduction& work) {
  if (work.out.layout->element_count() == 0) return;
  const ReducePlan plan(work);
  const StructBytes parameters = reduce_parameters(work, plan);
  const std::size_t buffers = work.inputs.size() + 2;
  if (parameters.size() + buffers * sizeof(void*) > executor_->facts().most_argument_bytes) {
    // Too many operands and dims for one launch: the prologue's results first.
    RUSTORCH_CHECK(
        work.prologue != nullptr, unsupported,
        "{}: a reduction of a tensor of shape {}, strides {} has more parameters than a kernel may have",
        device_, work.inputs[0].layout->shape, work.inputs[0].layout->strides);
    const Layout& shape = *work.inputs[0].layout;
    const Layout dense = Layout::contiguous(shape.shape);
    const DType dtype = work.prologue->outputs()[0].dtype;
    const Buffer values(allocator_, static_cast<std::size_t>(dense.element_count()) * item_size(dtype));
    const View view{values.data(), &dense, dtype};
    elementwise(*work.prologue, work.inputs, {&view, 1});
    Reduction rest = work;
    rest.inputs = {&view, 1};
    rest.prologue = nullptr;
    return reduce(rest);
  }
  const KernelKey key = key_of(work, plan);
  const auto run_one = [&](const char* name, const LaunchShape& shape, std::span<const KernelArgument> its) {
    run_kernel(kernels_.get(key.view(), name, [&] { return reduce_source(work, plan); }), name, "", shape,
               its);
  };
  const ReduceState state = state_of(work);
  Buffer states;
  if (plan.chunks > 1) {
    states = Buffer(allocator_, static_cast<std::size_t>(plan.results * plan.chunks * state.values) *
                                    item_size(state.type));
  }
  std::array<KernelArgument, Program::max_inputs + 3> arguments_of_all;
  const std::span<KernelArgument> arguments = std::span(arguments_of_all).first(buffers + 1);
  for (std::size_t k = 0; k < work.inputs.size(); ++k) {
    // Empty inputs have no buffer, and are not read: any will do.
    arguments[k].buffer = work.inputs[k].data != nullptr ? work.inputs[k].data : work.out.data;
  }
  arguments[buffers - 2].buffer = plan.chunks > 1 ? states.data() : work.out.data;
  arguments[buffers - 1].buffer = work.out.data;
  arguments[buffers] = {nullptr, parameters.data(), parameters.size()};
  const std::int64_t jobs = plan.results * plan.chunks;
  if (plan.by_rows) {
    run_one("reduce_rows", launch_for(jobs, 1), arguments);
  } else {
    run_one("reduce_columns", launch_for(jobs, group_threads), arguments);
  }
  if (plan.chunks > 1) {
    run_one("reduce_chunks", launch_for(plan.results, plan.by_rows ? 1 : group_threads),
            arguments.subspan(work.inputs.size()));
  }
}

}  // namespace rustorch::gpu
