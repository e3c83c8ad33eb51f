#pragma once

#include <initializer_list>
#include <type_traits>
#include <variant>

#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// Nested braces of numbers, as `tensor` takes them: `{{1.f, 2.f}, {3.f, 4.f}}`.
class NestedList {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  explicit(false) NestedList(T value) : value_(value), dtype_(Scalar(value).default_dtype()) {}
  explicit(false) NestedList(Half value) : value_(value), dtype_(float16) {}
  explicit(false) NestedList(BFloat16 value) : value_(value), dtype_(bfloat16) {}
  template <class T>
  explicit(false) NestedList(std::complex<T> value) : value_(value), dtype_(dtype_of<std::complex<T>>) {}
  NestedList(std::initializer_list<NestedList> items) : items_(items), is_list_(true) {}

  bool is_list() const noexcept { return is_list_; }
  const std::vector<NestedList>& items() const noexcept { return items_; }
  const Scalar& value() const noexcept { return value_; }
  DType dtype() const noexcept { return dtype_; }

 private:
  Scalar value_;
  DType dtype_ = float32;
  std::vector<NestedList> items_;
  bool is_list_ = false;
};

/// A tensor of the given numbers: floats become the default dtype (float32), integers int64, bool bool,
/// unless options.dtype says otherwise. Ragged nesting is an Error.
Tensor tensor(const NestedList& values, const TensorOptions& options = {});
/// A 1-d tensor of the vector's elements, in the vector's own dtype unless options.dtype says otherwise.
template <class T>
Tensor tensor(const std::vector<T>& values, const TensorOptions& options = {});
/// The same with a shape.
template <class T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape, const TensorOptions& options = {}) {
  return tensor(values, options).reshape(shape);
}
/// A 0-d tensor.
Tensor scalar_tensor(const Scalar& value, const TensorOptions& options = {});

/// Wraps CPU memory that stays the caller's, or is released by `release` when the last tensor on it goes.
Tensor from_blob(void* data, const Shape& shape, DType dtype = float32, std::function<void()> release = {});
Tensor from_blob(void* data, const Shape& shape, const Strides& strides, DType dtype = float32,
                 std::function<void()> release = {});

Tensor empty(const Shape& shape, const TensorOptions& options = {});
Tensor empty_strided(const Shape& shape, const Strides& strides, const TensorOptions& options = {});
Tensor zeros(const Shape& shape, const TensorOptions& options = {});
Tensor ones(const Shape& shape, const TensorOptions& options = {});
Tensor full(const Shape& shape, const Scalar& value, const TensorOptions& options = {});
Tensor empty_like(const Tensor& x, const TensorOptions& options = {});
Tensor zeros_like(const Tensor& x, const TensorOptions& options = {});
Tensor ones_like(const Tensor& x, const TensorOptions& options = {});
Tensor full_like(const Tensor& x, const Scalar& value, const TensorOptions& options = {});
Tensor eye(std::int64_t n, std::optional<std::int64_t> m = {}, const TensorOptions& options = {});
/// [start, end) by step: int64 where all three are integers, else the default float dtype.
Tensor arange(const Scalar& end, const TensorOptions& options = {});
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step = 1,
              const TensorOptions& options = {});
Tensor linspace(const Scalar& start, const Scalar& end, std::int64_t steps,
                const TensorOptions& options = {});
Tensor logspace(const Scalar& start, const Scalar& end, std::int64_t steps, double base = 10.0,
                const TensorOptions& options = {});
/// Coordinate matrices of 1-d tensors; indexing "ij" (rows first) or "xy".
std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, std::string_view indexing = "ij");
/// A matrix with the vector x on its k-th diagonal, or the k-th diagonal of the matrix x.
Tensor diag(const Tensor& x, std::int64_t diagonal = 0);
Tensor tril(const Tensor& x, std::int64_t diagonal = 0);
Tensor triu(const Tensor& x, std::int64_t diagonal = 0);

}  // namespace rustorch
