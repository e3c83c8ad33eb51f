#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/backends/gpu/metal/objc_runtime.h"
#include "rustorch/backends/gpu/process_guard.h"

namespace rustorch::gpu::metal {

/// A GPU through Metal. Buffers lie in shared storage, so the host reads and writes them where they are, once
/// the queued work is done. Launches are collected in a command buffer, which is committed when the host has
/// to wait, or when it is full.
class MetalExecutor final : public KernelExecutor {
 public:
  /// `device` is an MTLDevice.
  explicit MetalExecutor(ObjectReference device);
  ~MetalExecutor() override;
  MetalExecutor(const MetalExecutor&) = delete;
  MetalExecutor& operator=(const MetalExecutor&) = delete;

  const DeviceFacts& facts() const noexcept override { return facts_; }
  std::string_view prelude() const noexcept override;

  std::unique_ptr<Module> compile(const std::string& source) override;
  /// Empty: macOS keeps what it compiled by itself.
  std::vector<std::byte> binary(const Module& module) override;
  /// nullptr: there are no binaries.
  std::unique_ptr<Module> load(std::span<const std::byte> binary) override;
  std::unique_ptr<Kernel> kernel(Module& module, const std::string& name) override;

  void launch(Kernel& kernel, const LaunchShape& shape, std::span<const KernelArgument> arguments) override;

  BufferHandle allocate(std::size_t bytes) override;
  void release(BufferHandle buffer) noexcept override;

  void write(BufferHandle buffer, std::size_t offset, const void* source, std::size_t bytes) override;
  void read(BufferHandle buffer, std::size_t offset, void* destination, std::size_t bytes) override;
  void copy(BufferHandle from, std::size_t from_offset, BufferHandle to, std::size_t to_offset,
            std::size_t bytes) override;
  void synchronize() override;

  /// An event is the end of a command buffer, which is committed then.
  std::unique_ptr<DeviceEvent> record() override;
  /// The sum over command buffers, without the time between them; work that other threads queue meanwhile
  /// counts.
  double device_seconds(const std::function<void()>& work) override;

 private:
  /// What the open encoder encodes.
  enum class Encoding { nothing, kernels, copies };

  // All of these are called with mutex_ held, within a pool.

  /// The encoder for this kind of work, opened if it is not.
  Object encoder(Encoding encoding);
  /// The command buffer that collects work, made if there is none.
  Object command_buffer();
  void end_encoding() noexcept;
  /// Hands the collected work to the device.
  void commit() noexcept;
  /// Counts one more piece of work in the command buffer, and commits a full one.
  void count_work();
  /// Commits what is collected; where too many command buffers are underway it waits for the oldest.
  void commit_in_turn();
  /// Waits for the oldest committed command buffer; what it failed of, or an empty text.
  std::string wait_for_oldest();
  /// Waits for all work; an Error if any of it failed.
  void finish();

  ObjectReference device_, queue_;
  DeviceFacts facts_;
  ProcessGuard process_{"Metal"};
  std::mutex mutex_;  ///< guards what follows; the device itself takes calls of any thread
  ObjectReference command_buffer_, encoder_;
  Encoding encoding_ = Encoding::nothing;
  std::size_t collected_ = 0;               ///< pieces of work in command_buffer_
  std::vector<ObjectReference> committed_;  ///< command buffers nobody has waited for, oldest first
  double seconds_ = 0;                      ///< that the device worked so far
};

/// Looks for the GPUs that Metal offers: an executor for each that has the dialect's functions.
ExecutorProbe open_metal();

}  // namespace rustorch::gpu::metal
