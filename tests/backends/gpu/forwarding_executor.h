#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::testing {

/// Passes all calls on to a device's own executor, which must outlive it, and counts those that wait for the
/// device.
class ForwardingExecutor final : public gpu::KernelExecutor {
 public:
  explicit ForwardingExecutor(gpu::KernelExecutor& own) : own_(own) {}

  std::atomic<int> waits{0}, launches{0};

  const gpu::DeviceFacts& facts() const noexcept override { return own_.facts(); }
  std::string_view prelude() const noexcept override { return own_.prelude(); }
  std::unique_ptr<gpu::Module> compile(const std::string& source) override { return own_.compile(source); }
  std::vector<std::byte> binary(const gpu::Module& module) override { return own_.binary(module); }
  std::unique_ptr<gpu::Module> load(std::span<const std::byte> binary) override { return own_.load(binary); }
  std::unique_ptr<gpu::Kernel> kernel(gpu::Module& module, const std::string& name) override {
    return own_.kernel(module, name);
  }
  void launch(gpu::Kernel& kernel, const gpu::LaunchShape& shape,
              std::span<const gpu::KernelArgument> arguments) override {
    ++launches;
    own_.launch(kernel, shape, arguments);
  }
  gpu::BufferHandle allocate(std::size_t bytes) override { return own_.allocate(bytes); }
  void release(gpu::BufferHandle buffer) noexcept override { own_.release(buffer); }
  void write(gpu::BufferHandle buffer, std::size_t offset, const void* source, std::size_t bytes) override {
    own_.write(buffer, offset, source, bytes);
  }
  void read(gpu::BufferHandle buffer, std::size_t offset, void* destination, std::size_t bytes) override {
    ++waits;
    own_.read(buffer, offset, destination, bytes);
  }
  void copy(gpu::BufferHandle from, std::size_t from_offset, gpu::BufferHandle to, std::size_t to_offset,
            std::size_t bytes) override {
    own_.copy(from, from_offset, to, to_offset, bytes);
  }
  void synchronize() override {
    ++waits;
    own_.synchronize();
  }
  std::unique_ptr<DeviceEvent> record() override { return own_.record(); }

 private:
  gpu::KernelExecutor& own_;
};

}  // namespace rustorch::testing
