#pragma once

#include <cstddef>
#include <cstdint>

#include "rustorch/backends/compute_backend.h"
#include "rustorch/compute/simd/kernels.h"

namespace rustorch::cpu {

/// Reads runs of a view's elements as adjacent elements of another dtype, the one that a kernel computes in.
class RunReader {
 public:
  RunReader() = default;
  RunReader(const View& view, DType computed);

  /// Whether a run with this step can be used where it lies.
  bool is_direct(std::int64_t stride) const noexcept { return convert_ == nullptr && stride == 1; }
  /// The address of an element, `offset` elements from the view's first.
  const std::byte* address(std::int64_t offset) const noexcept { return first_ + offset * item_; }
  /// `n` elements from `offset` on, `stride` apart, to `out`.
  void read(std::int64_t offset, std::int64_t stride, std::int64_t n, void* out) const;
  /// The same, but in place where that is possible, in `scratch` otherwise.
  const void* get(std::int64_t offset, std::int64_t stride, std::int64_t n, void* scratch) const {
    if (is_direct(n == 1 ? 1 : stride)) return address(offset);
    read(offset, stride, n, scratch);
    return scratch;
  }

 private:
  const std::byte* first_ = nullptr;
  std::int64_t item_ = 0;
  simd::ConversionKernel convert_ = nullptr;
  std::size_t computed_item_ = 0;
};

/// Writes runs of adjacent elements of the dtype that a kernel computes in to a view.
class RunWriter {
 public:
  RunWriter() = default;
  RunWriter(const View& view, DType computed);

  bool is_direct(std::int64_t stride) const noexcept { return convert_ == nullptr && stride == 1; }
  std::byte* address(std::int64_t offset) const noexcept { return first_ + offset * item_; }
  void write(const void* elements, std::int64_t offset, std::int64_t stride, std::int64_t n) const;

 private:
  std::byte* first_ = nullptr;
  std::int64_t item_ = 0;
  simd::ConversionKernel convert_ = nullptr;
  std::size_t computed_item_ = 0;
};

}  // namespace rustorch::cpu
