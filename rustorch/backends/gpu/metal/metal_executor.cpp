#include "rustorch/backends/gpu/metal/metal_executor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "rustorch/backends/gpu/compile_log.h"
#include "rustorch/backends/gpu/kernel_texts.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::metal {
namespace {

/// MTLSize.
struct Size {
  std::size_t width, height, depth;
};

// Of Metal's headers: MTLResourceStorageModeShared (and hazards tracked), MTLMathModeSafe,
// MTLCommandBufferStatusCompleted and MTLCommandBufferStatusError.
constexpr std::size_t shared_storage = 0;
constexpr long safe_math = 0;
constexpr long command_buffer_completed = 4, command_buffer_failed = 5;
/// MTLGPUFamilyApple7 and MTLGPUFamilyMac2: what they and later ones have includes shuffles in simdgroups.
constexpr long family_apple7 = 1007, family_mac2 = 2002;
/// The limits of setBytes, of buffer indices, and (on macOS) the unit of a blit's offsets and size.
constexpr std::size_t most_inline_bytes = 4096, most_bindings = 31, blit_unit = 4;
/// Launches in a command buffer: so many that its own cost hardly counts, so few that the device begins soon.
/// Chosen without a Mac to measure on.
constexpr std::size_t most_collected = 64;
/// Metal lets 64 command buffers of a queue be underway and blocks at the next; we wait before.
constexpr std::size_t most_committed = 32;

/// An MTLLibrary.
class MetalModule final : public Module {
 public:
  explicit MetalModule(ObjectReference library) : library_(std::move(library)) {}
  Object library() const noexcept { return library_.get(); }

 private:
  ObjectReference library_;
};

/// An MTLComputePipelineState.
class MetalKernel final : public Kernel {
 public:
  MetalKernel(ObjectReference pipeline, std::string name)
      : pipeline_(std::move(pipeline)),
        name_(std::move(name)),
        most_threads_(message<std::size_t>(pipeline_.get(), "maxTotalThreadsPerThreadgroup")) {}
  Object pipeline() const noexcept { return pipeline_.get(); }
  const std::string& name() const noexcept { return name_; }
  std::size_t most_threads() const noexcept { return most_threads_; }

 private:
  ObjectReference pipeline_;
  std::string name_;
  std::size_t most_threads_;
};

/// The end of a committed MTLCommandBuffer.
class MetalEvent final : public DeviceEvent {
 public:
  explicit MetalEvent(ObjectReference command_buffer) : command_buffer_(std::move(command_buffer)) {}
  ~MetalEvent() override {
    if (process_.is_same()) {
      const AutoreleasePool pool;
      command_buffer_.reset();
    } else {
      command_buffer_.abandon();
    }
  }
  MetalEvent(const MetalEvent&) = delete;
  MetalEvent& operator=(const MetalEvent&) = delete;

  bool is_done() override {
    process_.require_same();
    const AutoreleasePool pool;
    return status() >= command_buffer_completed;
  }
  void wait() override {
    process_.require_same();
    const AutoreleasePool pool;
    message<void>(command_buffer_.get(), "waitUntilCompleted");
    RUSTORCH_CHECK(status() != command_buffer_failed, internal, "Metal: a command buffer failed: {}",
                   error_text(message(command_buffer_.get(), "error")));
  }
  double seconds_since(DeviceEvent& earlier) override {
    return end_seconds() - static_cast<MetalEvent&>(earlier).end_seconds();
  }

 private:
  long status() const { return message<long>(command_buffer_.get(), "status"); }
  double end_seconds() {
    wait();
    return message<double>(command_buffer_.get(), "GPUEndTime");
  }

  ObjectReference command_buffer_;
  ProcessGuard process_{"Metal"};
};

/// Where the host sees a buffer's bytes.
std::byte* contents(BufferHandle buffer) {
  auto* address = message<std::byte*>(buffer, "contents");
  RUSTORCH_CHECK(address != nullptr, internal, "Metal: a buffer has no contents");
  return address;
}

/// Whether the dialect's functions are there: 32-bit atomics and shuffles within simdgroups.
bool has_dialect(Object device) {
  return responds_to(device, "supportsFamily:") &&  // macOS 10.15 and later
         (message<bool>(device, "supportsFamily:", family_apple7) ||
          message<bool>(device, "supportsFamily:", family_mac2));
}

DeviceFacts ask(Object device) {
  DeviceFacts facts;
  facts.name = string_text(message(device, "name"));
  auto* process = message(objc_runtime().get_class("NSProcessInfo"), "processInfo");
  facts.driver = "Metal, " + string_text(message(process, "operatingSystemVersionString"));
  facts.compiler_identity = facts.name + ", " + facts.driver;  // the compiler is a part of the system
  facts.memory_bytes = message<std::size_t>(device, "recommendedMaxWorkingSetSize");
  facts.largest_buffer_bytes = message<std::size_t>(device, "maxBufferLength");
  facts.local_memory_bytes = message<std::size_t>(device, "maxThreadgroupMemoryLength");
  facts.most_group_threads =
      static_cast<std::uint32_t>(message<Size>(device, "maxThreadsPerThreadgroup").width);
  facts.most_argument_bytes = most_inline_bytes;
  facts.unified_memory = message<bool>(device, "hasUnifiedMemory");
  return facts;  // Metal tells neither vendor nor the number of compute units
}

}  // namespace

MetalExecutor::MetalExecutor(ObjectReference device) : device_(std::move(device)) {
  const AutoreleasePool pool;
  facts_ = ask(device_.get());
  queue_ = ObjectReference::adopt(message(device_.get(), "newCommandQueue"));
  RUSTORCH_CHECK(queue_, internal, "Metal: {} gives no command queue", facts_.name);
  committed_.reserve(most_committed);  // so that commit() cannot fail
}

MetalExecutor::~MetalExecutor() {
  if (!process_.is_same()) return;
  const AutoreleasePool pool;
  const std::lock_guard lock(mutex_);
  commit();
  // Nobody is left to hear of failures.
  while (!committed_.empty()) static_cast<void>(wait_for_oldest());
}

std::string_view MetalExecutor::prelude() const noexcept { return kernel_text("prelude_metal.h"); }

std::unique_ptr<Module> MetalExecutor::compile(const std::string& source) {
  process_.require_same();
  const AutoreleasePool pool;
  const auto options = ObjectReference::adopt(message(objc_runtime().get_class("MTLCompileOptions"), "new"));
  message<void>(options.get(), "setFastMathEnabled:", false);
  // macOS 15 has this in its place.
  if (responds_to(options.get(), "setMathMode:")) message<void>(options.get(), "setMathMode:", safe_math);
  Object error = nullptr;
  auto library = ObjectReference::adopt(message(
      device_.get(), "newLibraryWithSource:options:error:", make_string(source), options.get(), &error));
  RUSTORCH_CHECK(library, unsupported, "{} does not compile a kernel:\n{}", facts_.name,
                 annotate_log(source, string_text(message(error, "localizedDescription"))));
  return std::make_unique<MetalModule>(std::move(library));
}

std::vector<std::byte> MetalExecutor::binary(const Module&) { return {}; }

std::unique_ptr<Module> MetalExecutor::load(std::span<const std::byte>) { return nullptr; }

std::unique_ptr<Kernel> MetalExecutor::kernel(Module& module, const std::string& name) {
  process_.require_same();
  const AutoreleasePool pool;
  const auto function = ObjectReference::adopt(
      message(static_cast<MetalModule&>(module).library(), "newFunctionWithName:", make_string(name)));
  RUSTORCH_CHECK(function, internal, "Metal: the module has no kernel '{}'", name);
  Object error = nullptr;
  auto pipeline = ObjectReference::adopt(
      message(device_.get(), "newComputePipelineStateWithFunction:error:", function.get(), &error));
  RUSTORCH_CHECK(pipeline, unsupported, "{} does not take kernel '{}': {}", facts_.name, name,
                 error_text(error));
  return std::make_unique<MetalKernel>(std::move(pipeline), name);
}

void MetalExecutor::launch(Kernel& kernel, const LaunchShape& shape,
                           std::span<const KernelArgument> arguments) {
  process_.require_same();
  const auto& own = static_cast<const MetalKernel&>(kernel);
  const std::size_t groups = std::size_t{shape.groups_x} * shape.groups_y * shape.groups_z;
  RUSTORCH_CHECK(groups > 0 && shape.group_threads > 0, internal, "Metal: kernel '{}' over an empty grid",
                 own.name());
  RUSTORCH_CHECK(shape.group_threads <= own.most_threads(), internal,
                 "Metal: kernel '{}' takes groups of up to {} threads, not {}", own.name(),
                 own.most_threads(), shape.group_threads);
  RUSTORCH_CHECK(arguments.size() <= most_bindings, internal, "Metal: kernel '{}' has {} arguments, {} fit",
                 own.name(), arguments.size(), most_bindings);
  for (const KernelArgument& argument : arguments) {
    const bool is_bound = argument.bytes != nullptr || argument.buffer != nullptr;
    RUSTORCH_CHECK(is_bound, internal, "Metal: an argument of kernel '{}' is nothing", own.name());
    RUSTORCH_CHECK(argument.bytes == nullptr || argument.size <= most_inline_bytes, internal,
                   "Metal: kernel '{}' has parameters of {} bytes, {} fit", own.name(), argument.size,
                   most_inline_bytes);
  }

  const AutoreleasePool pool;
  const std::lock_guard lock(mutex_);
  auto* target = encoder(Encoding::kernels);
  message<void>(target, "setComputePipelineState:", own.pipeline());
  for (std::size_t index = 0; index < arguments.size(); ++index) {
    const KernelArgument& argument = arguments[index];
    if (argument.bytes != nullptr) {
      message<void>(target, "setBytes:length:atIndex:", argument.bytes, argument.size, index);
    } else {
      message<void>(target, "setBuffer:offset:atIndex:", argument.buffer, std::size_t{0}, index);
    }
  }
  message<void>(target, "dispatchThreadgroups:threadsPerThreadgroup:",
                Size{shape.groups_x, shape.groups_y, shape.groups_z}, Size{shape.group_threads, 1, 1});
  count_work();
}

BufferHandle MetalExecutor::allocate(std::size_t bytes) {
  process_.require_same();
  if (bytes > facts_.largest_buffer_bytes) return nullptr;
  const AutoreleasePool pool;
  // Metal has no buffers of 0 bytes.
  return message(device_.get(), "newBufferWithLength:options:", std::max<std::size_t>(bytes, 1),
                 shared_storage);
}

void MetalExecutor::release(BufferHandle buffer) noexcept {
  if (buffer == nullptr || !process_.is_same()) return;
  const AutoreleasePool pool;
  objc_runtime().release(buffer);  // command buffers hold what they use until they are done
}

void MetalExecutor::write(BufferHandle buffer, std::size_t offset, const void* source, std::size_t bytes) {
  process_.require_same();
  if (bytes == 0) return;
  const AutoreleasePool pool;
  const std::lock_guard lock(mutex_);
  finish();
  std::memcpy(contents(buffer) + offset, source, bytes);
}

void MetalExecutor::read(BufferHandle buffer, std::size_t offset, void* destination, std::size_t bytes) {
  process_.require_same();
  const AutoreleasePool pool;
  const std::lock_guard lock(mutex_);
  finish();
  if (bytes > 0) std::memcpy(destination, contents(buffer) + offset, bytes);
}

void MetalExecutor::copy(BufferHandle from, std::size_t from_offset, BufferHandle to, std::size_t to_offset,
                         std::size_t bytes) {
  process_.require_same();
  if (bytes == 0) return;
  const AutoreleasePool pool;
  const std::lock_guard lock(mutex_);
  if ((from_offset | to_offset | bytes) % blit_unit != 0) {
    finish();
    std::memcpy(contents(to) + to_offset, contents(from) + from_offset, bytes);
    return;
  }
  message<void>(encoder(Encoding::copies),
                "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:", from, from_offset, to,
                to_offset, bytes);
  count_work();
}

void MetalExecutor::synchronize() {
  process_.require_same();
  const AutoreleasePool pool;
  const std::lock_guard lock(mutex_);
  finish();
}

std::unique_ptr<DeviceEvent> MetalExecutor::record() {
  process_.require_same();
  const AutoreleasePool pool;
  const std::lock_guard lock(mutex_);
  auto event = std::make_unique<MetalEvent>(ObjectReference::retain(command_buffer()));
  commit_in_turn();
  return event;
}

double MetalExecutor::device_seconds(const std::function<void()>& work) {
  const auto seconds_so_far = [&] {
    synchronize();
    const std::lock_guard lock(mutex_);
    return seconds_;
  };
  const double before = seconds_so_far();
  work();
  return seconds_so_far() - before;
}

Object MetalExecutor::encoder(Encoding encoding) {
  if (encoding_ == encoding) return encoder_.get();
  end_encoding();
  const char* selector = encoding == Encoding::kernels ? "computeCommandEncoder" : "blitCommandEncoder";
  encoder_ = ObjectReference::retain(message(command_buffer(), selector));
  RUSTORCH_CHECK(encoder_, internal, "Metal: {} gives nothing", selector);
  encoding_ = encoding;
  return encoder_.get();
}

Object MetalExecutor::command_buffer() {
  if (!command_buffer_) {
    command_buffer_ = ObjectReference::retain(message(queue_.get(), "commandBuffer"));
    RUSTORCH_CHECK(command_buffer_, internal, "Metal: the queue gives no command buffer");
  }
  return command_buffer_.get();
}

void MetalExecutor::end_encoding() noexcept {
  if (encoding_ == Encoding::nothing) return;
  message<void>(encoder_.get(), "endEncoding");
  encoder_.reset();
  encoding_ = Encoding::nothing;
}

void MetalExecutor::commit() noexcept {
  end_encoding();
  if (!command_buffer_) return;
  message<void>(command_buffer_.get(), "commit");
  committed_.push_back(std::move(command_buffer_));
  collected_ = 0;
}

void MetalExecutor::count_work() {
  if (++collected_ >= most_collected) commit_in_turn();
}

void MetalExecutor::commit_in_turn() {
  commit();
  if (committed_.size() < most_committed) return;
  const std::string failure = wait_for_oldest();
  RUSTORCH_CHECK(failure.empty(), internal, "Metal: {}", failure);
}

std::string MetalExecutor::wait_for_oldest() {
  const ObjectReference oldest = std::move(committed_.front());
  committed_.erase(committed_.begin());
  message<void>(oldest.get(), "waitUntilCompleted");
  seconds_ += message<double>(oldest.get(), "GPUEndTime") - message<double>(oldest.get(), "GPUStartTime");
  if (message<long>(oldest.get(), "status") != command_buffer_failed) return {};
  return "a command buffer failed: " + error_text(message(oldest.get(), "error"));
}

void MetalExecutor::finish() {
  commit();
  std::string first_failure;
  while (!committed_.empty()) {
    std::string failure = wait_for_oldest();
    if (first_failure.empty()) first_failure = std::move(failure);
  }
  RUSTORCH_CHECK(first_failure.empty(), internal, "Metal: {}", first_failure);
}

ExecutorProbe open_metal() {
  ExecutorProbe probe;
  if (open_objc_runtime(probe.absence) == nullptr) return probe;
  const AutoreleasePool pool;
  const auto devices = ObjectReference::adopt(objc_runtime().copy_all_devices());
  const auto number = message<std::size_t>(devices.get(), "count");
  probe.absence = "Metal finds no GPU";
  for (std::size_t index = 0; index < number; ++index) {
    auto device = ObjectReference::retain(message(devices.get(), "objectAtIndex:", index));
    if (has_dialect(device.get())) {
      probe.executors.push_back(std::make_unique<MetalExecutor>(std::move(device)));
    } else {
      probe.absence = string_text(message(device.get(), "name")) + " has no shuffles within simdgroups";
    }
  }
  if (!probe.executors.empty()) probe.absence.clear();
  return probe;
}

}  // namespace rustorch::gpu::metal
