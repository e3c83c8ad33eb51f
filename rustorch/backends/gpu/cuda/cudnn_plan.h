#pragma once

#include <optional>

#include "rustorch/backends/gpu/cuda/convolution_form.h"
#include "rustorch/backends/gpu/cuda/cudnn_object.h"

namespace rustorch::gpu::cuda {

/// Where the elements of a view begin.
DevicePointer address_of(const View& view);

/// How cuDNN makes convolutions of one form.
class ConvolutionPlan final : public LibraryConvolutionPlan {
 public:
  /// The fastest engine, as cuDNN expects, of those that keep the precision and give the same bits each time
  /// and whose workspace has at most so many bytes; nothing if there is none. Other failures are Errors.
  static std::optional<ConvolutionPlan> make(const CudnnApi& api, DnnHandle handle,
                                             const ConvolutionForm& form, std::size_t most_workspace);

  /// Queues work of the form, whose tensors are aligned, in the handle's stream.
  void run(const CudnnApi& api, DnnHandle handle, const LibraryConvolution& work, void* workspace) const;

 private:
  ConvolutionPlan(DnnObject engine_config, DnnObject plan, std::size_t workspace_bytes)
      : LibraryConvolutionPlan(workspace_bytes),
        engine_config_(std::move(engine_config)),
        plan_(std::move(plan)) {}

  DnnObject engine_config_, plan_;
};

}  // namespace rustorch::gpu::cuda
