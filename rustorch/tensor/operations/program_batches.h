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
  /// Collects one run. Until `run` the tensors that the views are of must live, keep their memory, and be
  /// written by no other run that they are part of. All views have one shape: another is an Error, which
  /// calls the program `name`.
  void add(const char* name, const Program& program, Device device, std::span<const View> inputs,
           std::span<const View> outputs);
  /// Runs what was collected, in no certain order.
  void run();
  /// Forgets it.
  void clear() noexcept { used_ = 0; }

 private:
  struct Batch {
    Program program;
    Device device;
    std::vector<View> views;  // as elementwise_many takes them
  };
  Batch& batch_for(const Program& program, Device device);

  std::vector<Batch> batches_;
  std::size_t used_ = 0;  // of them; the others keep their memory
};

}  // namespace rustorch
