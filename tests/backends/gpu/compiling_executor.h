#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "rustorch/backends/gpu/cuda/nvrtc_api.h"
#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/backends/gpu/kernel_texts.h"
#include "rustorch/error/error.h"

namespace rustorch::testing {

/// An H200 of this compute capability that compiles as CUDA's executor does and runs nothing: for kernels of
/// whole ops, without a GPU. Its memory is never touched: buffers are addresses alone.
class CompilingExecutor final : public gpu::KernelExecutor {
 public:
  CompilingExecutor(int major, int minor) : major_(major), minor_(minor) {
    facts_.name = "compiler";
    facts_.compute_units = 132;
    facts_.local_memory_bytes = 48 << 10;
    facts_.most_argument_bytes = 32764;
    facts_.handles_are_addresses = true;
    facts_.held_registers = 64;
    facts_.most_group_threads = 1024;
    facts_.has_float64 = true;
    facts_.has_wide_atomics = true;
  }
  const gpu::DeviceFacts& facts() const noexcept override { return facts_; }
  std::string_view prelude() const noexcept override { return gpu::kernel_text("prelude_cuda.h"); }
  std::unique_ptr<gpu::Module> compile(const std::string& source) override {
    const std::vector<std::byte> cubin = gpu::cuda::compile_to_cubin(source, major_, minor_);
    auto module = std::make_unique<Compiled>();
    module->cubin.assign(reinterpret_cast<const char*>(cubin.data()), cubin.size());
    return module;
  }
  std::vector<std::byte> binary(const gpu::Module& /*module*/) override { return {}; }
  std::unique_ptr<gpu::Module> load(std::span<const std::byte> /*binary*/) override { return nullptr; }
  std::unique_ptr<gpu::Kernel> kernel(gpu::Module& module, const std::string& name) override {
    RUSTORCH_CHECK(dynamic_cast<const Compiled&>(module).cubin.find(name) != std::string::npos, internal,
                   "no kernel {}", name);
    return std::make_unique<gpu::Kernel>();
  }
  void launch(gpu::Kernel& /*kernel*/, const gpu::LaunchShape& shape,
              std::span<const gpu::KernelArgument> arguments) override {
    EXPECT_GT(shape.groups_x, 0u);
    for (const gpu::KernelArgument& argument : arguments)
      EXPECT_TRUE(argument.buffer != nullptr || argument.bytes != nullptr);
  }
  gpu::BufferHandle allocate(std::size_t bytes) override {
    return reinterpret_cast<gpu::BufferHandle>(next_address_.fetch_add((bytes / 256 + 1) * 256));
  }
  void release(gpu::BufferHandle /*buffer*/) noexcept override {}
  void write(gpu::BufferHandle /*buffer*/, std::size_t /*offset*/, const void* /*source*/,
             std::size_t /*bytes*/) override {}
  void read(gpu::BufferHandle /*buffer*/, std::size_t /*offset*/, void* destination,
            std::size_t bytes) override {
    std::fill_n(static_cast<std::byte*>(destination), bytes, std::byte{0});
  }
  void copy(gpu::BufferHandle /*from*/, std::size_t /*from_offset*/, gpu::BufferHandle /*to*/,
            std::size_t /*to_offset*/, std::size_t /*bytes*/) override {}
  void synchronize() override {}
  std::unique_ptr<DeviceEvent> record() override { return event_of_host_clock(); }

 private:
  struct Compiled final : gpu::Module {
    std::string cubin;
  };

  gpu::DeviceFacts facts_;
  int major_, minor_;
  std::atomic<std::uintptr_t> next_address_{1 << 20};
};

}  // namespace rustorch::testing
