#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/error/error.h"

namespace rustorch::testing {

struct TextModule final : gpu::Module {
  explicit TextModule(std::string its_text) : text(std::move(its_text)) {}
  std::string text;
};

struct TextKernel final : gpu::Kernel {
  TextKernel(const TextModule& its_module, std::string its_name)
      : module(its_module), name(std::move(its_name)) {}
  const TextModule& module;
  std::string name;
};

/// An executor for tests of the kernel cache: a source's compiled form is its text, and has a kernel of each
/// name that stands in it. Runs nothing.
class TextExecutor : public gpu::KernelExecutor {
 public:
  TextExecutor() {
    facts_.name = "text";
    facts_.compiler_identity = "text compiler 1";
  }

  std::atomic<int> compiles{0}, loads{0};
  bool has_binaries = true;
  bool takes_binaries = true;
  bool loses_kernels = false;  ///< in modules that are loaded
  /// Called with the source by `compile`, in the caller's thread.
  std::function<void(const std::string&)> while_compiling = [](const std::string&) {};

  const gpu::DeviceFacts& facts() const noexcept override { return facts_; }
  std::string_view prelude() const noexcept override { return "prelude\n"; }
  std::unique_ptr<gpu::Module> compile(const std::string& source) override {
    ++compiles;
    while_compiling(source);
    return std::make_unique<TextModule>(source);
  }
  std::vector<std::byte> binary(const gpu::Module& module) override {
    if (!has_binaries) return {};
    const auto text = std::as_bytes(std::span(static_cast<const TextModule&>(module).text));
    return {text.begin(), text.end()};
  }
  std::unique_ptr<gpu::Module> load(std::span<const std::byte> binary) override {
    ++loads;
    if (!takes_binaries) return nullptr;
    if (loses_kernels) return std::make_unique<TextModule>("");
    return std::make_unique<TextModule>(
        std::string(reinterpret_cast<const char*>(binary.data()), binary.size()));
  }
  std::unique_ptr<gpu::Kernel> kernel(gpu::Module& module, const std::string& name) override {
    const auto& own = static_cast<const TextModule&>(module);
    RUSTORCH_CHECK(own.text.find(name) != std::string::npos, internal, "no kernel `{}`", name);
    return std::make_unique<TextKernel>(own, name);
  }

  void launch(gpu::Kernel&, const gpu::LaunchShape&, std::span<const gpu::KernelArgument>) override {
    refuse();
  }
  gpu::BufferHandle allocate(std::size_t) override { return nullptr; }
  void release(gpu::BufferHandle) noexcept override {}
  void write(gpu::BufferHandle, std::size_t, const void*, std::size_t) override { refuse(); }
  void read(gpu::BufferHandle, std::size_t, void*, std::size_t) override { refuse(); }
  void copy(gpu::BufferHandle, std::size_t, gpu::BufferHandle, std::size_t, std::size_t) override {
    refuse();
  }
  void synchronize() override {}
  std::unique_ptr<DeviceEvent> record() override { return event_of_host_clock(); }

 private:
  [[noreturn]] static void refuse() { fail(ErrorCode::unsupported, "the text executor runs nothing"); }

  gpu::DeviceFacts facts_;
};

}  // namespace rustorch::testing
