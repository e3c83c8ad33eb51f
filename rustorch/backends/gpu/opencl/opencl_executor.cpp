#include "rustorch/backends/gpu/opencl/opencl_executor.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "rustorch/backends/gpu/compile_log.h"
#include "rustorch/backends/gpu/kernel_texts.h"
#include "rustorch/backends/gpu/opencl/opencl_api.h"
#include "rustorch/backends/gpu/process_guard.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::opencl {
namespace {

/// What two calls of a query give: the size, then the text.
template <class Query>
std::string text_of(const Query& query) {
  std::size_t bytes = 0;
  if (query(0, nullptr, &bytes) != success || bytes == 0) return {};
  std::string text(bytes, '\0');
  if (query(bytes, text.data(), nullptr) != success) return {};
  text.resize(std::min(text.size(), text.find('\0')));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

std::string device_text(const OpenClApi& api, DeviceId device, Name name) {
  return text_of([&](std::size_t size, void* value, std::size_t* needed) {
    return api.clGetDeviceInfo(device, name, size, value, needed);
  });
}

/// A number of a device; 0 where the device does not tell.
template <class T>
T device_number(const OpenClApi& api, DeviceId device, Name name) {
  T value{};
  if (api.clGetDeviceInfo(device, name, sizeof(value), &value, nullptr) != success) return T{};
  return value;
}

class OpenClModule final : public Module {
 public:
  OpenClModule(const OpenClApi& api, Program program) : api_(api), program_(program) {}
  ~OpenClModule() override { api_.clReleaseProgram(program_); }
  OpenClModule(const OpenClModule&) = delete;
  OpenClModule& operator=(const OpenClModule&) = delete;
  Program program() const noexcept { return program_; }

 private:
  const OpenClApi& api_;
  Program program_;
};

class OpenClKernel final : public Kernel {
 public:
  OpenClKernel(const OpenClApi& api, KernelId kernel) : api_(api), kernel_(kernel) {}
  ~OpenClKernel() override { api_.clReleaseKernel(kernel_); }
  OpenClKernel(const OpenClKernel&) = delete;
  OpenClKernel& operator=(const OpenClKernel&) = delete;
  KernelId kernel() const noexcept { return kernel_; }

 private:
  const OpenClApi& api_;
  KernelId kernel_;
};

/// A marker in the queue.
class OpenClEvent final : public DeviceEvent {
 public:
  OpenClEvent(const OpenClApi& api, const ProcessGuard& process, Event event)
      : api_(api), process_(process), event_(event) {}
  ~OpenClEvent() override {
    if (process_.is_same()) api_.clReleaseEvent(event_);
  }
  OpenClEvent(const OpenClEvent&) = delete;
  OpenClEvent& operator=(const OpenClEvent&) = delete;

  bool is_done() override {
    process_.require_same();
    Status status = success;
    check(api_.clGetEventInfo(event_, event_status, sizeof(status), &status, nullptr), "clGetEventInfo");
    if (status < event_complete) check(status, "the work before an event");
    return status == event_complete;
  }
  void wait() override {
    process_.require_same();
    check(api_.clWaitForEvents(1, &event_), "clWaitForEvents");
  }
  double seconds_since(DeviceEvent& earlier) override {
    const std::uint64_t end = ended(), begin = static_cast<OpenClEvent&>(earlier).ended();
    return 1e-9 * static_cast<double>(static_cast<std::int64_t>(end - begin));
  }

 private:
  std::uint64_t ended() {
    wait();
    std::uint64_t nanoseconds = 0;
    check(api_.clGetEventProfilingInfo(event_, event_ended, sizeof(nanoseconds), &nanoseconds, nullptr),
          "clGetEventProfilingInfo");
    return nanoseconds;
  }

  const OpenClApi& api_;
  const ProcessGuard process_;
  Event event_;
};

class OpenClExecutor final : public KernelExecutor {
 public:
  OpenClExecutor(const OpenClApi& api, Platform platform, DeviceId device) : api_(api), device_(device) {
    ask(platform);
    Status status = success;
    context_ = api_.clCreateContext(nullptr, 1, &device_, nullptr, nullptr, &status);
    check(status, "clCreateContext");
    queue_ = api_.clCreateCommandQueue(context_, device_, profiling_enabled, &status);
    if (status != success) api_.clReleaseContext(context_);
    check(status, "clCreateCommandQueue");
  }
  ~OpenClExecutor() override {
    api_.clReleaseCommandQueue(queue_);
    api_.clReleaseContext(context_);
  }
  OpenClExecutor(const OpenClExecutor&) = delete;
  OpenClExecutor& operator=(const OpenClExecutor&) = delete;

  const DeviceFacts& facts() const noexcept override { return facts_; }
  std::string_view prelude() const noexcept override { return kernel_text("prelude_opencl.h"); }

  std::unique_ptr<Module> compile(const std::string& source) override {
    process_.require_same();
    const char* text = source.data();
    const std::size_t length = source.size();
    Status status = success;
    Program program = api_.clCreateProgramWithSource(context_, 1, &text, &length, &status);
    check(status, "clCreateProgramWithSource");
    auto module = std::make_unique<OpenClModule>(api_, program);
    status = api_.clBuildProgram(program, 1, &device_, options_.c_str(), nullptr, nullptr);
    if (status == build_program_failure) {
      const std::string log = text_of([&](std::size_t size, void* value, std::size_t* needed) {
        return api_.clGetProgramBuildInfo(program, device_, program_build_log, size, value, needed);
      });
      fail(ErrorCode::unsupported, "{} does not compile a kernel:\n{}", facts_.name,
           annotate_log(source, log));
    }
    check(status, "clBuildProgram");
    return module;
  }

  std::vector<std::byte> binary(const Module& module) override {
    process_.require_same();
    Program program = static_cast<const OpenClModule&>(module).program();
    std::size_t bytes = 0, kernels = 0;
    if (compiles_for_binary_) {
      check(api_.clGetProgramInfo(program, program_kernel_count, sizeof(kernels), &kernels, nullptr),
            "clGetProgramInfo");
      if (kernels > most_kernels_to_compile) return {};
    }
    check(api_.clGetProgramInfo(program, program_binary_sizes, sizeof(bytes), &bytes, nullptr),
          "clGetProgramInfo");
    std::vector<std::byte> binary(bytes);
    unsigned char* data = reinterpret_cast<unsigned char*>(binary.data());
    if (bytes > 0)
      check(api_.clGetProgramInfo(program, program_binaries, sizeof(data), &data, nullptr),
            "clGetProgramInfo");
    return binary;
  }

  std::unique_ptr<Module> load(std::span<const std::byte> binary) override {
    process_.require_same();
    const auto* data = reinterpret_cast<const unsigned char*>(binary.data());
    const std::size_t bytes = binary.size();
    Status taken = success, status = success;
    Program program = api_.clCreateProgramWithBinary(context_, 1, &device_, &bytes, &data, &taken, &status);
    if (status != success || taken != success) {
      if (program != nullptr) api_.clReleaseProgram(program);
      return nullptr;
    }
    auto module = std::make_unique<OpenClModule>(api_, program);
    const Status built = api_.clBuildProgram(program, 1, &device_, options_.c_str(), nullptr, nullptr);
    return built == success ? std::move(module) : nullptr;
  }

  std::unique_ptr<Kernel> kernel(Module& module, const std::string& name) override {
    process_.require_same();
    Status status = success;
    KernelId found = api_.clCreateKernel(static_cast<OpenClModule&>(module).program(), name.c_str(), &status);
    if (status != success) fail(ErrorCode::internal, "kernel `{}`: {}", name, status_name(status));
    return std::make_unique<OpenClKernel>(api_, found);
  }

  void launch(Kernel& kernel, const LaunchShape& shape, std::span<const KernelArgument> arguments) override {
    process_.require_same();
    KernelId id = static_cast<OpenClKernel&>(kernel).kernel();
    const std::array<std::size_t, 3> group = {shape.group_threads, 1, 1};
    const std::array<std::size_t, 3> all = {std::size_t{shape.groups_x} * shape.group_threads, shape.groups_y,
                                            shape.groups_z};
    const std::lock_guard lock(mutex_);  // a kernel's arguments belong to it, not to the call
    std::uint32_t index = 0;
    for (const KernelArgument& argument : arguments) {
      const Status status = argument.bytes != nullptr
                                ? api_.clSetKernelArg(id, index, argument.size, argument.bytes)
                                : api_.clSetKernelArg(id, index, sizeof(argument.buffer), &argument.buffer);
      check(status, "clSetKernelArg");
      ++index;
    }
    check(api_.clEnqueueNDRangeKernel(queue_, id, 3, nullptr, all.data(), group.data(), 0, nullptr, nullptr),
          "clEnqueueNDRangeKernel");
    // Nothing need start before a flush, and one for each launch would be a call more.
    if (++unflushed_ >= launches_between_flushes) {
      unflushed_ = 0;
      check(api_.clFlush(queue_), "clFlush");
    }
  }

  BufferHandle allocate(std::size_t bytes) override {
    process_.require_same();
    Status status = success;
    Memory memory = api_.clCreateBuffer(context_, read_write, bytes, nullptr, &status);
    return status == success ? memory : nullptr;
  }

  void release(BufferHandle buffer) noexcept override {
    if (process_.is_same()) api_.clReleaseMemObject(static_cast<Memory>(buffer));  // kept by queued work
  }

  void write(BufferHandle buffer, std::size_t offset, const void* source, std::size_t bytes) override {
    process_.require_same();
    check(api_.clEnqueueWriteBuffer(queue_, static_cast<Memory>(buffer), 1, offset, bytes, source, 0, nullptr,
                                    nullptr),
          "clEnqueueWriteBuffer");
  }

  void read(BufferHandle buffer, std::size_t offset, void* destination, std::size_t bytes) override {
    process_.require_same();
    check(api_.clEnqueueReadBuffer(queue_, static_cast<Memory>(buffer), 1, offset, bytes, destination, 0,
                                   nullptr, nullptr),
          "clEnqueueReadBuffer");
  }

  void copy(BufferHandle from, std::size_t from_offset, BufferHandle to, std::size_t to_offset,
            std::size_t bytes) override {
    process_.require_same();
    check(api_.clEnqueueCopyBuffer(queue_, static_cast<Memory>(from), static_cast<Memory>(to), from_offset,
                                   to_offset, bytes, 0, nullptr, nullptr),
          "clEnqueueCopyBuffer");
  }

  void synchronize() override {
    process_.require_same();
    check(api_.clFinish(queue_), "clFinish");
  }

  std::unique_ptr<DeviceEvent> record() override {
    process_.require_same();
    Event event = nullptr;
    check(api_.clEnqueueMarkerWithWaitList(queue_, 0, nullptr, &event), "clEnqueueMarkerWithWaitList");
    auto recorded = std::make_unique<OpenClEvent>(api_, process_, event);
    check(api_.clFlush(queue_), "clFlush");  // who asks whether it is done need not wait for it
    return recorded;
  }

 private:
  static constexpr int launches_between_flushes = 16;
  /// PoCL compiles every kernel of a program once more before it gives the binary, 60 ms each, and keeps what
  /// it compiled on disk itself: building the source again takes it 30 ms, loading the binary 2.
  static constexpr std::size_t most_kernels_to_compile = 4;

  void ask(Platform platform) {
    const auto platform_text = [&](Name name) {
      return text_of([&](std::size_t size, void* value, std::size_t* needed) {
        return api_.clGetPlatformInfo(platform, name, size, value, needed);
      });
    };
    const std::string on = platform_text(platform_name);
    compiles_for_binary_ = on == "Portable Computing Language";
    facts_.products_need_probe = compiles_for_binary_;
    facts_.name = device_text(api_, device_, device_name);
    facts_.vendor = device_text(api_, device_, device_vendor);
    facts_.driver = fmt::format("{} ({}), driver {}", platform_text(platform_version), on,
                                device_text(api_, device_, driver_version));
    facts_.memory_bytes = device_number<std::uint64_t>(api_, device_, device_global_memory);
    facts_.largest_buffer_bytes = device_number<std::uint64_t>(api_, device_, device_max_memory_allocation);
    facts_.local_memory_bytes = device_number<std::uint64_t>(api_, device_, device_local_memory);
    facts_.compute_units = device_number<std::uint32_t>(api_, device_, device_max_compute_units);
    facts_.most_group_threads =
        static_cast<std::uint32_t>(device_number<std::size_t>(api_, device_, device_max_work_group_size));
    facts_.most_argument_bytes = device_number<std::size_t>(api_, device_, device_max_parameter_size);
    facts_.has_float64 = device_number<Bits>(api_, device_, device_double_config) != 0;
    facts_.unified_memory = device_number<std::uint32_t>(api_, device_, device_unified_memory) != 0;
    options_ = "-cl-std=CL1.2 -w";  // PoCL would print its warnings
    if ((device_number<Bits>(api_, device_, device_fp_config) & correctly_rounded_divide) != 0)
      options_ += " -cl-fp32-correctly-rounded-divide-sqrt";
    facts_.compiler_identity = fmt::format("opencl {} | {} | {}", facts_.name, facts_.driver, options_);
  }

  const OpenClApi& api_;
  DeviceId device_;
  DeviceFacts facts_;
  std::string options_;
  bool compiles_for_binary_ = false;  ///< PoCL
  Context context_ = nullptr;
  Queue queue_ = nullptr;
  ProcessGuard process_{"OpenCL"};
  std::mutex mutex_;
  int unflushed_ = 0;
};

}  // namespace

ExecutorProbe open_opencl() {
  ExecutorProbe probe;
  const OpenClApi* api = opencl_api(probe.absence);
  if (api == nullptr) return probe;
  std::uint32_t count = 0;
  const Status status = api->clGetPlatformIDs(0, nullptr, &count);
  if (status == no_platform || (status == success && count == 0)) {
    probe.absence = "the OpenCL loader knows no platform (no driver is installed)";
    return probe;
  }
  if (status != success) {
    probe.absence = "clGetPlatformIDs failed: " + status_name(status);
    return probe;
  }
  std::vector<Platform> platforms(count);
  check(api->clGetPlatformIDs(count, platforms.data(), nullptr), "clGetPlatformIDs");
  std::string refused;
  for (Platform platform : platforms) {
    std::uint32_t devices = 0;
    if (api->clGetDeviceIDs(platform, all_devices, 0, nullptr, &devices) != success || devices == 0) continue;
    std::vector<DeviceId> ids(devices);
    check(api->clGetDeviceIDs(platform, all_devices, devices, ids.data(), nullptr), "clGetDeviceIDs");
    for (DeviceId id : ids) {
      const bool usable = device_number<std::uint32_t>(*api, id, device_available) != 0 &&
                          device_number<std::uint32_t>(*api, id, device_compiler_available) != 0;
      if (!usable) {
        refused = device_text(*api, id, device_name) + " is not available or has no compiler";
        continue;
      }
      try {
        probe.executors.push_back(std::make_unique<OpenClExecutor>(*api, platform, id));
      } catch (const Error& error) {
        refused = error.message();
      }
    }
  }
  if (probe.executors.empty())
    probe.absence = refused.empty() ? "no OpenCL platform here has a device" : "no usable device: " + refused;
  return probe;
}

}  // namespace rustorch::gpu::opencl
