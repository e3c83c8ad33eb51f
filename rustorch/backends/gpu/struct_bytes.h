#pragma once

#include <cstddef>
#include <cstring>
#include <vector>

namespace rustorch::gpu {

/// The bytes of a kernel's parameter struct: members are appended with the alignment that C gives them. The
/// struct's first member has 8 bytes.
class StructBytes {
 public:
  template <class T>
  void add(T value) {
    bytes_.resize((bytes_.size() + sizeof(T) - 1) / sizeof(T) * sizeof(T));
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  /// The struct's size is a multiple of its largest member's.
  std::vector<std::byte> finish() {
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace rustorch::gpu
