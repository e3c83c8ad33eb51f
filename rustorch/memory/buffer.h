#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "rustorch/memory/memory_allocator.h"

namespace rustorch {

/// Owns one block of an allocator, or memory that somebody else gave with a way to release it. Move only.
class Buffer {
 public:
  Buffer() noexcept = default;
  /// Takes `bytes` from `allocator`, uninitialized.
  Buffer(MemoryAllocator& allocator, std::size_t bytes, MemoryHint hint = MemoryHint::temporary)
      : data_(allocator.allocate(bytes, MemoryAllocator::default_alignment, hint)),
        bytes_(bytes),
        allocator_(&allocator) {}
  /// Adopts foreign memory; `release` (may be empty) runs when the buffer goes.
  Buffer(void* data, std::size_t bytes, std::function<void()> release)
      : data_(data), bytes_(bytes), release_(std::move(release)) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        allocator_(std::exchange(other.allocator_, nullptr)),
        release_(std::exchange(other.release_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = std::exchange(other.data_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
      allocator_ = std::exchange(other.allocator_, nullptr);
      release_ = std::exchange(other.release_, nullptr);
    }
    return *this;
  }
  ~Buffer() { reset(); }

  /// The start of the block: an address on the CPU, a handle on GPUs.
  void* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }

  void reset() noexcept {
    if (allocator_ != nullptr) allocator_->deallocate(data_, bytes_);
    if (release_) release_();
    data_ = nullptr;
    bytes_ = 0;
    allocator_ = nullptr;
    release_ = nullptr;
  }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  MemoryAllocator* allocator_ = nullptr;
  std::function<void()> release_;
};

}  // namespace rustorch
