#pragma once

#include "rustorch/backends/compute_backend.h"

namespace rustorch {

/// The CPU: our loops through Google Highway, GEMM and convolution through oneDNN, threads from libgomp. Each
/// kind of work stands in the file of its name.
class CpuBackend final : public ComputeBackend {
 public:
  std::string_view name() const noexcept override { return "cpu"; }
  Device device() const noexcept override { return {}; }
  std::vector<std::pair<std::string, std::string>> capabilities() const override;
  DeviceMemorySize memory_size() const noexcept override;
  bool supports(Kind kind, DType dtype) const noexcept override;
  bool prefers_channels_last(DType dtype) const noexcept override;

  MemoryAllocator& allocator() override { return cpu_allocator(); }
  void copy_from_host(void* destination, std::size_t offset, const void* source, std::size_t bytes) override;
  void copy_to_host(void* destination, const void* source, std::size_t offset, std::size_t bytes) override;
  void synchronize() override {}

  void elementwise(const Program& program, std::span<const View> inputs,
                   std::span<const View> outputs) override;
  void reduce(const Reduction& work) override;
  void arg_reduce(const ArgReduction& work) override;
  void scan(const Scan& work) override;
  void matmul(const Matmul& work) override;
  void convolution_forward(const ConvolutionForward& work) override;
  void convolution_backward_input(const ConvolutionBackwardInput& work) override;
  void convolution_backward_weight(const ConvolutionBackwardWeight& work) override;
  void pooling_forward(const PoolingForward& work) override;
  void pooling_backward(const PoolingBackward& work) override;
  void gather(const Gather& work) override;
  void scatter(const Scatter& work) override;
  void nonzero(const View& input, const View& out) override;
  void sort(const Sort& work) override;
  void generate(const Generate& work) override;
  void batch_norm_forward(const BatchNormForward& work) override;
  void batch_norm_backward(const BatchNormBackward& work) override;
  void layer_norm_forward(const LayerNormForward& work) override;
  void layer_norm_backward(const LayerNormBackward& work) override;
  void softmax_forward(const SoftmaxForward& work) override;
  void softmax_backward(const SoftmaxBackward& work) override;
  void cross_entropy_forward(const CrossEntropyForward& work) override;
  void cross_entropy_backward(const CrossEntropyBackward& work) override;
};

}  // namespace rustorch
