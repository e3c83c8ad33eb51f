#pragma once

#include <vector>

#include "rustorch/backends/gpu/cuda/convolution_form.h"
#include "rustorch/backends/gpu/cuda/cudnn_object.h"

namespace rustorch::gpu::cuda {

/// Numbers by which the tensors of a graph are known when it runs.
enum class DnnTensor : std::int64_t { input = 1, weight, output, bias, sum };
constexpr std::int64_t id_of(DnnTensor tensor) { return static_cast<std::int64_t>(tensor); }

/// Bytes that all tensors of a graph are aligned to. Some engines that take less refuse it only when they
/// run.
inline constexpr DevicePointer graph_alignment = 16;

/// The graph of a form: one convolution, and the addition of a bias to it.
class ConvolutionGraph {
 public:
  /// `form` must outlive it. Failures are Errors, but for a graph that the library does not support.
  ConvolutionGraph(const CudnnApi& api, DnnHandle handle, const ConvolutionForm& form);

  /// What may make it, the fastest first as far as the library knows; nothing where it knows none.
  std::vector<DnnObject> engine_configs(DnnHeuristics mode) const;

 private:
  /// Of the form's order, without gaps.
  DnnObject tensor(const ConvolutionForm::Sizes& sizes, DnnTensor id) const;
  /// The operation of the form's direction; one of the tensors is its result.
  DnnObject convolution(const DnnObject& input, const DnnObject& weight, const DnnObject& output) const;
  DnnObject addition(const DnnObject& a, const DnnObject& b, const DnnObject& sum) const;

  const CudnnApi& api_;
  const ConvolutionForm& form_;
  DnnObject graph_;
  bool is_supported_ = false;
};

}  // namespace rustorch::gpu::cuda
