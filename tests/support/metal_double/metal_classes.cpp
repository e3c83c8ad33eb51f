// The methods of Metal's classes, with what its validation layer complains of.
#include <cstdlib>
#include <cstring>
#include <new>

#include "metal_objects.h"

namespace metal_double {
namespace {

constexpr long library_error = 3;  // MTLLibraryErrorCompileFailure
constexpr std::uint64_t most_inline_bytes = 4096;

void add_device() {
  add_method("MTLDevice", "name",
             [](Object*, Selector) -> Object* { return autorelease(new String("Metal double")); });
  add_method("MTLDevice", "supportsFamily:", [](Object*, Selector, long family) -> bool {
    constexpr long apple1 = 1001, apple7 = 1007, metal3 = 5001;
    return (family >= apple1 && family <= apple7) || family == metal3;
  });
  add_method("MTLDevice", "hasUnifiedMemory", [](Object*, Selector) -> bool { return true; });
  add_method("MTLDevice", "recommendedMaxWorkingSetSize",
             [](Object*, Selector) -> std::uint64_t { return most_buffer_bytes; });
  add_method("MTLDevice", "maxBufferLength",
             [](Object*, Selector) -> std::uint64_t { return most_buffer_bytes; });
  add_method("MTLDevice", "maxThreadgroupMemoryLength",
             [](Object*, Selector) -> std::uint64_t { return most_threadgroup_memory; });
  add_method("MTLDevice", "maxThreadsPerThreadgroup", [](Object*, Selector) -> Size {
    return {most_threads, most_threads, most_threads};
  });
  add_method("MTLDevice", "newCommandQueue", [](Object*, Selector) -> Object* { return new CommandQueue; });
  add_method("MTLDevice", "newBufferWithLength:options:",
             [](Object*, Selector, std::uint64_t bytes, std::uint64_t options) -> Object* {
               if (bytes == 0) report("newBufferWithLength: with length 0");
               if (bytes == 0 || bytes > most_buffer_bytes) return nullptr;
               try {
                 return new Buffer(bytes, options);
               } catch (const std::bad_alloc&) {
                 return nullptr;
               }
             });
  add_method("MTLBuffer", "contents", [](Buffer* self, Selector) -> void* {
    const bool is_private = (self->options >> 4 & 15) == 2;  // MTLStorageModePrivate
    return is_private ? nullptr : self->contents;
  });
}

void add_compiler() {
  add_class_method("MTLCompileOptions", "new",
                   [](Class*, Selector) -> Object* { return new CompileOptions; });
  add_method("MTLCompileOptions", "setFastMathEnabled:", [](CompileOptions* self, Selector, bool enabled) {
    self->fast_math = enabled;
  });
  add_method("MTLCompileOptions", "setMathMode:", [](CompileOptions* self, Selector, long mode) {
    constexpr long fast = 2;
    self->fast_math = mode == fast;
  });
  add_method("MTLDevice", "newLibraryWithSource:options:error:",
             [](Object*, Selector, String* source, CompileOptions* options, ErrorObject** error) -> Object* {
               auto* library = new Library;
               std::string diagnostics;
               const bool fast_math = options == nullptr || options->fast_math;
               if (library->program.compile(source->text, fast_math, diagnostics)) return library;
               release(library);
               set_error(error, diagnostics, library_error);
               return nullptr;
             });
  add_method("MTLLibrary", "newFunctionWithName:", [](Library* self, Selector, String* name) -> Object* {
    const KernelCode* kernel = self->program.kernel(name->text);
    return kernel != nullptr ? new Function(self, kernel) : nullptr;
  });
  add_method("MTLDevice", "newComputePipelineStateWithFunction:error:",
             [](Object*, Selector, Function* function, ErrorObject** error) -> Object* {
               const std::size_t memory = function->kernel->threadgroup_bytes();
               if (memory <= most_threadgroup_memory) return new Pipeline(function);
               set_error(error,
                         "Threadgroup memory size (" + std::to_string(memory) +
                             ") exceeds the maximum threadgroup memory allowed (32768)",
                         library_error);
               return nullptr;
             });
  add_method("MTLComputePipelineState", "maxTotalThreadsPerThreadgroup",
             [](Pipeline* self, Selector) -> std::uint64_t { return self->kernel().most_group_threads; });
}

template <const char* const& class_name>
Object* new_encoder(CommandBuffer* self, Selector) {
  if (self->status != Status::not_enqueued) {
    report("encoder made on a committed command buffer");
    return nullptr;
  }
  if (self->open_encoder != nullptr) {
    report("a second encoder is made while one is open");
    return nullptr;
  }
  self->open_encoder = new Encoder(class_name, self);
  return autorelease(self->open_encoder);
}
constexpr const char* compute_encoder = "MTLComputeCommandEncoder";
constexpr const char* blit_encoder = "MTLBlitCommandEncoder";

void add_commands() {
  add_method("MTLCommandQueue", "commandBuffer",
             [](CommandQueue* self, Selector) -> Object* { return autorelease(new CommandBuffer(self)); });
  add_method("MTLCommandBuffer", "computeCommandEncoder", &new_encoder<compute_encoder>);
  add_method("MTLCommandBuffer", "blitCommandEncoder", &new_encoder<blit_encoder>);
  add_method("MTLCommandBuffer", "commit", [](CommandBuffer* self, Selector) {
    const std::lock_guard lock(lock_of_all());
    if (self->status != Status::not_enqueued)
      return report("commit of a command buffer that is committed already");
    if (self->open_encoder != nullptr)
      return report("commit while an encoder is open (endEncoding is missing)");
    self->status = Status::committed;
    self->queue->committed.emplace_back(self);
  });
  // Nothing runs before somebody waits, so that a host that reads too early sees old values.
  add_method("MTLCommandBuffer", "waitUntilCompleted", [](CommandBuffer* self, Selector) {
    const std::lock_guard lock(lock_of_all());
    if (self->status == Status::not_enqueued)
      return report("waitUntilCompleted before commit: it would wait for ever");
    auto& committed = self->queue->committed;
    while (self->status == Status::committed && !committed.empty()) {
      const Reference<CommandBuffer> first = std::move(committed.front());
      committed.pop_front();
      first->execute();
    }
  });
  add_method("MTLCommandBuffer", "status",
             [](CommandBuffer* self, Selector) -> long { return static_cast<long>(self->status); });
  add_method("MTLCommandBuffer", "error",
             [](CommandBuffer* self, Selector) -> Object* { return self->error.get(); });
  add_method("MTLCommandBuffer", "GPUStartTime",
             [](CommandBuffer* self, Selector) -> double { return self->start_seconds; });
  add_method("MTLCommandBuffer", "GPUEndTime",
             [](CommandBuffer* self, Selector) -> double { return self->end_seconds; });
}

void end_encoding(Encoder* self, Selector) {
  if (self->ended) return report("endEncoding twice");
  self->ended = true;
  self->command_buffer->open_encoder = nullptr;
}

void dispatch(Encoder* self, Selector, Size groups, Size threads) {
  if (self->ended) return report("dispatch after endEncoding");
  if (!self->state.pipeline) return report("dispatch without a compute pipeline state");
  const KernelCode& kernel = self->state.pipeline->kernel();
  if (groups.product() == 0 || threads.product() == 0) return report("dispatch of an empty grid");
  if (threads.product() > kernel.most_group_threads) {
    return report("threads per threadgroup (" + std::to_string(threads.product()) +
                  ") over the pipeline's maximum (" + std::to_string(kernel.most_group_threads) + ")");
  }
  for (const Parameter& parameter : kernel.parameters) {
    if (parameter.attribute != "buffer") continue;
    const Bound& bound = self->state.bound[parameter.index];
    if (!bound.buffer && bound.bytes.empty()) {
      return report("kernel '" + kernel.name + "': missing buffer binding at index " +
                    std::to_string(parameter.index) + " for " + parameter.name);
    }
  }
  self->state.groups = groups;
  self->state.threads = threads;
  self->command_buffer->commands.push_back(self->state);
}

void copy(Encoder* self, Selector, Buffer* from, std::uint64_t from_offset, Buffer* to,
          std::uint64_t to_offset, std::uint64_t bytes) {
  if (self->ended) return report("blit copy after endEncoding");
  if (bytes == 0 || from_offset % 4 != 0 || to_offset % 4 != 0 || bytes % 4 != 0)
    return report("blit copy whose offsets and size are not multiples of 4");
  if (from_offset + bytes > from->bytes || to_offset + bytes > to->bytes)
    return report("blit copy out of range");
  if (from == to && from_offset < to_offset + bytes && to_offset < from_offset + bytes)
    return report("blit copy between ranges that overlap");
  Command command;
  command.from = Reference<Buffer>(from);
  command.to = Reference<Buffer>(to);
  command.from_offset = from_offset;
  command.to_offset = to_offset;
  command.bytes = bytes;
  self->command_buffer->commands.push_back(std::move(command));
}

void add_encoders() {
  add_method(compute_encoder, "setComputePipelineState:", [](Encoder* self, Selector, Pipeline* pipeline) {
    self->state.pipeline = Reference<Pipeline>(pipeline);
  });
  add_method(compute_encoder, "setBuffer:offset:atIndex:",
             [](Encoder* self, Selector, Buffer* buffer, std::uint64_t offset, std::uint64_t index) {
               if (index >= most_buffers) return report("setBuffer: index beyond 30");
               if (buffer != nullptr && offset > buffer->bytes)
                 return report("setBuffer: offset beyond the buffer");
               self->state.bound[index] = {Reference<Buffer>(buffer), offset, {}};
             });
  add_method(compute_encoder, "setBytes:length:atIndex:",
             [](Encoder* self, Selector, const char* bytes, std::uint64_t length, std::uint64_t index) {
               if (index >= most_buffers) return report("setBytes: index beyond 30");
               if (length > most_inline_bytes)
                 return report("setBytes: length " + std::to_string(length) + " is over 4096");
               self->state.bound[index] = {{}, 0, std::vector<char>(bytes, bytes + length)};
             });
  add_method(compute_encoder, "dispatchThreadgroups:threadsPerThreadgroup:", &dispatch);
  add_method(compute_encoder, "endEncoding", &end_encoding);
  add_method(blit_encoder, "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:", &copy);
  add_method(blit_encoder, "endEncoding", &end_encoding);
}

}  // namespace

void add_metal_classes() {
  add_device();
  add_compiler();
  add_commands();
  add_encoders();
}

Object* the_device() {
  if (std::getenv("METAL_DOUBLE_NO_DEVICE") != nullptr) return nullptr;
  static Object* device = [] {
    auto* made = new Object(class_named("MTLDevice"));
    made->live_for_ever();
    return made;
  }();
  return device;
}

}  // namespace metal_double
