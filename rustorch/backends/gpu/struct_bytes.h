#pragma once

#include <span>

#include "rustorch/backends/gpu/inline_bytes.h"

namespace rustorch::gpu {

/// The bytes of a kernel's parameter struct: members are appended with the alignment that C gives them. The
/// struct's first member has 8 bytes.
class StructBytes {
 public:
  template <class T>
  void add(T value) {
    pad(sizeof(T));
    bytes_.append(&value, sizeof value);
  }
  /// The elements of an array.
  template <class T>
  void add_all(std::span<const T> values) {
    pad(sizeof(T));
    bytes_.append(values.data(), values.size_bytes());
  }
  /// The struct's size is a multiple of its largest member's.
  StructBytes& finish() {
    pad(8);
    return *this;
  }

  /// To begin again, in the memory that is there.
  void clear() { bytes_.clear(); }

  const std::byte* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }

 private:
  void pad(std::size_t alignment) {
    const std::size_t beyond = bytes_.size() % alignment;
    if (beyond != 0) bytes_.append_zeros(alignment - beyond);
  }

  InlineBytes bytes_;
};

}  // namespace rustorch::gpu
