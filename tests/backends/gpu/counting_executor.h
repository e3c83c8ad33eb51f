#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::testing {

/// Another executor, which must live longer, with facts that a test may change, and counts of its launches
/// and of the calls that wait for the device.
class CountingExecutor final : public gpu::KernelExecutor {
 public:
  explicit CountingExecutor(gpu::KernelExecutor& counted)
      : device_facts(counted.facts()), counted_(counted) {}

  std::atomic<std::size_t> launches{0}, waits{0};
  gpu::DeviceFacts device_facts;

  const gpu::DeviceFacts& facts() const noexcept override { return device_facts; }
  std::string_view prelude() const noexcept override { return counted_.prelude(); }
  std::unique_ptr<gpu::Module> compile(const std::string& source) override {
    return counted_.compile(source);
  }
  std::vector<std::byte> binary(const gpu::Module& module) override { return counted_.binary(module); }
  std::unique_ptr<gpu::Module> load(std::span<const std::byte> binary) override {
    return counted_.load(binary);
  }
  std::unique_ptr<gpu::Kernel> kernel(gpu::Module& module, const std::string& name) override {
    return counted_.kernel(module, name);
  }
  void launch(gpu::Kernel& kernel, const gpu::LaunchShape& shape,
              std::span<const gpu::KernelArgument> arguments) override {
    ++launches;
    counted_.launch(kernel, shape, arguments);
  }
  gpu::BufferHandle allocate(std::size_t bytes) override { return counted_.allocate(bytes); }
  void release(gpu::BufferHandle buffer) noexcept override { counted_.release(buffer); }
  void write(gpu::BufferHandle buffer, std::size_t offset, const void* source, std::size_t bytes) override {
    counted_.write(buffer, offset, source, bytes);
  }
  void read(gpu::BufferHandle buffer, std::size_t offset, void* destination, std::size_t bytes) override {
    ++waits;
    counted_.read(buffer, offset, destination, bytes);
  }
  void copy(gpu::BufferHandle from, std::size_t from_offset, gpu::BufferHandle to, std::size_t to_offset,
            std::size_t bytes) override {
    counted_.copy(from, from_offset, to, to_offset, bytes);
  }
  void synchronize() override {
    ++waits;
    counted_.synchronize();
  }
  std::unique_ptr<DeviceEvent> record() override { return counted_.record(); }

 private:
  gpu::KernelExecutor& counted_;
};

}  // namespace rustorch::testing
