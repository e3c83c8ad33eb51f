#pragma once

#include <atomic>
#include <cstdint>

#include "rustorch/core/intrusive_pointer.h"
#include "rustorch/device/device.h"
#include "rustorch/memory/buffer.h"
#include "rustorch/memory/object_pool.h"

namespace rustorch {

class PendingResult;

/// The memory that a tensor and its views share, with the count of in-place changes that autograd checks. It
/// may wait to be computed (pending.h): then it gets its memory when it is first read.
class Storage : public ReferenceCounted<Storage, true>, public PooledObject {
 public:
  /// New memory.
  Storage(MemoryAllocator& allocator, std::size_t bytes, Device device)
      : buffer_(allocator, bytes), bytes_(bytes), device_(device) {}
  Storage(Buffer buffer, Device device)
      : buffer_(std::move(buffer)), bytes_(buffer_.bytes()), device_(device) {}
  /// `result` is owned.
  Storage(PendingResult* result, std::size_t bytes, Device device)
      : bytes_(bytes), device_(device), pending_(result) {}
  ~Storage() {
    if (is_pending()) drop_pending();
  }

  /// The memory, computed if it waits.
  void* data() const {
    if (is_pending()) [[unlikely]]
      compute();
    return buffer_.data();
  }
  std::size_t bytes() const noexcept { return bytes_; }
  Device device() const noexcept { return device_; }
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_relaxed); }
  /// Before every change in place: what waits to read the values as they are is computed.
  void prepare_write() {
    version_.fetch_add(1, std::memory_order_relaxed);
    if (readers_.load(std::memory_order_acquire) != 0) [[unlikely]]
      compute_readers();
  }
  bool is_pending() const noexcept { return pending_.load(std::memory_order_acquire) != nullptr; }
  /// Whether someone may write to the memory without our knowledge: nothing may wait to read it.
  bool is_exposed() const noexcept { return exposed_.load(std::memory_order_relaxed); }
  void expose() noexcept { exposed_.store(true, std::memory_order_relaxed); }

 private:
  friend class PendingGraph;
  friend class PendingResult;
  void compute() const;
  void compute_readers() const;
  void drop_pending() noexcept;

  Buffer buffer_;
  std::size_t bytes_;
  Device device_;
  std::atomic<bool> exposed_{false};
  mutable std::atomic<std::uint32_t> readers_{0};  // inputs of pending results
  std::atomic<std::uint64_t> version_{0};
  std::atomic<PendingResult*> pending_{nullptr};
};

}  // namespace rustorch
