#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rustorch/backends/gpu/cuda/driver_api.h"
#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu::cuda {

/// A cubin that a context has loaded.
class CudaModule final : public Module {
 public:
  /// Takes over `module`, which was loaded from `cubin` into this context.
  CudaModule(const DriverApi& api, ContextHandle context, ModuleHandle module, std::vector<std::byte> cubin);
  ~CudaModule() override;
  CudaModule(const CudaModule&) = delete;
  CudaModule& operator=(const CudaModule&) = delete;

  ModuleHandle handle() const noexcept { return module_; }
  const std::vector<std::byte>& cubin() const noexcept { return cubin_; }

 private:
  const DriverApi& api_;
  ContextHandle context_;
  ModuleHandle module_;
  std::vector<std::byte> cubin_;
};

/// A function of a module. The driver frees it with the module.
class CudaKernel final : public Kernel {
 public:
  /// The module's context must be current. Throws an Error (internal) if the module has no such function.
  CudaKernel(const DriverApi& api, const CudaModule& module, std::string name);

  FunctionHandle handle() const noexcept { return function_; }
  const std::string& name() const noexcept { return name_; }
  /// Throws an Error (internal) unless there is an argument of the right size for each parameter: the driver
  /// would read past the end of those given. Drivers before CUDA 12.4 do not tell; there it does nothing.
  void require_arguments(std::span<const KernelArgument> arguments) const;

 private:
  FunctionHandle function_ = nullptr;
  std::string name_;
  std::vector<std::size_t> parameter_bytes_;  ///< empty: not known
};

/// Loads a cubin into the current context. nullptr if it is none, is cut off, or the driver does not take it
/// for this device; an Error if something else fails.
std::unique_ptr<CudaModule> load_module(const DriverApi& api, ContextHandle context,
                                        std::vector<std::byte> cubin);

}  // namespace rustorch::gpu::cuda
