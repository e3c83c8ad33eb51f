#pragma once

#include <atomic>
#include <cstdint>

#include "rustorch/core/intrusive_pointer.h"
#include "rustorch/device/device.h"
#include "rustorch/memory/buffer.h"
#include "rustorch/memory/object_pool.h"

namespace rustorch {

/// The memory that a tensor and its views share, with the count of in-place changes that autograd checks.
class Storage : public ReferenceCounted<Storage>, public PooledObject {
 public:
  Storage(Buffer buffer, Device device) : buffer_(std::move(buffer)), device_(device) {}

  void* data() const noexcept { return buffer_.data(); }
  std::size_t bytes() const noexcept { return buffer_.bytes(); }
  Device device() const noexcept { return device_; }
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_relaxed); }
  void bump_version() noexcept { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  Buffer buffer_;
  Device device_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace rustorch
