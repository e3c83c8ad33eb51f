// Tensors of given numbers and of one value.

#include "rustorch/tensor/operations/creation.h"

#include <cstring>

#include "rustorch/backends/runtime.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/tensor/gradient.h"

namespace rustorch {
namespace {

Device device_of(const TensorOptions& options) { return options.device.value_or(default_device()); }

void check_sizes(const char* op, const Shape& shape) {
  for (const std::int64_t size : shape) {
    RUSTORCH_CHECK(size >= 0, invalid_argument, "{}: shape {} holds a negative size", op, shape);
  }
}

/// What the options say about a tensor that is made: where gradients are wanted it is a leaf.
Tensor as_leaf(Tensor tensor, const TensorOptions& options) {
  if (options.requires_grad) tensor.requires_grad_();
  return tensor;
}

/// A tensor made on the host, as the options ask.
Tensor converted(const Tensor& host, const TensorOptions& options) {
  const NoGrad no_grad;
  Tensor result = host.to(options.dtype.value_or(host.dtype())).to(device_of(options));
  return as_leaf(std::move(result), options);
}

Tensor filled(Layout layout, DType dtype, Device device, const Scalar& value, const TensorOptions& options) {
  Tensor result = allocate(layout, dtype, device);
  result.fill_(value);
  return as_leaf(std::move(result), options);
}

Layout layout_like(const Tensor& x) { return Layout::dense_like(x.shape(), x.layout()); }

/// Walks nested lists: the shape, the dtype that holds all numbers, and the numbers in order.
class ListReader {
 public:
  explicit ListReader(const NestedList& list) {
    for (const NestedList* level = &list; level->is_list(); level = level->items().data()) {
      shape_.push_back(static_cast<std::int64_t>(level->items().size()));
      if (level->items().empty()) break;
    }
    read(list, 0);
  }
  const Shape& shape() const noexcept { return shape_; }
  DType dtype() const { return dtype_.value_or(default_dtype()); }
  const std::vector<Scalar>& values() const noexcept { return values_; }

 private:
  void read(const NestedList& list, std::size_t depth) {
    if (!list.is_list()) {
      RUSTORCH_CHECK(depth == shape_.size(), shape_mismatch,
                     "tensor: ragged lists: a number at depth {} where other places hold lists of shape {}",
                     depth, shape_);
      dtype_ = dtype_ ? promote_types(*dtype_, list.dtype()) : list.dtype();
      values_.push_back(list.value());
      return;
    }
    const auto size = static_cast<std::int64_t>(list.items().size());
    RUSTORCH_CHECK(depth < shape_.size() && size == shape_[depth], shape_mismatch,
                   "tensor: ragged lists: one of {} items at depth {}, where the first lists make shape {}",
                   size, depth, shape_);
    for (const NestedList& item : list.items()) read(item, depth + 1);
  }

  Shape shape_;
  std::optional<DType> dtype_;
  std::vector<Scalar> values_;
};

/// Memory that holds every element of a layout with gaps.
Tensor allocate_stretch(Layout layout, DType dtype, Device device) {
  const Tensor memory = allocate(Layout::contiguous({layout.end()}), dtype, device);
  return Tensor(IntrusivePointer<TensorImpl>::make(memory.storage(), std::move(layout), dtype));
}

Layout strided(const char* op, const Shape& shape, const Strides& strides) {
  check_sizes(op, shape);
  RUSTORCH_CHECK(shape.size() == strides.size(), invalid_argument, "{}: shape {} with strides {}", op, shape,
                 strides);
  for (const std::int64_t stride : strides) {
    RUSTORCH_CHECK(stride >= 0, invalid_argument, "{}: strides {} hold a negative one", op, strides);
  }
  return {shape, strides};
}

}  // namespace

Tensor tensor(const NestedList& values, const TensorOptions& options) {
  const ListReader reader(values);
  const DType dtype = options.dtype.value_or(reader.dtype());
  Tensor host = allocate(Layout::contiguous(reader.shape()), dtype, Device());
  visit_dtype(dtype, [&]<class T>(TypeTag<T>) {
    std::ranges::transform(reader.values(), host.initial_data<T>().begin(),
                           [](const Scalar& value) { return value.to<T>(); });
  });
  return converted(host, options);
}

template <class T>
Tensor tensor(const std::vector<T>& values, const TensorOptions& options) {
  const auto count = static_cast<std::int64_t>(values.size());
  Tensor host = allocate(Layout::contiguous({count}), dtype_of<T>, Device());
  using Element =
      std::conditional_t<dtype_of<T> == DType::int64, std::int64_t, T>;  // long and long long are one
  std::ranges::copy(values, host.initial_data<Element>().begin());
  return converted(host, options);
}

template Tensor tensor(const std::vector<bool>&, const TensorOptions&);
template Tensor tensor(const std::vector<std::uint8_t>&, const TensorOptions&);
template Tensor tensor(const std::vector<std::int8_t>&, const TensorOptions&);
template Tensor tensor(const std::vector<std::int16_t>&, const TensorOptions&);
template Tensor tensor(const std::vector<int>&, const TensorOptions&);
template Tensor tensor(const std::vector<long>&, const TensorOptions&);
template Tensor tensor(const std::vector<long long>&, const TensorOptions&);
template Tensor tensor(const std::vector<Half>&, const TensorOptions&);
template Tensor tensor(const std::vector<BFloat16>&, const TensorOptions&);
template Tensor tensor(const std::vector<float>&, const TensorOptions&);
template Tensor tensor(const std::vector<double>&, const TensorOptions&);
template Tensor tensor(const std::vector<std::complex<float>>&, const TensorOptions&);
template Tensor tensor(const std::vector<std::complex<double>>&, const TensorOptions&);

Tensor scalar_tensor(const Scalar& value, const TensorOptions& options) {
  const DType standard = value.is_complex() ? complex_dtype(default_dtype()) : default_dtype();
  return filled(Layout(), options.dtype.value_or(standard), device_of(options), value, options);
}

Tensor from_blob(void* data, const Shape& shape, DType dtype, std::function<void()> release) {
  check_sizes("from_blob", shape);
  return from_blob(data, shape, Layout::contiguous(shape).strides, dtype, std::move(release));
}

Tensor from_blob(void* data, const Shape& shape, const Strides& strides, DType dtype,
                 std::function<void()> release) {
  Layout layout = strided("from_blob", shape, strides);
  const std::size_t bytes = static_cast<std::size_t>(layout.end()) * item_size(dtype);
  RUSTORCH_CHECK(data != nullptr || bytes == 0, invalid_argument,
                 "from_blob: no memory for a tensor of shape {}", shape);
  auto storage = IntrusivePointer<Storage>::make(Buffer(data, bytes, std::move(release)), Device());
  storage->expose();
  return Tensor(IntrusivePointer<TensorImpl>::make(std::move(storage), std::move(layout), dtype));
}

Tensor empty(const Shape& shape, const TensorOptions& options) {
  check_sizes("empty", shape);
  const DType dtype = options.dtype.value_or(default_dtype());
  return as_leaf(allocate(Layout::contiguous(shape), dtype, device_of(options)), options);
}

Tensor empty_strided(const Shape& shape, const Strides& strides, const TensorOptions& options) {
  Layout layout = strided("empty_strided", shape, strides);
  const DType dtype = options.dtype.value_or(default_dtype());
  return as_leaf(allocate_stretch(std::move(layout), dtype, device_of(options)), options);
}

Tensor zeros(const Shape& shape, const TensorOptions& options) {
  check_sizes("zeros", shape);
  return filled(Layout::contiguous(shape), options.dtype.value_or(default_dtype()), device_of(options), 0,
                options);
}

Tensor ones(const Shape& shape, const TensorOptions& options) {
  check_sizes("ones", shape);
  return filled(Layout::contiguous(shape), options.dtype.value_or(default_dtype()), device_of(options), 1,
                options);
}

Tensor full(const Shape& shape, const Scalar& value, const TensorOptions& options) {
  check_sizes("full", shape);
  return filled(Layout::contiguous(shape), options.dtype.value_or(value.default_dtype()), device_of(options),
                value, options);
}

Tensor empty_like(const Tensor& x, const TensorOptions& options) {
  const DType dtype = options.dtype.value_or(x.dtype());
  return as_leaf(allocate(layout_like(x), dtype, options.device.value_or(x.device())), options);
}

Tensor zeros_like(const Tensor& x, const TensorOptions& options) { return full_like(x, 0, options); }

Tensor ones_like(const Tensor& x, const TensorOptions& options) { return full_like(x, 1, options); }

Tensor full_like(const Tensor& x, const Scalar& value, const TensorOptions& options) {
  const DType dtype = options.dtype.value_or(x.dtype());
  return filled(layout_like(x), dtype, options.device.value_or(x.device()), value, options);
}

}  // namespace rustorch
