#pragma once

#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::gpu {

/// Copies elements between views of one shape and dtype on the device.
void copy_elements(GpuBackend& backend, const View& from, const View& to);
void fill_zero(GpuBackend& backend, const View& view);

/// An operand for kernels that want adjacent elements in row-major order: itself if it lies so, a copy
/// otherwise. A view without data stays one.
class DenseInput {
 public:
  DenseInput(GpuBackend& backend, const View& view);

  BufferHandle buffer() const noexcept { return copy_.data() != nullptr ? copy_.data() : view_.data; }
  /// Where its elements begin, in elements.
  std::int64_t offset() const noexcept { return copy_.data() != nullptr ? 0 : view_.layout->offset; }
  DType dtype() const noexcept { return view_.dtype; }

 private:
  View view_;
  Buffer copy_;
};

/// A result for such kernels: `finish` copies what was written to where it belongs.
class DenseOutput {
 public:
  DenseOutput(GpuBackend& backend, const View& view);

  bool is_wanted() const noexcept { return view_.data != nullptr; }
  BufferHandle buffer() const noexcept { return copy_.data() != nullptr ? copy_.data() : view_.data; }
  std::int64_t offset() const noexcept {
    return copy_.data() != nullptr || !is_wanted() ? 0 : view_.layout->offset;
  }
  DType dtype() const noexcept { return view_.dtype; }
  void finish();

 private:
  GpuBackend& backend_;
  View view_;
  Buffer copy_;
};

}  // namespace rustorch::gpu
