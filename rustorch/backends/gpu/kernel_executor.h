#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rustorch/backends/device_event.h"

namespace rustorch::gpu {

class ConvolutionLibrary;
class MatrixLibrary;

/// What a device says of itself, and what its executor found out by asking or trying.
struct DeviceFacts {
  std::string name;    ///< "NVIDIA H200"
  std::string vendor;  ///< as the API names it; empty where it does not
  std::string driver;  ///< version of the driver, and of the API: "CUDA 13.0, driver 580.65"
  /// What compiled kernels depend on: device, driver and compiler. Part of the key of cached kernels.
  std::string compiler_identity;
  std::uint64_t memory_bytes = 0;
  std::uint64_t largest_buffer_bytes = 0;
  std::uint64_t local_memory_bytes = 0;  ///< for one group
  std::uint32_t compute_units = 0;       ///< 0 where the API does not tell
  std::uint32_t most_group_threads = 0;
  std::size_t most_argument_bytes = 0;  ///< of all parameters of a kernel (Metal: of the struct)
  /// How many 32-bit registers each of 256 threads may fill with elements of a row, for rows to be read once.
  /// None where that is not known to pay: a CPU's compiler unrolls the loops over them into code that takes
  /// it minutes, and has no such registers.
  std::int64_t held_registers = 0;
  bool has_float64 = false;
  /// A buffer's handle is the address that kernels see: it may stand in their parameter struct.
  bool handles_are_addresses = false;
  /// Adds to int64, float32 and float64 in memory are one instruction, and not only those to int32.
  bool has_wide_atomics = false;
  bool unified_memory = false;  ///< host and device share one memory
  /// Its compiler is known to get products wrong in some versions: they are tried before they are used.
  bool products_need_probe = false;
};

/// A compiled source, which holds any number of kernels. Belongs to the executor that made it and must go
/// before it.
class Module {
 public:
  virtual ~Module() = default;
};

/// A kernel of a module; must go before its module.
class Kernel {
 public:
  virtual ~Kernel() = default;
};

/// A buffer of device memory as its API knows it (cl_mem, CUdeviceptr, id<MTLBuffer>).
using BufferHandle = void*;

/// One argument of a kernel, in the order of its parameters: a buffer, or the bytes of the parameter struct.
struct KernelArgument {
  BufferHandle buffer = nullptr;
  const void* bytes = nullptr;  ///< not nullptr: the struct's bytes, copied at the launch
  std::size_t size = 0;
};

/// How many groups of how many threads; groups are one-dimensional, as the dialect's KERNEL declares them.
struct LaunchShape {
  std::uint32_t groups_x = 1, groups_y = 1, groups_z = 1;
  std::uint32_t group_threads = 256;
};

/// One GPU through one API: all that is different between CUDA, OpenCL and Metal. Work is queued and done in
/// the order of the calls. Members may be called from any thread. Errors of the API are an Error that names
/// the call and the API's code.
class KernelExecutor {
 public:
  virtual ~KernelExecutor() = default;

  /// The API's library of matrix products; nullptr where there can be none. It may still turn out absent.
  virtual MatrixLibrary* matrix_library() noexcept { return nullptr; }
  /// The API's library of convolutions, likewise.
  virtual ConvolutionLibrary* convolution_library() noexcept { return nullptr; }

  virtual const DeviceFacts& facts() const noexcept = 0;
  /// The text that maps the kernel dialect to this API's language; stands before every source.
  virtual std::string_view prelude() const noexcept = 0;

  /// Compiles a source (which begins with the prelude). An Error (unsupported) with the compiler's log, and
  /// the lines that it complains of, if the source is not accepted.
  virtual std::unique_ptr<Module> compile(const std::string& source) = 0;
  /// The compiled form for this device, for `load` in another process; empty where the API has none, or takes
  /// too long over it. Not while the program ends: drivers compile for it (PoCL) and may be half shut down.
  virtual std::vector<std::byte> binary(const Module& module) = 0;
  /// A module from its compiled form; nullptr if the driver does not take it. Drivers trust these bytes (PoCL
  /// crashes on damaged ones): whoever keeps them must know that they are whole.
  virtual std::unique_ptr<Module> load(std::span<const std::byte> binary) = 0;
  /// The kernel of this name; an Error (internal) if the module has none.
  virtual std::unique_ptr<Kernel> kernel(Module& module, const std::string& name) = 0;

  /// Queues one run of a kernel. What fails on the device is an Error of this or a later call.
  virtual void launch(Kernel& kernel, const LaunchShape& shape,
                      std::span<const KernelArgument> arguments) = 0;

  /// Device memory, uninitialized; nullptr if there is not enough. What was released may count as used until
  /// the next `synchronize`.
  virtual BufferHandle allocate(std::size_t bytes) = 0;
  /// Gives memory back after the work that is queued now; does nothing in a forked child.
  virtual void release(BufferHandle buffer) noexcept = 0;

  /// Copies from the host after the queued work; `source` may be changed when it returns.
  virtual void write(BufferHandle buffer, std::size_t offset, const void* source, std::size_t bytes) = 0;
  /// Copies to the host after the queued work, and waits for it.
  virtual void read(BufferHandle buffer, std::size_t offset, void* destination, std::size_t bytes) = 0;
  /// Queues a copy on the device; the ranges do not overlap.
  virtual void copy(BufferHandle from, std::size_t from_offset, BufferHandle to, std::size_t to_offset,
                    std::size_t bytes) = 0;
  /// Waits for all queued work.
  virtual void synchronize() = 0;

  /// Marks the work that is queued so far. Events go before their executor.
  virtual std::unique_ptr<DeviceEvent> record() = 0;
  /// Seconds that the device took for the work queued by `work`, by the device's own clock; what other
  /// threads queue meanwhile counts too.
  virtual double device_seconds(const std::function<void()>& work) {
    const std::unique_ptr<DeviceEvent> begin = record();
    work();
    return record()->seconds_since(*begin);
  }
};

/// What looking for the devices of one API found.
struct ExecutorProbe {
  std::vector<std::unique_ptr<KernelExecutor>> executors;
  /// Why there is none ("libOpenCL.so.1 cannot be opened", "no device" …), or which others failed.
  std::string absence;
};

}  // namespace rustorch::gpu
