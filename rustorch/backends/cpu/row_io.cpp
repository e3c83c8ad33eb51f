#include "rustorch/backends/cpu/row_io.h"

#include "rustorch/backends/loop_nest.h"

namespace rustorch::cpu {
namespace {

Buffer row_buffer(std::int64_t columns, DType computed) {
  return Buffer(cpu_allocator(), static_cast<std::size_t>(columns) * item_size(computed));
}

/// Calls `f` with the address of element `i` as its C++ type.
template <class F>
void with_element(const View& view, std::int64_t i, const F& f) {
  std::byte* const address =
      first_byte(view) + i * view.layout->strides[0] * static_cast<std::int64_t>(item_size(view.dtype));
  switch (view.dtype) {
    case DType::float32:
      return f(reinterpret_cast<float*>(address));
    case DType::float64:
      return f(reinterpret_cast<double*>(address));
    case DType::float16:
      return f(reinterpret_cast<Half*>(address));
    case DType::bfloat16:
      return f(reinterpret_cast<BFloat16*>(address));
    default:
      fail(ErrorCode::dtype_mismatch, "a floating-point dtype is expected, not {}", view.dtype);
  }
}

}  // namespace

Rows::Rows(const View& view, DType computed)
    : reader_(view, computed),
      columns_(view.layout->shape[1]),
      row_stride_(view.layout->strides[0]),
      column_stride_(view.layout->strides[1]) {
  if (!reader_.is_direct(columns_ == 1 ? 1 : column_stride_)) buffer_ = row_buffer(columns_, computed);
}

ResultRows::ResultRows(const View& view, DType computed) {
  if (view.data == nullptr) return;
  writer_ = RunWriter(view, computed);
  columns_ = view.layout->shape[1];
  row_stride_ = view.layout->strides[0];
  column_stride_ = view.layout->strides[1];
  direct_ = writer_.is_direct(columns_ == 1 ? 1 : column_stride_);
  if (!direct_) buffer_ = row_buffer(columns_, computed);
}

Parameter::Parameter(const std::optional<View>& view, DType computed) {
  if (!view) return;
  const RunReader reader(*view, computed);
  const std::int64_t n = view->layout->shape[0];
  const std::int64_t stride = view->layout->strides[0];
  if (!reader.is_direct(n == 1 ? 1 : stride)) buffer_ = row_buffer(n, computed);
  data_ = reader.get(0, stride, n, buffer_.data());
}

double read_element(const View& view, std::int64_t i) {
  double value = 0;
  with_element(view, i, [&](const auto* element) {
    using T = std::remove_cv_t<std::remove_pointer_t<decltype(element)>>;
    using Wide = std::conditional_t<is_reduced_precision(dtype_of<T>), float, T>;
    value = static_cast<double>(static_cast<Wide>(*element));
  });
  return value;
}

void write_element(const View& view, std::int64_t i, double value) {
  with_element(view, i, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    if constexpr (is_reduced_precision(dtype_of<T>)) {
      *element = T(static_cast<float>(value));
    } else {
      *element = static_cast<T>(value);
    }
  });
}

}  // namespace rustorch::cpu
