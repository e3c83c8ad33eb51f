#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "rustorch/backends/gpu/cuda/cudnn_plan.h"

namespace rustorch::gpu::cuda {

/// Convolutions of one device through cuDNN, in the order of a stream. The library is opened by the first
/// convolution that is worth it. Made and destroyed while the context is current.
class Cudnn final : public ConvolutionLibrary {
 public:
  /// `memory_bytes`: of the device, of which a workspace takes a small part.
  Cudnn(const DriverApi& driver, ContextHandle context, StreamHandle stream, std::uint64_t memory_bytes);
  ~Cudnn() override;
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;

  std::string description() override;
  std::shared_ptr<const LibraryConvolutionPlan> plan_for(const LibraryConvolution& work) override;
  void run(const LibraryConvolutionPlan& plan, const LibraryConvolution& work,
           BufferHandle workspace) override;

 private:
  using Plans = std::map<ConvolutionForm, std::shared_ptr<const ConvolutionPlan>>;  // nullptr: not taken

  /// These are called while the mutex is held and the context is current.
  bool open();
  std::shared_ptr<const ConvolutionPlan> kept_plan(const ConvolutionForm& form);

  const DriverApi& driver_;
  ContextHandle context_;
  StreamHandle stream_;
  std::size_t most_workspace_;
  std::mutex mutex_;
  const CudnnApi* api_ = nullptr;
  DnnHandle handle_ = nullptr;
  std::string absence_;  ///< empty: not opened yet, or open
  std::unique_ptr<Plans> plans_;
};

}  // namespace rustorch::gpu::cuda
