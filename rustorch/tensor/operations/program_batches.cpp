#include "rustorch/tensor/operations/program_batches.h"

#include "rustorch/backends/runtime.h"

namespace rustorch {

ProgramBatches::Batch& ProgramBatches::batch_for(const Program& program, Device device) {
  constexpr std::size_t most_batches = 16;  // so that looking for one stays quick
  for (std::size_t i = used_; i-- > 0;) {
    if (batches_[i].device_ == device && batches_[i].program_ == program) return batches_[i];
  }
  if (used_ == most_batches) run();
  if (used_ == batches_.size()) batches_.emplace_back();
  Batch& batch = batches_[used_++];
  batch.program_ = program;
  batch.device_ = device;
  batch.views_.clear();
  return batch;
}

void ProgramBatches::run() {
  for (const Batch& batch : std::span(batches_).first(used_))
    backend_for(batch.device_).elementwise_many(batch.program_, batch.views_);
  used_ = 0;
}

}  // namespace rustorch
