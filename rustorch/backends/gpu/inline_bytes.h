#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rustorch::gpu {

/// Bytes that are appended for one launch: up to a kilobyte without memory from the heap.
class InlineBytes {
 public:
  void append(const void* bytes, std::size_t size) { std::memcpy(extend(size), bytes, size); }
  void append_zeros(std::size_t size) { std::memset(extend(size), 0, size); }

  /// To begin again; memory from the heap is kept.
  void clear() noexcept {
    size_ = 0;
    more_.clear();
  }

  std::size_t size() const noexcept { return size_; }
  const std::byte* data() const noexcept { return more_.empty() ? inline_.data() : more_.data(); }

 private:
  std::byte* extend(std::size_t size) {
    const std::size_t at = size_;
    size_ += size;
    if (more_.empty() && size_ <= inline_.size()) return inline_.data() + at;
    if (more_.empty()) more_.assign(inline_.data(), inline_.data() + at);
    more_.resize(size_);
    return more_.data() + at;
  }

  std::size_t size_ = 0;
  std::vector<std::byte> more_;
  std::array<std::byte, 1024> inline_;  // uninitialized
};

}  // namespace rustorch::gpu
