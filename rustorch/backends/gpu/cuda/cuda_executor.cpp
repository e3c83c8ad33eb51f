#include "rustorch/backends/gpu/cuda/cuda_executor.h"

#include <exception>
#include <utility>

#include "rustorch/backends/gpu/cuda/bulk_staging.h"
#include "rustorch/backends/gpu/cuda/compiled_module.h"
#include "rustorch/backends/gpu/cuda/cublaslt.h"
#include "rustorch/backends/gpu/cuda/cudnn.h"
#include "rustorch/backends/gpu/cuda/device_facts.h"
#include "rustorch/backends/gpu/cuda/device_memory.h"
#include "rustorch/backends/gpu/cuda/driver_api.h"
#include "rustorch/backends/gpu/cuda/nvrtc_api.h"
#include "rustorch/backends/gpu/cuda/write_staging.h"
#include "rustorch/backends/gpu/kernel_texts.h"
#include "rustorch/core/inline_list.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

// A kernel's argument for a buffer is read as the device's pointer.
static_assert(sizeof(BufferHandle) == sizeof(DevicePointer));

DevicePointer pointer_of(BufferHandle buffer, std::size_t offset = 0) {
  return reinterpret_cast<DevicePointer>(buffer) + offset;
}

/// Keeps a device's primary context alive.
class PrimaryContext {
 public:
  PrimaryContext(const DriverApi& api, DeviceHandle device) : api_(api), device_(device) {
    check(api_, api_.cuDevicePrimaryCtxRetain(&context_, device_), "cuDevicePrimaryCtxRetain");
  }
  ~PrimaryContext() {
    if (api_.process.is_same()) api_.cuDevicePrimaryCtxRelease(device_);
  }
  PrimaryContext(const PrimaryContext&) = delete;
  PrimaryContext& operator=(const PrimaryContext&) = delete;
  ContextHandle handle() const noexcept { return context_; }

 private:
  const DriverApi& api_;
  DeviceHandle device_;
  ContextHandle context_ = nullptr;
};

/// A stream that does not wait for the default one, which other libraries of the process use.
class Stream {
 public:
  explicit Stream(const DriverApi& api) : api_(api) {
    check(api_, api_.cuStreamCreate(&stream_, stream_non_blocking), "cuStreamCreate");
  }
  ~Stream() { api_.cuStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  StreamHandle handle() const noexcept { return stream_; }
  void synchronize() const { check(api_, api_.cuStreamSynchronize(stream_), "cuStreamSynchronize"); }

 private:
  const DriverApi& api_;
  StreamHandle stream_ = nullptr;
};

/// The stream and what works in its order. Made and destroyed while the context is current.
struct WorkQueue {
  WorkQueue(const DriverApi& api, DeviceHandle device, ContextHandle context, const DeviceTraits& traits)
      : stream(api),
        memory(api, device, traits.has_memory_pools, stream.handle()),
        small_writes(api, stream.handle()),
        bulk(api, stream.handle()),
        products(api, context, stream.handle(), memory),
        convolutions(api, context, stream.handle(), traits.facts.memory_bytes) {}

  Stream stream;
  DeviceMemory memory;
  WriteStaging small_writes;
  BulkStaging bulk;
  CublasLt products;
  Cudnn convolutions;
};

/// An event in the executor's stream, for calls from any thread.
class CudaEvent final : public DeviceEvent {
 public:
  /// While the context is current.
  CudaEvent(const DriverApi& api, ContextHandle context, StreamHandle stream)
      : api_(api), context_(context), event_(std::make_unique<Event>(api, event_default)) {
    event_->record(stream);
  }
  ~CudaEvent() override {
    try {
      const CurrentContext current(api_, context_);
      event_.reset();
    } catch (const std::exception&) {
      static_cast<void>(event_.release());  // a forked child, or the driver has shut down
    }
  }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  bool is_done() override {
    const CurrentContext current(api_, context_);
    return event_->is_done();
  }
  void wait() override {
    const CurrentContext current(api_, context_);
    event_->synchronize();
  }
  double seconds_since(DeviceEvent& earlier) override {
    const CurrentContext current(api_, context_);
    auto& begin = *static_cast<CudaEvent&>(earlier).event_;
    begin.synchronize();
    event_->synchronize();
    return event_->seconds_since(begin);
  }

 private:
  const DriverApi& api_;
  ContextHandle context_;
  std::unique_ptr<Event> event_;
};

class CudaExecutor final : public KernelExecutor {
 public:
  CudaExecutor(const DriverApi& api, DeviceHandle device, DeviceTraits traits)
      : api_(api), traits_(std::move(traits)), context_(api, device) {
    const CurrentContext current = enter();
    queue_ = std::make_unique<WorkQueue>(api_, device, context_.handle(), traits_);
  }
  ~CudaExecutor() override {
    try {
      const CurrentContext current = enter();
      api_.cuStreamSynchronize(queue_->stream.handle());
      queue_.reset();
    } catch (const std::exception&) {
      // A forked child, or the driver has shut down before us: nothing of this is ours any more.
      static_cast<void>(queue_.release());
    }
  }
  CudaExecutor(const CudaExecutor&) = delete;
  CudaExecutor& operator=(const CudaExecutor&) = delete;

  MatrixLibrary* matrix_library() noexcept override { return &queue_->products; }
  ConvolutionLibrary* convolution_library() noexcept override { return &queue_->convolutions; }
  const DeviceFacts& facts() const noexcept override { return traits_.facts; }
  std::string_view prelude() const noexcept override { return kernel_text("prelude_cuda.h"); }

  std::unique_ptr<Module> compile(const std::string& source) override {
    const CurrentContext current = enter();
    auto module =
        load_module(api_, context_.handle(), compile_to_cubin(source, traits_.major, traits_.minor));
    RUSTORCH_CHECK(module != nullptr, unsupported, "{} ({}) does not take what NVRTC compiled for it",
                   facts().name, facts().driver);
    return module;
  }

  std::vector<std::byte> binary(const Module& module) override {
    api_.process.require_same();
    return static_cast<const CudaModule&>(module).cubin();
  }

  std::unique_ptr<Module> load(std::span<const std::byte> binary) override {
    const CurrentContext current = enter();
    return load_module(api_, context_.handle(), {binary.begin(), binary.end()});
  }

  std::unique_ptr<Kernel> kernel(Module& module, const std::string& name) override {
    const CurrentContext current = enter();
    return std::make_unique<CudaKernel>(api_, static_cast<const CudaModule&>(module), name);
  }

  void launch(Kernel& kernel, const LaunchShape& shape, std::span<const KernelArgument> arguments) override {
    const CurrentContext current = enter();
    const auto& compiled = static_cast<const CudaKernel&>(kernel);
    compiled.require_arguments(arguments);
    constexpr std::size_t most = 64;
    RUSTORCH_CHECK(arguments.size() <= most, internal, "kernel `{}` has {} arguments, more than {}",
                   compiled.name(), arguments.size(), most);
    InlineList<void*, most> parameters;  // addresses of values, which the driver copies before it returns
    for (const KernelArgument& argument : arguments) {
      const void* value = argument.bytes != nullptr ? argument.bytes : &argument.buffer;
      parameters.emplace_back(const_cast<void*>(value));
    }
    const Result result =
        api_.cuLaunchKernel(compiled.handle(), shape.groups_x, shape.groups_y, shape.groups_z,
                            shape.group_threads, 1, 1, 0, stream(), parameters.data(), nullptr);
    if (result != Result::success) [[unlikely]] {
      fail_call(api_, result,
                fmt::format("cuLaunchKernel of `{}` ({} x {} x {} groups of {})", compiled.name(),
                            shape.groups_x, shape.groups_y, shape.groups_z, shape.group_threads));
    }
  }

  BufferHandle allocate(std::size_t bytes) override {
    const CurrentContext current = enter();
    return reinterpret_cast<BufferHandle>(queue_->memory.allocate(bytes));
  }

  void release(BufferHandle buffer) noexcept override {
    if (buffer == nullptr) return;
    try {
      const CurrentContext current = enter();
      queue_->memory.release(pointer_of(buffer));
    } catch (const std::exception&) {
      // A forked child, or a device that failed: its memory goes with the context.
    }
  }

  void write(BufferHandle buffer, std::size_t offset, const void* source, std::size_t bytes) override {
    const CurrentContext current = enter();
    if (bytes == 0) return;
    const DevicePointer to = pointer_of(buffer, offset);
    if (bytes <= WriteStaging::most_bytes) {
      queue_->small_writes.write(to, source, bytes);
      return;
    }
    queue_->bulk.write(to, source, bytes);
  }

  void read(BufferHandle buffer, std::size_t offset, void* destination, std::size_t bytes) override {
    const CurrentContext current = enter();
    if (bytes == 0) return;
    if (bytes >= BulkStaging::least_read) {
      queue_->bulk.read(destination, pointer_of(buffer, offset), bytes);
      return;
    }
    check(api_, api_.cuMemcpyDtoHAsync(destination, pointer_of(buffer, offset), bytes, stream()),
          "cuMemcpyDtoHAsync");
    queue_->stream.synchronize();
  }

  void copy(BufferHandle from, std::size_t from_offset, BufferHandle to, std::size_t to_offset,
            std::size_t bytes) override {
    const CurrentContext current = enter();
    if (bytes == 0) return;
    check(api_,
          api_.cuMemcpyDtoDAsync(pointer_of(to, to_offset), pointer_of(from, from_offset), bytes, stream()),
          "cuMemcpyDtoDAsync");
  }

  void synchronize() override {
    const CurrentContext current = enter();
    queue_->stream.synchronize();
  }

  std::unique_ptr<DeviceEvent> record() override {
    const CurrentContext current = enter();
    return std::make_unique<CudaEvent>(api_, context_.handle(), stream());
  }

 private:
  /// Makes the device's context the calling thread's: members may be called from any thread.
  CurrentContext enter() const { return {api_, context_.handle()}; }
  StreamHandle stream() const noexcept { return queue_->stream.handle(); }

  const DriverApi& api_;
  DeviceTraits traits_;
  PrimaryContext context_;
  std::unique_ptr<WorkQueue> queue_;
};

}  // namespace

ExecutorProbe open_cuda() {
  ExecutorProbe probe;
  const DriverApi* api = driver_api(probe.absence);
  if (api == nullptr) return probe;
  const NvrtcApi* compiler = nvrtc_api(probe.absence);
  if (compiler == nullptr) return probe;
  int count = 0;
  if (const Result result = api->cuDeviceGetCount(&count); result != Result::success) {
    probe.absence = "cuDeviceGetCount: " + describe(*api, result);
    return probe;
  }
  if (count == 0) probe.absence = "the driver knows no device";
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    try {
      DeviceHandle device = 0;
      check(*api, api->cuDeviceGet(&device, ordinal), "cuDeviceGet");
      probe.executors.push_back(
          std::make_unique<CudaExecutor>(*api, device, ask_device(*api, *compiler, device)));
    } catch (const Error& error) {
      if (!probe.absence.empty()) probe.absence += "; ";
      probe.absence += fmt::format("device {}: {}", ordinal, error.message());
    }
  }
  return probe;
}

}  // namespace rustorch::gpu::cuda
