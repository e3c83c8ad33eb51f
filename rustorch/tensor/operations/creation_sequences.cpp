// Sequences, grids and matrices with a pattern.

#include <cmath>

#include "rustorch/backends/runtime.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/tensor/operations/view_gradient.h"

namespace rustorch {
namespace {

/// 1-d: start + i · step.
Tensor generate_sequence(std::int64_t count, double start, double step, DType dtype, Device device) {
  Tensor result = allocate(Layout::contiguous({count}), dtype, device);
  if (count != 0) {
    backend_for(device).generate(
        {.kind = GenerateKind::sequence, .out = result.view_for_read(), .a = start, .b = step});
  }
  return result;
}

Tensor integer_sequence(std::int64_t start, std::int64_t end, std::int64_t step, DType dtype, Device device) {
  RUSTORCH_CHECK(step != 0, invalid_argument, "arange: the step is 0");
  RUSTORCH_CHECK(step > 0 ? start <= end : start >= end, invalid_argument,
                 "arange: steps of {} do not lead from {} to {}", step, start, end);
  // The distance of two 64-bit numbers takes 65 bits.
  const __int128 distance = static_cast<__int128>(end) - start;
  const auto count = static_cast<std::int64_t>((distance + step + (step > 0 ? -1 : 1)) / step);
  constexpr std::int64_t exact = std::int64_t{1} << 53;  // integers that doubles hold
  const auto is_exact = [](std::int64_t value) { return value >= -exact && value <= exact; };
  if (is_exact(start) && is_exact(end) && is_exact(step)) {
    return generate_sequence(count, static_cast<double>(start), static_cast<double>(step), dtype, device);
  }
  return (generate_sequence(count, 0, 1, DType::int64, device) * step + start).to(dtype);
}

Tensor real_sequence(double start, double end, double step, DType dtype, Device device) {
  RUSTORCH_CHECK(std::isfinite(start) && std::isfinite(end) && !std::isnan(step), invalid_argument,
                 "arange: from {} to {} by {} is no range", start, end, step);
  RUSTORCH_CHECK(step != 0, invalid_argument, "arange: the step is 0");
  RUSTORCH_CHECK(step > 0 ? start <= end : start >= end, invalid_argument,
                 "arange: steps of {} do not lead from {} to {}", step, start, end);
  const double count = std::ceil((end - start) / step);
  RUSTORCH_CHECK(count < 0x1p62, invalid_argument, "arange: from {} to {} by {} has too many elements", start,
                 end, step);
  return generate_sequence(static_cast<std::int64_t>(count), start, step, dtype, device);
}

/// `steps` evenly spaced values from start to end, both exact: the second half is counted from the end.
template <class T>
std::vector<T> spaced(T start, T end, std::int64_t steps) {
  std::vector<T> values(static_cast<std::size_t>(steps), start);
  if (steps < 2) return values;
  const T step = (end - start) / static_cast<double>(steps - 1);
  for (std::int64_t i = 1; i < steps; ++i) {
    values[static_cast<std::size_t>(i)] = i < steps / 2 ? start + step * static_cast<double>(i)
                                                        : end - step * static_cast<double>(steps - 1 - i);
  }
  return values;
}

/// The dtype of linspace and logspace, and values of `transform` in it.
template <class Transform>
Tensor spaced_tensor(const char* op, const Scalar& start, const Scalar& end, std::int64_t steps,
                     TensorOptions options, const Transform& transform) {
  RUSTORCH_CHECK(steps >= 0, invalid_argument, "{}: {} steps", op, steps);
  const bool is_complex_range = start.is_complex() || end.is_complex();
  if (!options.dtype) options.dtype = is_complex_range ? complex_dtype(default_dtype()) : default_dtype();
  RUSTORCH_CHECK(!is_complex_range || is_complex(*options.dtype), dtype_mismatch,
                 "{}: a complex range in a tensor of dtype {}", op, *options.dtype);
  const auto make = [&]<class T>(TypeTag<T>) {
    T first = start.to<T>();
    T last = end.to<T>();
    if (is_integral(*options.dtype)) {
      first = T(static_cast<double>(start.to<std::int64_t>()));
      last = T(static_cast<double>(end.to<std::int64_t>()));
    }
    std::vector<T> values = spaced(first, last, steps);
    for (T& value : values) value = transform(value);
    return tensor(values, options);
  };
  return is_complex_range ? make(TypeTag<std::complex<double>>{}) : make(TypeTag<double>{});
}

void check_matrix(const char* op, const Tensor& x) {
  RUSTORCH_CHECK(x.rank() >= 2, invalid_argument, "{}: needs a matrix or a batch of them, not shape {}", op,
                 x.shape());
}

/// column - row of each element of a matrix like x's: which diagonal it is on.
Tensor diagonal_numbers(const Tensor& x) {
  const TensorOptions options{.dtype = DType::int64, .device = x.device()};
  const Tensor rows = arange(x.size(-2), options);
  return arange(x.size(-1), options) - unsqueeze(rows, 1);
}

Scalar zero_of(DType dtype) { return dtype == DType::bool_ ? Scalar(false) : Scalar(0); }

}  // namespace

Tensor eye(std::int64_t n, std::optional<std::int64_t> m, const TensorOptions& options) {
  const std::int64_t columns = m.value_or(n);
  RUSTORCH_CHECK(n >= 0 && columns >= 0, invalid_argument, "eye: a matrix of {} x {}", n, columns);
  TensorOptions plain = options;
  plain.requires_grad = false;
  Tensor result = zeros({n, columns}, plain);
  alias(result, Layout({std::min(n, columns)}, {columns + 1})).fill_(1);
  if (options.requires_grad) result.requires_grad_();
  return result;
}

Tensor arange(const Scalar& end, const TensorOptions& options) { return arange(0, end, 1, options); }

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, const TensorOptions& options) {
  const Scalar* const scalars[] = {&start, &end, &step};
  bool integral = true;
  for (const Scalar* scalar : scalars) {
    RUSTORCH_CHECK(!scalar->is_complex(), dtype_mismatch, "arange: {} is complex: no order leads there",
                   scalar->to_string());
    integral = integral && !scalar->is_floating_point();
  }
  const DType dtype = options.dtype.value_or(integral ? DType::int64 : default_dtype());
  RUSTORCH_CHECK(is_integral(dtype) || is_floating_point(dtype), dtype_mismatch,
                 "arange: makes integers and floating-point numbers, not {}", dtype);
  const Device device = options.device.value_or(default_device());
  Tensor result = is_integral(dtype) || integral
                      ? integer_sequence(start.to<std::int64_t>(), end.to<std::int64_t>(),
                                         step.to<std::int64_t>(), dtype, device)
                      : real_sequence(start.to<double>(), end.to<double>(), step.to<double>(), dtype, device);
  if (options.requires_grad) result.requires_grad_();
  return result;
}

Tensor linspace(const Scalar& start, const Scalar& end, std::int64_t steps, const TensorOptions& options) {
  return spaced_tensor("linspace", start, end, steps, options, [](auto value) { return value; });
}

Tensor logspace(const Scalar& start, const Scalar& end, std::int64_t steps, double base,
                const TensorOptions& options) {
  return spaced_tensor("logspace", start, end, steps, options,
                       [base](auto value) { return std::pow(base, value); });
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, std::string_view indexing) {
  RUSTORCH_CHECK(indexing == "ij" || indexing == "xy", invalid_argument,
                 "meshgrid: indexing \"{}\" is not ij or xy", indexing);
  RUSTORCH_CHECK(!tensors.empty(), invalid_argument, "meshgrid: needs at least one tensor");
  const bool swapped = indexing == "xy" && tensors.size() >= 2;
  Shape shape;
  for (const Tensor& tensor : tensors) {
    RUSTORCH_CHECK(tensor.rank() <= 1, shape_mismatch,
                   "meshgrid: tensor {} has shape {}, and takes at most one dim", shape.size(),
                   tensor.shape());
    shape.push_back(tensor.numel());
  }
  if (swapped) std::swap(shape[0], shape[1]);
  std::vector<Tensor> grids;
  grids.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Shape along = Shape::filled(shape.size(), 1);
    along[swapped && i < 2 ? 1 - i : i] = tensors[i].numel();
    grids.push_back(expand(reshape(tensors[i], along), shape));
  }
  return grids;
}

Tensor diag(const Tensor& x, std::int64_t k) {
  if (x.rank() == 2) return diagonal(x, k).clone();
  RUSTORCH_CHECK(x.rank() == 1, invalid_argument, "diag: takes a vector or a matrix, not shape {}",
                 x.shape());
  const std::int64_t size = x.numel() + std::abs(k);
  Layout on_diagonal(x.shape(), {size + 1}, k >= 0 ? k : -k * size);
  return strided_scatter(x, Layout::contiguous({size, size}), on_diagonal);
}

Tensor tril(const Tensor& x, std::int64_t k) {
  check_matrix("tril", x);
  return where(diagonal_numbers(x) <= k, x, zero_of(x.dtype()));
}

Tensor triu(const Tensor& x, std::int64_t k) {
  check_matrix("triu", x);
  return where(diagonal_numbers(x) >= k, x, zero_of(x.dtype()));
}

Tensor Tensor::diag(std::int64_t diagonal) const { return rustorch::diag(*this, diagonal); }
Tensor Tensor::tril(std::int64_t diagonal) const { return rustorch::tril(*this, diagonal); }
Tensor Tensor::triu(std::int64_t diagonal) const { return rustorch::triu(*this, diagonal); }

}  // namespace rustorch
