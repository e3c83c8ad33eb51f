#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "rustorch/backends/compute_backend.h"
#include "rustorch/backends/float32_precision.h"
#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu {

/// Which of the three tensors is the result.
enum class ConvolutionDirection : std::uint8_t {
  forward,          ///< `output`
  backward_input,   ///< `input`: its gradient
  backward_weight,  ///< `weight`: its gradient
};

/// A convolution or a gradient of one, shapes as in ConvolutionForward. All three tensors lie without gaps,
/// row-major or, where that is said, with the channels innermost.
struct LibraryConvolution {
  ConvolutionDirection direction = ConvolutionDirection::forward;
  ConvolutionParameters parameters;
  Float32Precision precision = Float32Precision::highest;  ///< of float32; others do not heed it
  bool channels_last = false;
  View input, weight, output;  ///< of one floating-point dtype
  std::optional<View> bias{};  ///< forward: one row of adjacent elements, added to every position
};

/// How a library makes the convolutions of one form.
class LibraryConvolutionPlan {
 public:
  explicit LibraryConvolutionPlan(std::size_t workspace_bytes) : workspace_bytes_(workspace_bytes) {}
  virtual ~LibraryConvolutionPlan() = default;
  LibraryConvolutionPlan(LibraryConvolutionPlan&&) = default;
  LibraryConvolutionPlan& operator=(LibraryConvolutionPlan&&) = default;

  /// How much device memory `run` needs beside the tensors.
  std::size_t workspace_bytes() const noexcept { return workspace_bytes_; }

 private:
  std::size_t workspace_bytes_;
};

/// A library of convolutions that an API has for its GPUs. It sums float32 and narrower types in float32,
/// and the same call gives the same bits each time. Members may be called from any thread.
class ConvolutionLibrary {
 public:
  virtual ~ConvolutionLibrary() = default;

  /// "cuDNN 9.19.0", or "cuDNN absent: " and why. Opens no more of the library than that takes.
  virtual std::string description() = 0;
  /// The plan for this convolution; nullptr where the library cannot make it, not sooner than a kernel of
  /// ours, or is absent. A view without a buffer stands for one at the beginning of a buffer.
  virtual std::shared_ptr<const LibraryConvolutionPlan> plan_for(const LibraryConvolution& work) = 0;
  /// Queues work that the library gave this plan for, in the order of the executor's work. The workspace may
  /// be given back as soon as this returns, for work that is queued later.
  virtual void run(const LibraryConvolutionPlan& plan, const LibraryConvolution& work,
                   BufferHandle workspace) = 0;
};

}  // namespace rustorch::gpu
