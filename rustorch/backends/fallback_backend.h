#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "rustorch/backends/compute_backend.h"

namespace rustorch {

/// Counts one piece of work that ran on the CPU instead of its device (runtime.h tells the count).
void count_fallback() noexcept;

/// Stands before a device's own backend: work that the device supports goes straight on; the rest is copied
/// to the CPU, computed there and copied back, counted, and logged once for each kind of work (with
/// RUSTORCH_LOG=warn or lower). In strict mode it is an Error instead.
class FallbackBackend final : public ComputeBackend {
 public:
  explicit FallbackBackend(std::unique_ptr<ComputeBackend> primary) : primary_(std::move(primary)) {}

  /// The device's own backend.
  ComputeBackend& primary() noexcept { return *primary_; }

  std::string_view name() const noexcept override { return primary_->name(); }
  Device device() const noexcept override { return primary_->device(); }
  std::vector<std::pair<std::string, std::string>> capabilities() const override {
    return primary_->capabilities();
  }
  std::vector<std::pair<std::string, std::string>> measured_capabilities() override {
    return primary_->measured_capabilities();
  }
  std::string defect(DType dtype) override { return primary_->defect(dtype); }
  DeviceMemorySize memory_size() const noexcept override { return primary_->memory_size(); }
  /// What the device does itself, without the CPU's help.
  bool supports(Kind kind, DType dtype) const noexcept override { return primary_->supports(kind, dtype); }
  bool prefers_channels_last(DType dtype) const noexcept override {
    return primary_->prefers_channels_last(dtype);
  }

  MemoryAllocator& allocator() override { return primary_->allocator(); }
  void copy_from_host(void* destination, std::size_t offset, const void* source, std::size_t bytes) override {
    primary_->copy_from_host(destination, offset, source, bytes);
  }
  void copy_to_host(void* destination, const void* source, std::size_t offset, std::size_t bytes) override {
    primary_->copy_to_host(destination, source, offset, bytes);
  }
  void synchronize() override { primary_->synchronize(); }
  std::unique_ptr<DeviceEvent> record_event() override { return primary_->record_event(); }
  void observe_launches(std::shared_ptr<LaunchObserver> observer) override {
    primary_->observe_launches(std::move(observer));
  }
  void stop_observing(const LaunchObserver* observer) noexcept override {
    primary_->stop_observing(observer);
  }

  void elementwise(const Program& program, std::span<const View> inputs,
                   std::span<const View> outputs) override;
  void elementwise_many(const Program& program, std::span<const View> views) override;
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

 private:
  /// Refuses in strict mode; counts and logs otherwise.
  void note(Kind kind, DType dtype);

  std::unique_ptr<ComputeBackend> primary_;
  std::array<std::atomic<bool>, 32> logged_{};  // by Kind
};

}  // namespace rustorch
