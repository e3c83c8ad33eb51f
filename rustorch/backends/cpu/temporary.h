#pragma once

#include "rustorch/backends/compute_backend.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::cpu {

/// The address of a view's first element.
template <class T>
T* first_element(const View& view) {
  return static_cast<T*>(view.data) + view.layout->offset;
}

/// Copies `from` to `to`, which have one shape, converting between dtypes.
void copy_view(const View& from, const View& to);

/// Writes zero to every element.
void fill_zero(const View& view);

/// Uninitialized elements from the pool of CPU memory, for the length of a scope.
template <class T>
class Scratch {
 public:
  Scratch() = default;
  explicit Scratch(std::int64_t count)
      : buffer_(cpu_allocator(), static_cast<std::size_t>(count) * sizeof(T)) {}
  T* data() const noexcept { return static_cast<T*>(buffer_.data()); }
  T& operator[](std::int64_t i) const noexcept { return data()[i]; }

 private:
  Buffer buffer_;
};

/// A view in the layout and dtype that a kernel wants: the operand itself where it fits already, else a copy
/// in pooled memory. Not movable, because its view points into it.
class Operand {
 public:
  /// An input as dtype `dtype` and laid out as `layout` (same shape), unless `fits` says that it may stay.
  Operand(const View& view, DType dtype, Layout layout, bool fits);
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  const View& view() const noexcept { return view_; }
  template <class T>
  T* data() const {
    return first_element<T>(view_);
  }

 protected:
  struct Uninitialized {};
  Operand(const View& view, DType dtype, Layout layout, bool fits, Uninitialized);

  Layout layout_;
  Buffer buffer_;
  View view_;
};

/// The same for a result: the kernel writes to view(), and finish() copies it to where the caller wants it.
class ResultOperand : public Operand {
 public:
  ResultOperand(const View& view, DType dtype, Layout layout, bool fits)
      : Operand(view, dtype, std::move(layout), fits, Uninitialized{}), target_(view) {}
  void finish() {
    if (view_.data != target_.data) copy_view(view_, target_);
  }

 private:
  View target_;
};

}  // namespace rustorch::cpu
