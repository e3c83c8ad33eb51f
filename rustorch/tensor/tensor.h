#pragma once

#include <complex>
#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "rustorch/backends/compute_backend.h"
#include "rustorch/core/intrusive_pointer.h"
#include "rustorch/core/layout.h"
#include "rustorch/core/scalar.h"
#include "rustorch/core/type_promotion.h"
#include "rustorch/tensor/storage.h"
#include "rustorch/tensor/tensor_options.h"

namespace rustorch {

class Tensor;
class TensorIndex;
class Operand;
struct GradientRecord;

/// The dims that a reduction runs over: one, several, or all (the default). Implicit from `1` and `{0, 2}`.
class Dims {
 public:
  Dims() = default;
  template <std::integral T>
  explicit(false) Dims(T dim) : all_(false), dims_{static_cast<std::int64_t>(dim)} {}
  Dims(std::initializer_list<std::int64_t> dims) : all_(dims.size() == 0), dims_(dims) {}
  explicit(false) Dims(std::vector<std::int64_t> dims) : all_(dims.empty()), dims_(std::move(dims)) {}
  bool all() const noexcept { return all_; }
  const std::vector<std::int64_t>& list() const noexcept { return dims_; }

 private:
  bool all_ = true;
  std::vector<std::int64_t> dims_;
};

/// What a Tensor handle points to. Internal: operations use Tensor's members.
struct TensorImpl : ReferenceCounted<TensorImpl>, PooledObject {
  TensorImpl(IntrusivePointer<Storage> storage_, const Layout& layout_, DType dtype_);
  ~TensorImpl();
  IntrusivePointer<Storage> storage;
  Layout layout;
  DType dtype;
  IntrusivePointer<TensorImpl> view_base;    ///< set on views: the tensor that owns the storage's history
  std::unique_ptr<GradientRecord> gradient;  ///< set once the tensor takes part in autograd
  std::uint64_t history_version =
      0;  ///< in-place operations with history; on views: as of the base when seen
};

/// An n-dimensional array: one reference-counted handle of storage, layout, dtype, device and gradient
/// record. Copies share everything; views share the storage. A default-constructed Tensor is undefined: only
/// defined(), assignment and comparison with other undefined tensors are allowed on it.
///
/// Functions and methods of the same name do the same; the functions (tensor/operations/) carry the
/// documentation.
class Tensor {
 public:
  Tensor() noexcept = default;
  explicit Tensor(IntrusivePointer<TensorImpl> impl) noexcept : impl_(std::move(impl)) {}

  // ---- what it is
  bool defined() const noexcept { return static_cast<bool>(impl_); }
  const Shape& shape() const { return impl().layout.shape; }
  const Shape& sizes() const { return shape(); }
  std::int64_t size(std::int64_t dim) const { return shape()[normalize_dim(dim, rank(), "size")]; }
  const Strides& strides() const { return impl().layout.strides; }
  std::int64_t stride(std::int64_t dim) const { return strides()[normalize_dim(dim, rank(), "stride")]; }
  std::int64_t storage_offset() const { return impl().layout.offset; }
  const Layout& layout() const { return impl().layout; }
  std::size_t rank() const { return impl().layout.rank(); }
  std::int64_t dim() const { return static_cast<std::int64_t>(rank()); }
  std::int64_t numel() const { return impl().layout.element_count(); }
  DType dtype() const { return impl().dtype; }
  Device device() const { return impl().storage->device(); }
  TensorOptions options() const { return {.dtype = dtype(), .device = device()}; }
  bool is_contiguous() const { return impl().layout.is_contiguous(); }
  bool is_channels_last() const { return impl().layout.is_channels_last(); }
  bool is_floating_point() const { return rustorch::is_floating_point(dtype()); }
  bool is_complex() const { return rustorch::is_complex(dtype()); }
  std::size_t element_size() const { return item_size(dtype()); }
  bool is_view() const { return static_cast<bool>(impl().view_base); }
  /// Whether both are the same handle (not: equal values).
  bool is_same(const Tensor& other) const noexcept { return impl_ == other.impl_; }
  bool shares_storage(const Tensor& other) const { return impl().storage == other.impl().storage; }

  // ---- its elements
  /// The elements of a contiguous CPU tensor, in row-major order; an Error for another T, device or layout.
  template <class T>
  std::span<const T> data() const {
    return {static_cast<const T*>(checked_data(dtype_of<T>)), static_cast<std::size_t>(numel())};
  }
  /// The same, to write to: counts as an in-place change. Since the span may be written to at any time, no
  /// operation will wait to read this memory (lazy.h).
  template <class T>
  std::span<T> mutable_data() {
    const std::span<T> elements = initial_data<T>();
    impl().storage->expose();
    return elements;
  }
  /// The same, to give a new tensor its first values: the span must be gone before operations read it.
  template <class T>
  std::span<T> initial_data() {
    bump_version();
    return {static_cast<T*>(checked_data(dtype_of<T>)), static_cast<std::size_t>(numel())};
  }
  /// The value of a tensor with one element; an Error otherwise.
  Scalar item() const;
  template <class T>
  T item() const {
    return item().to<T>();
  }
  /// The elements in row-major order, from any device and layout, converted to T.
  template <class T>
  std::vector<T> to_vector() const;
  /// As PyTorch prints it: nested brackets, 4 digits, summarized beyond 1000 elements.
  std::string to_string() const;

  // ---- access for operations: every read and write of data goes through these two
  View view_for_read() const {
    const TensorImpl& self = impl();
    return {self.storage->data(), &self.layout, self.dtype};
  }
  View view_for_write();  ///< counts as an in-place change
  const IntrusivePointer<Storage>& storage() const { return impl().storage; }
  void bump_version() { impl().storage->prepare_write(); }
  std::uint64_t version() const { return impl().storage->version(); }
  TensorImpl& impl() const {
    if (!impl_) [[unlikely]]
      fail_undefined();
    return *impl_;
  }
  const IntrusivePointer<TensorImpl>& handle() const noexcept { return impl_; }

  // ---- gradients (autograd/)
  bool requires_grad() const noexcept;
  Tensor& requires_grad_(bool requires_grad = true);
  bool is_leaf() const;
  /// The accumulated gradient; undefined before the first backward.
  Tensor grad() const;
  void set_grad(const Tensor& grad);
  void zero_grad();
  /// The name of the operation that made it ("" for leaves).
  std::string grad_fn_name() const;
  void retain_grad();
  /// Calls `hook` with each gradient of this tensor; what it returns (if defined) replaces the gradient.
  void register_hook(std::function<Tensor(const Tensor&)> hook);
  /// Gradients of all leaves that this scalar (or with `gradient` given, any tensor) depends on, added to
  /// their grad().
  void backward(const Tensor& gradient = {}, bool retain_graph = false, bool create_graph = false) const;
  /// The same values without history; shares the storage.
  Tensor detach() const;
  Tensor& detach_();

  // ---- conversion
  Tensor to(DType dtype) const;
  Tensor to(Device device) const;
  Tensor to(const char* device) const { return to(Device(device)); }
  Tensor to(Device device, DType dtype) const { return to(device).to(dtype); }
  Tensor cpu() const { return to(Device()); }
  Tensor clone() const;
  Tensor contiguous() const;
  Tensor channels_last() const;
  Tensor& copy_(const Tensor& source);
  Tensor& fill_(const Scalar& value);
  Tensor& zero_();
  /// Makes this handle's tensor take another's values, shape, dtype and device, behind all handles (not for
  /// graphs).
  void set_data(const Tensor& other);

#include "rustorch/tensor/tensor_methods.inc"

  Tensor operator[](std::int64_t index) const;
  Tensor operator-() const;
  Tensor& operator+=(const Operand& other);
  Tensor& operator-=(const Operand& other);
  Tensor& operator*=(const Operand& other);
  Tensor& operator/=(const Operand& other);

 private:
  [[noreturn]] static void fail_undefined();
  void* checked_data(DType dtype) const;

  IntrusivePointer<TensorImpl> impl_;
};

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor flat = detach().cpu().to(dtype_of<T>).contiguous();
  const std::span<const T> elements = flat.data<T>();
  return {elements.begin(), elements.end()};
}

/// A fresh, uninitialized tensor: what operations allocate their results with.
Tensor allocate(const Layout& layout, DType dtype, Device device);
/// A view of x's storage with another layout and no history: operations wrap it with view_of (gradient.h).
Tensor alias(const Tensor& x, const Layout& layout);
/// The same, where `change` (void(Layout&)) makes the view's layout from x's in its place.
template <std::invocable<Layout&> Change>
Tensor alias(const Tensor& x, Change&& change) {
  Tensor view = alias(x, x.layout());
  change(view.impl().layout);
  return view;
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);

}  // namespace rustorch

template <>
struct fmt::formatter<rustorch::Tensor> : fmt::formatter<std::string_view> {
  auto format(const rustorch::Tensor& tensor, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(tensor.to_string(), context);
  }
};
