#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <type_traits>

#include "rustorch/backends/compute_backend.h"
#include "rustorch/backends/gpu/device_probes.h"
#include "rustorch/backends/gpu/gpu_allocator.h"
#include "rustorch/backends/gpu/index_checks.h"
#include "rustorch/backends/gpu/kernel_cache.h"
#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/backends/gpu/kernel_source.h"

namespace rustorch::gpu {

struct IndexedPlan;
struct SortedScatter;

/// The backend of every GPU: all that CUDA, OpenCL and Metal share. What it does not support runs on the CPU
/// (FallbackBackend).
class GpuBackend final : public ComputeBackend {
 public:
  GpuBackend(Device device, std::unique_ptr<KernelExecutor> executor);

  std::string_view name() const noexcept override { return to_string(device_.type); }
  Device device() const noexcept override { return device_; }
  std::vector<std::pair<std::string, std::string>> capabilities() const override;
  std::vector<std::pair<std::string, std::string>> measured_capabilities() override;
  std::string defect(DType dtype) override;
  DeviceMemorySize memory_size() const noexcept override;
  bool supports(Kind kind, DType dtype) const noexcept override;
  bool prefers_channels_last(DType dtype) const noexcept override;

  MemoryAllocator& allocator() override { return allocator_; }
  void copy_from_host(void* destination, std::size_t offset, const void* source, std::size_t bytes) override;
  void copy_to_host(void* destination, const void* source, std::size_t offset, std::size_t bytes) override;
  void synchronize() override;
  std::unique_ptr<DeviceEvent> record_event() override { return executor_->record(); }
  void observe_launches(std::shared_ptr<LaunchObserver> observer) override;
  void stop_observing(const LaunchObserver* observer) noexcept override;

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

  KernelExecutor& executor() noexcept { return *executor_; }
  IndexChecks& index_checks() noexcept { return index_checks_; }
  DeviceProbes& probes() noexcept { return probes_; }

  /// Queues a kernel of a file of kernels/. Its parameters are the buffers, in this order, and the struct:
  /// `parameters` has the members that the file declares, those of 8 bytes first. Buffers that the kernel
  /// does not touch must be some buffer all the same.
  template <class Parameters>
  void launch(const KernelSource& source, const char* kernel, const LaunchShape& shape,
              std::initializer_list<BufferHandle> buffers, const Parameters& parameters) {
    static_assert(std::is_trivially_copyable_v<Parameters> && sizeof(Parameters) % 8 == 0);
    launch_bytes(source, kernel, shape, {buffers.begin(), buffers.size()}, &parameters, sizeof parameters);
  }
  /// Has what `queue` queues told to whoever observes launches, by this name: "layer_norm.forward", or the
  /// first part alone where the second says no more.
  template <class Queue>
  void observed(std::string_view family, std::string_view kernel, const Queue& queue) {
    if (!is_observed_.load(std::memory_order_relaxed)) [[likely]] {
      queue();
    } else {
      tell_observer(family, kernel, queue);
    }
  }
  const KernelCache& kernels() const noexcept { return kernels_; }

 private:
  /// Queues a run of a kernel of this name, which observers are told.
  void run_kernel(Kernel& kernel, std::string_view family, std::string_view name, const LaunchShape& shape,
                  std::span<const KernelArgument> arguments) {
    observed(family, name, [&] { executor_->launch(kernel, shape, arguments); });
  }
  void tell_observer(std::string_view family, std::string_view kernel, const std::function<void()>& queue);
  void run_indexed(const IndexedPlan& plan, const Scatter* scatter);
  void scatter_sorted(const SortedScatter& sorted, ScatterMode mode);
  void launch_bytes(const KernelSource& source, const char* kernel, const LaunchShape& shape,
                    std::span<const BufferHandle> buffers, const void* parameters, std::size_t size);

  /// Whether products may run here; tries it at the first call, where compilers are known to err.
  bool has_products() const noexcept;

  Device device_;
  std::unique_ptr<KernelExecutor> executor_;
  GpuAllocator allocator_;
  KernelCache kernels_;
  IndexChecks index_checks_;
  mutable DeviceProbes probes_;
  mutable std::once_flag products_warned_;
  std::atomic<bool> is_observed_ = false;
  std::mutex observer_mutex_;
  std::shared_ptr<LaunchObserver> observer_;
};

}  // namespace rustorch::gpu
