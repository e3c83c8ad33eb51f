#include "rustorch/tensor/operations/program_batches.h"

#include "rustorch/backends/runtime.h"
#include "rustorch/error/error.h"

namespace rustorch {

void ProgramBatches::add(const char* name, const Program& program, Device device,
                         std::span<const View> inputs, std::span<const View> outputs) {
  RUSTORCH_CHECK(!outputs.empty() && inputs.size() == program.input_dtypes().size() &&
                     outputs.size() == program.outputs().size(),
                 internal, "{}: a program of {} inputs and {} outputs was given {} and {}", name,
                 program.input_dtypes().size(), program.outputs().size(), inputs.size(), outputs.size());
  const Shape& shape = outputs.front().layout->shape;
  for (const std::span<const View> views : {inputs, outputs}) {
    for (const View& view : views) {
      RUSTORCH_CHECK(view.layout->shape == shape, shape_mismatch,
                     "{}: operands of shapes {} and {} cannot be updated together", name, view.layout->shape,
                     shape);
    }
  }
  Batch& batch = batch_for(program, device);
  batch.views.insert(batch.views.end(), inputs.begin(), inputs.end());
  batch.views.insert(batch.views.end(), outputs.begin(), outputs.end());
}

ProgramBatches::Batch& ProgramBatches::batch_for(const Program& program, Device device) {
  constexpr std::size_t most_batches = 16;  // so that looking for one stays quick
  for (std::size_t i = used_; i-- > 0;) {
    if (batches_[i].device == device && batches_[i].program == program) return batches_[i];
  }
  if (used_ == most_batches) run();
  if (used_ == batches_.size()) batches_.emplace_back();
  Batch& batch = batches_[used_++];
  batch.program = program;
  batch.device = device;
  batch.views.clear();
  return batch;
}

void ProgramBatches::run() {
  for (const Batch& batch : std::span(batches_).first(used_))
    backend_for(batch.device).elementwise_many(batch.program, batch.views);
  used_ = 0;
}

}  // namespace rustorch
