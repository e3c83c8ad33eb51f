#include "rustorch/tensor/tensor.h"

#include <cstring>

#include "rustorch/backends/runtime.h"
#include "rustorch/memory/memory_tag.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/pending.h"

namespace rustorch {

TensorImpl::TensorImpl(IntrusivePointer<Storage> storage_, const Layout& layout_, DType dtype_)
    : storage(std::move(storage_)), layout(layout_), dtype(dtype_) {}

TensorImpl::~TensorImpl() = default;

void Tensor::fail_undefined() {
  fail_with_suggestion(ErrorCode::invalid_argument, "assign a tensor to it first", "the tensor is undefined");
}

Tensor allocate(const Layout& layout, DType dtype, Device device) {
  std::int64_t bytes = 0;
  const bool overflow =
      __builtin_mul_overflow(layout.element_count(), static_cast<std::int64_t>(item_size(dtype)), &bytes);
  RUSTORCH_CHECK(!overflow, out_of_memory,
                 "a tensor of shape {} and dtype {} has more bytes than can be addressed", layout.shape,
                 dtype);
  const BlockShape named(layout.shape, dtype);
  auto storage = IntrusivePointer<Storage>::make(backend_for(device).allocator(),
                                                 static_cast<std::size_t>(bytes), device);
  return Tensor(IntrusivePointer<TensorImpl>::make(std::move(storage), layout, dtype));
}

Tensor alias(const Tensor& x, const Layout& layout) {
  const TensorImpl& source = x.impl();
  auto impl = IntrusivePointer<TensorImpl>::make(source.storage, layout, source.dtype);
  impl->view_base = source.view_base ? source.view_base : x.handle();
  impl->history_version = impl->view_base->history_version;
  return Tensor(std::move(impl));
}

View Tensor::view_for_write() {
  bump_version();
  return view_for_read();
}

void* Tensor::checked_data(DType wanted) const {
  const TensorImpl& self = impl();
  if (self.dtype != wanted) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, fmt::format("use x.to({})", wanted),
                         "data<{}>() of a tensor of dtype {} and shape {}", wanted, self.dtype,
                         self.layout.shape);
  }
  if (!device().is_cpu()) {
    fail_with_suggestion(ErrorCode::device_mismatch, "copy it first: x.cpu()",
                         "data() of a tensor on {}: only CPU memory can be addressed", device());
  }
  if (!self.layout.is_contiguous()) {
    fail_with_suggestion(ErrorCode::layout, "use x.contiguous()",
                         "data() of a tensor that is not contiguous: shape {}, strides {}{}",
                         self.layout.shape, self.layout.strides,
                         self.layout.is_channels_last() ? " (channels-last)" : "");
  }
  return static_cast<std::byte*>(view_for_read().data) +
         static_cast<std::size_t>(self.layout.offset) * item_size(self.dtype);
}

Scalar Tensor::item() const {
  if (numel() != 1) {
    fail_with_suggestion(ErrorCode::invalid_argument, "index or reduce it first",
                         "item() needs a tensor with one element, this one has {} (shape {})", numel(),
                         shape());
  }
  alignas(16) std::byte bytes[16];
  const std::size_t item = item_size(dtype());
  const View view = view_for_read();
  backend_for(device()).copy_to_host(bytes, view.data, static_cast<std::size_t>(view.layout->offset) * item,
                                     item);
  return visit_dtype(dtype(), [&]<class T>(TypeTag<T>) {
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    return Scalar(value);
  });
}

// ---- conversion

namespace {

/// Copies x's values into a new tensor of a layout and dtype, on x's device; no history.
Tensor copy_as(const Tensor& x, const Layout& layout, DType dtype) {
  if (dtype != x.dtype()) {  // a conversion may join a chain of elementwise operations
    Program program;
    program.output(program.input(x.dtype()), dtype);
    const Tensor* const source = &x;
    if (can_defer(x.numel(), program, {&source, 1}))
      return defer("to", program, {&source, 1}, layout, dtype, x.device());
  }
  Tensor out = allocate(layout, dtype, x.device());
  const Operand source = x;
  elementwise_into(out, Op::copy, {&source, 1});
  return out;
}

}  // namespace

Tensor Tensor::to(DType dtype) const {
  if (dtype == this->dtype()) return *this;
  const DType before = this->dtype();
  return with_gradient(copy_as(*this, Layout::dense_like(shape(), layout()), dtype), "to", {this},
                       [before](const Tensor& g) { return g.to(before); });
}

Tensor Tensor::to(Device device) const {
  if (device == this->device()) return *this;
  const Tensor dense = layout().is_dense() ? *this : clone();
  Layout target = dense.layout();
  target.offset = 0;
  Tensor out = allocate(target, dtype(), device);
  const std::size_t item = item_size(dtype());
  const std::size_t bytes = static_cast<std::size_t>(numel()) * item;
  const std::size_t offset = static_cast<std::size_t>(dense.layout().offset) * item;
  const Device before = this->device();
  if (bytes != 0) {
    ComputeBackend& from = backend_for(before);
    ComputeBackend& to = backend_for(device);
    void* source = dense.view_for_read().data;
    void* destination = out.view_for_read().data;
    if (before.is_cpu()) {
      to.copy_from_host(destination, 0, static_cast<std::byte*>(source) + offset, bytes);
    } else if (device.is_cpu()) {
      from.copy_to_host(destination, source, offset, bytes);
    } else {  // between two accelerators: through the host
      const Buffer staging(cpu_allocator(), bytes);
      from.copy_to_host(staging.data(), source, offset, bytes);
      to.copy_from_host(destination, 0, staging.data(), bytes);
    }
  }
  return with_gradient(std::move(out), "to", {this}, [before](const Tensor& g) { return g.to(before); });
}

Tensor Tensor::clone() const {
  return with_gradient(copy_as(*this, Layout::dense_like(shape(), layout()), dtype()), "clone", {this},
                       [](const Tensor& g) { return g; });
}

Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  return with_gradient(copy_as(*this, Layout::contiguous(shape()), dtype()), "contiguous", {this},
                       [](const Tensor& g) { return g; });
}

Tensor Tensor::channels_last() const {
  if (is_channels_last()) return *this;
  RUSTORCH_CHECK(rank() >= 3 && rank() <= 5, shape_mismatch,
                 "channels_last() needs a tensor of rank 3 to 5 (N, C, spatial dims), this one has shape {}",
                 shape());
  return with_gradient(copy_as(*this, Layout::channels_last(shape()), dtype()), "channels_last", {this},
                       [](const Tensor& g) { return g; });
}

Tensor& Tensor::copy_(const Tensor& source) {
  check_in_place(*this, "copy_");
  const Shape shape = broadcast_shapes(this->shape(), source.shape(), "copy_");
  RUSTORCH_CHECK(shape == this->shape(), shape_mismatch,
                 "copy_: a source of shape {} does not fit into shape {}", source.shape(), this->shape());
  const Tensor here = source.to(device());
  if (in_place_needs_gradient(*this, {&source})) {
    // The values do not depend on what was here before: a fresh history from the source alone.
    return assign_in_place(*this, here.to(dtype()).expand(shape).clone());
  }
  const Operand operand = here;
  return elementwise_into(*this, Op::copy, {&operand, 1});
}

Tensor& Tensor::fill_(const Scalar& value) {
  check_in_place(*this, "fill_");
  if (in_place_needs_gradient(*this, {})) {
    Tensor filled = allocate(Layout::dense_like(shape(), layout()), dtype(), device());
    filled.fill_(value);
    return assign_in_place(*this, filled);
  }
  Program program;
  const Scalar stored =
      dtype() == bool_ ? Scalar(value.to<bool>()) : value;  // 0.5 is true, though 0 in uint8
  program.output(program.scalar(stored, compute_dtype(dtype())), dtype());
  const View output = view_for_write();
  backend_for(device()).elementwise(program, {}, {&output, 1});
  return *this;
}

Tensor& Tensor::zero_() { return fill_(0); }

void Tensor::set_data(const Tensor& other) {
  TensorImpl& self = impl();
  const TensorImpl& source = other.impl();
  RUSTORCH_CHECK(self.gradient == nullptr || self.gradient->node == nullptr, autograd,
                 "set_data of a tensor that an operation made ({})", grad_fn_name());
  self.storage = source.storage;
  self.layout = source.layout;
  self.dtype = source.dtype;
  self.view_base = source.view_base;
  self.history_version = source.history_version;
}

Tensor Tensor::detach() const {
  // Not alias(): a detached tensor is no view, in-place changes of it must not reach the history.
  const TensorImpl& self = impl();
  return Tensor(IntrusivePointer<TensorImpl>::make(self.storage, self.layout, self.dtype));
}

}  // namespace rustorch
