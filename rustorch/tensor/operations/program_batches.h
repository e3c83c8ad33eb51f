#pragma once

#include <span>
#include <vector>

#include "rustorch/backends/compute_backend.h"
#include "rustorch/compute/program.h"
#include "rustorch/device/device.h"

namespace rustorch {

/// Runs of elementwise programs on unrelated tensors, such as an optimizer's updates, that are collected and
/// then handed to the backends together: equal programs on one device are one call, and on a GPU one launch.
/// Kept by those who repeat themselves: steady use allocates nothing.
class ProgramBatches {
 public:
  /// Runs of one program on one device.
  class Batch {
   public:
    /// Adds a run. Until `run` the tensors that the views are of must live and keep their memory, which no
    /// other run may write to. All views have one shape.
    void add(std::span<const View> inputs, std::span<const View> outputs) {
      views_.insert(views_.end(), inputs.begin(), inputs.end());
      views_.insert(views_.end(), outputs.begin(), outputs.end());
    }

   private:
    friend class ProgramBatches;
    Program program_;
    Device device_;
    std::vector<View> views_;  // as elementwise_many takes them
  };
  /// Where runs of a program, with these scalars, are collected: valid until the next call of any member.
  Batch& batch_for(const Program& program, Device device);
  /// Runs what was collected, in no certain order.
  void run();
  /// Forgets it.
  void clear() noexcept { used_ = 0; }

 private:
  std::vector<Batch> batches_;
  std::size_t used_ = 0;  // of them; the others keep their memory
};

}  // namespace rustorch
