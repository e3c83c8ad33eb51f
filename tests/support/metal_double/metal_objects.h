#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "foundation_objects.h"
#include "objects.h"
#include "program.h"

namespace metal_double {

/// What the device says its largest buffer is.
inline constexpr std::uint64_t most_buffer_bytes = std::uint64_t{1} << 32;

/// Memory between canaries and pages that fault, so that kernels that leave it are found.
struct Buffer final : Object {
  Buffer(std::size_t its_bytes, std::uint64_t its_options);
  void finish() override;
  /// Where something was written that is not the buffer's; empty if nowhere. Makes the canaries whole again.
  std::string check_canaries();

  char* mapping;
  char* contents;
  std::size_t bytes, mapping_bytes;
  std::uint64_t options;

 private:
  void write_canaries();
  char* end_of_pages() const;
};

/// MTLCompileOptions; fast maths is Metal's default.
struct CompileOptions final : Object {
  CompileOptions() : Object(class_named("MTLCompileOptions")) {}
  bool fast_math = true;
};

/// MTLLibrary.
struct Library final : Object {
  Library() : Object(class_named("MTLLibrary")) {}
  Program program;
};

/// MTLFunction.
struct Function final : Object {
  Function(Library* its_library, const KernelCode* its_kernel)
      : Object(class_named("MTLFunction")), library(its_library), kernel(its_kernel) {}
  void finish() override { library = {}; }

  Reference<Library> library;
  const KernelCode* kernel;
};

/// MTLComputePipelineState.
struct Pipeline final : Object {
  explicit Pipeline(Function* its_function)
      : Object(class_named("MTLComputePipelineState")), function(its_function) {}
  void finish() override { function = {}; }
  const KernelCode& kernel() const { return *function->kernel; }

  Reference<Function> function;
};

/// What an encoder binds to one buffer index: a buffer, or bytes.
struct Bound {
  Reference<Buffer> buffer;
  std::size_t offset = 0;
  std::vector<char> bytes;
};

/// A kernel's run with all that is bound, or a copy.
struct Command {
  Reference<Pipeline> pipeline;  ///< none: a copy
  std::array<Bound, most_buffers> bound;
  Size groups{}, threads{};
  Reference<Buffer> from, to;
  std::size_t from_offset = 0, to_offset = 0, bytes = 0;

  /// What went wrong; empty if nothing did.
  std::string run();
};

struct CommandBuffer;

/// MTLCommandQueue.
struct CommandQueue final : Object {
  CommandQueue() : Object(class_named("MTLCommandQueue")) {}
  void finish() override;

  std::deque<Reference<CommandBuffer>> committed;
};

struct Encoder;

/// MTLCommandBufferStatus.
enum class Status : long { not_enqueued = 0, committed = 2, scheduled = 3, completed = 4, failed = 5 };

/// MTLCommandBuffer: collects commands, and runs them once somebody waits.
struct CommandBuffer final : Object {
  explicit CommandBuffer(CommandQueue* its_queue)
      : Object(class_named("MTLCommandBuffer")), queue(its_queue) {}
  void finish() override;
  void execute();

  Reference<CommandQueue> queue;
  std::vector<Command> commands;
  Status status = Status::not_enqueued;
  Reference<ErrorObject> error;
  Encoder* open_encoder = nullptr;
  double start_seconds = 0, end_seconds = 0;
};

/// A compute or a blit encoder.
struct Encoder final : Object {
  Encoder(const char* class_name, CommandBuffer* its_buffer)
      : Object(class_named(class_name)), command_buffer(its_buffer) {}
  void finish() override;

  Reference<CommandBuffer> command_buffer;
  Command state;  ///< what the next dispatch takes
  bool ended = false;
};

}  // namespace metal_double
