// Elements chosen by a mask: nonzero, masked_select, masked_fill.

#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

void check_mask(const char* op, const Tensor& x, const Tensor& mask) {
  if (mask.dtype() != DType::bool_) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, "convert it: mask.to(bool_)",
                         "{}: the mask is of dtype {} (shape {}), not bool", op, mask.dtype(), mask.shape());
  }
  common_device(op, {&x, &mask});
}

/// A number as a tensor's dtype holds it: the dtype of the tensor stays what it is.
Scalar as_element(const char* op, const Scalar& value, DType dtype) {
  if (dtype == DType::bool_) return value.to<bool>();
  if (is_integral(dtype)) return value.to<std::int64_t>();
  if (is_complex(dtype)) return value;
  RUSTORCH_CHECK(!value.is_complex(), dtype_mismatch, "{}: the complex value {} for a tensor of dtype {}", op,
                 value.to_string(), dtype);
  return value.to<double>();
}

void check_value(const char* op, const Tensor& x, const Operand& value) {
  if (!value.is_tensor()) return;
  RUSTORCH_CHECK(value.tensor()->rank() == 0, invalid_argument,
                 "{}: the value is a number or a tensor of rank 0, not of shape {}", op,
                 value.tensor()->shape());
  RUSTORCH_CHECK(is_complex(x.dtype()) || !value.tensor()->is_complex(), dtype_mismatch,
                 "{}: a complex value for a tensor of dtype {}", op, x.dtype());
}

}  // namespace

Tensor nonzero(const Tensor& x) {
  const auto count = count_nonzero(x.detach()).item<std::int64_t>();
  const auto rank = static_cast<std::int64_t>(x.rank());
  Tensor positions = allocate(Layout::contiguous({count, rank}), DType::int64, x.device());
  if (positions.numel() != 0) backend_for(x.device()).nonzero(x.view_for_read(), positions.view_for_read());
  return positions;
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check_mask("masked_select", x, mask);
  const Shape shape = broadcast_shapes(x.shape(), mask.shape(), "masked_select");
  const Tensor from = expand(x, shape);
  if (shape.empty()) return reshape(from, {1}).index({reshape(mask, {1})});
  return index(from, {expand(mask, shape)});
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value) {
  check_mask("masked_fill", x, mask);
  check_value("masked_fill", x, value);
  if (!value.is_tensor()) return where(mask, as_element("masked_fill", value.scalar(), x.dtype()), x);
  return where(mask, value.tensor()->to(x.device()).to(x.dtype()), x);
}

Tensor Tensor::masked_select(const Tensor& mask) const { return rustorch::masked_select(*this, mask); }
Tensor Tensor::masked_fill(const Tensor& mask, const Operand& value) const {
  return rustorch::masked_fill(*this, mask, value);
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Operand& value) {
  check_in_place(*this, "masked_fill_");
  check_mask("masked_fill_", *this, mask);
  check_value("masked_fill_", *this, value);
  RUSTORCH_CHECK(broadcast_shapes(shape(), mask.shape(), "masked_fill_") == shape(), shape_mismatch,
                 "masked_fill_: a mask of shape {} does not fit into shape {}", mask.shape(), shape());
  if (in_place_needs_gradient(*this, {value.tensor()}))
    return assign_in_place(*this, rustorch::masked_fill(*this, mask, value));

  const DType compute = compute_dtype(dtype());
  Program program;
  const Program::Register condition = program.input(DType::bool_, compute);
  const Program::Register old = program.input(dtype(), compute);
  // An input must be the output or lie apart from it.
  TensorList inputs{mask.shares_storage(*this) ? mask.clone() : mask, *this};
  Program::Register filling;
  if (value.is_tensor()) {
    inputs.push_back(value.tensor()->detach().to(device()).to(dtype()));
    if (inputs.back().shares_storage(*this)) inputs.back() = inputs.back().clone();
    filling = program.input(dtype(), compute);
  } else {
    filling = program.scalar(as_element("masked_fill_", value.scalar(), dtype()), compute);
  }
  program.output(program.apply(Op::where, condition, filling, old), dtype());
  run_program_into(program, inputs, {this, 1}, "masked_fill_");
  return *this;
}
Tensor Tensor::nonzero() const { return rustorch::nonzero(*this); }

}  // namespace rustorch
