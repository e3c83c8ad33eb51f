#include "rustorch/tensor/operations/reduction.h"

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

DType sum_dtype(DType dtype) noexcept { return is_differentiable(dtype) ? dtype : DType::int64; }

/// A prologue that converts elements of `from` to `to` before they are reduced, where the accumulation would
/// not do so by itself. The value holds the program that `prologue()` points to.
class Conversion {
 public:
  Conversion(DType from, DType to) {
    if (accumulation_dtype(from) == accumulation_dtype(to)) return;
    needed_ = true;
    const DType target = compute_dtype(to);
    Program::Register value = program_.input(from);
    if (compute_dtype(from) != target) value = program_.cast(value, target);
    program_.output(value, accumulation_dtype(to));
  }
  const Program* prologue() const noexcept { return needed_ ? &program_ : nullptr; }

 private:
  Program program_;
  bool needed_ = false;
};

Tensor sum_over(const Tensor& x, const ReducedDims& dims, bool keepdim, DType result) {
  const Conversion conversion(x.dtype(), result);
  Tensor y = reduce({.op = ReduceOp::sum, .prologue = conversion.prologue()}, {&x}, dims, keepdim, result);
  return with_gradient(
      std::move(y), "sum", {&x},
      [kept = dims.kept_shape(), shape = x.shape()](const Tensor& g) { return spread(g, kept, shape); });
}

/// The product of all other elements along dim, for each element: right in the presence of zeros.
Tensor product_of_others(const Tensor& x, std::int64_t dim) {
  const std::int64_t n = x.size(dim);
  const auto before = [&](const Tensor& t) {
    const Tensor first = ones_like(t.narrow(dim, 0, 1));
    return cumprod(cat({first, t.narrow(dim, 0, n - 1)}, dim), dim);
  };
  return before(x) * before(x.flip({dim})).flip({dim});
}

/// g and y have x's rank, with size 1 in dim.
Tensor prod_gradient(const Tensor& g, const Tensor& x, const Tensor& y, std::int64_t dim) {
  if (x.numel() == 0) return {};
  if (all(x).item<bool>()) return g * conjugate(y / x);
  return g * conjugate(product_of_others(x, dim));
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  return sum_over(x, ReducedDims(x.shape(), dims, "sum"), keepdim, dtype.value_or(sum_dtype(x.dtype())));
}

Tensor sum_to_shape(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (!(shape.size() <= x.rank() && broadcast_shapes(x.shape(), shape, "sum_to_shape") == x.shape())) {
    fail(ErrorCode::shape_mismatch, "sum_to_shape: {} does not broadcast to {}", shape, x.shape());
  }
  return sum_over(x, ReducedDims::broadcast_from(shape, x.shape()), false, x.dtype());
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const DType result = dtype.value_or(x.dtype());
  if (!is_differentiable(result)) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, "use x.to(float32), or give a floating-point dtype",
                         "mean needs floating point: {}", result);
  }
  const ReducedDims reduced(x.shape(), dims, "mean");
  const auto count = static_cast<double>(reduced.count());
  const Conversion conversion(x.dtype(), result);
  const Program divide = epilogue_of(Op::div, accumulation_dtype(result), result, count);
  Tensor y = reduce({.op = ReduceOp::sum, .prologue = conversion.prologue(), .epilogue = &divide}, {&x},
                    reduced, keepdim, result);
  return with_gradient(std::move(y), "mean", {&x},
                       [kept = reduced.kept_shape(), shape = x.shape(), count](const Tensor& g) {
                         return spread(g / count, kept, shape);
                       });
}

Tensor prod(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim, std::optional<DType> dtype) {
  const DType result = dtype.value_or(sum_dtype(x.dtype()));
  if (x.dtype() != result) return prod(x.to(result), dim, keepdim);
  const ReducedDims reduced(x.shape(), dim ? Dims(*dim) : Dims(), "prod");
  Tensor y = reduce({.op = ReduceOp::prod}, {&x}, reduced, keepdim, result);
  Saved saved(y);
  return with_gradient(
      std::move(y), "prod", {&x},
      [x = Saved(x), y = std::move(saved), kept = reduced.kept_shape(), dim](const Tensor& g) {
        if (dim && x->rank() != 0) return prod_gradient(g.reshape(kept), *x, y->reshape(kept), *dim);
        const Tensor flat = prod_gradient(g.reshape({1}), x->reshape({x->numel()}), y->reshape({1}), 0);
        return flat.defined() ? flat.reshape(x->shape()) : flat;
      });
}

Tensor nansum(const Tensor& x, const Dims& dims, bool keepdim) {
  if (!is_differentiable(x.dtype())) return sum(x, dims, keepdim);
  check_ordered(x, "nansum");
  const ReducedDims reduced(x.shape(), dims, "nansum");
  Program numbers;
  const Program::Register value = numbers.input(x.dtype());
  const DType compute = compute_dtype(x.dtype());
  numbers.output(numbers.apply(Op::where, numbers.apply(Op::isnan, value), numbers.scalar(0, compute), value),
                 compute);
  Tensor y = reduce({.op = ReduceOp::sum, .prologue = &numbers}, {&x}, reduced, keepdim, x.dtype());
  return with_gradient(std::move(y), "nansum", {&x},
                       [x = Saved(x), kept = reduced.kept_shape()](const Tensor& g) {
                         return spread(g, kept, x->shape()).masked_fill(isnan(*x), 0);
                       });
}

Tensor nanmean(const Tensor& x, const Dims& dims, bool keepdim) {
  check_floating(x, "nanmean", false);
  return nansum(x, dims, keepdim) / sum(x == x, dims, keepdim);
}

Tensor count_nonzero(const Tensor& x, const Dims& dims) {
  const ReducedDims reduced(x.shape(), dims, "count_nonzero");
  Program truth;
  const Program::Register value = truth.input(x.dtype());
  const DType compute = compute_dtype(x.dtype());
  truth.output(truth.apply(Op::ne, value, truth.scalar(0, compute)), DType::int64);
  return reduce({.op = ReduceOp::sum, .prologue = &truth}, {&x}, reduced, false, DType::int64);
}

// ---- truth

namespace {

Tensor truth_of(ReduceOp op, const Tensor& x, const Dims& dims, bool keepdim, const char* name) {
  const DType result = x.dtype() == DType::uint8 ? DType::uint8 : DType::bool_;
  return reduce({.op = op}, {&x}, ReducedDims(x.shape(), dims, name), keepdim, result);
}

}  // namespace

Tensor all(const Tensor& x) { return truth_of(ReduceOp::all, x, {}, false, "all"); }
Tensor all(const Tensor& x, std::int64_t dim, bool keepdim) {
  return truth_of(ReduceOp::all, x, dim, keepdim, "all");
}
Tensor any(const Tensor& x) { return truth_of(ReduceOp::any, x, {}, false, "any"); }
Tensor any(const Tensor& x, std::int64_t dim, bool keepdim) {
  return truth_of(ReduceOp::any, x, dim, keepdim, "any");
}

// ---- methods

Tensor Tensor::sum(const Dims& dims, bool keepdim, std::optional<DType> dtype) const {
  return rustorch::sum(*this, dims, keepdim, dtype);
}
Tensor Tensor::mean(const Dims& dims, bool keepdim, std::optional<DType> dtype) const {
  return rustorch::mean(*this, dims, keepdim, dtype);
}
Tensor Tensor::prod(std::optional<std::int64_t> dim, bool keepdim, std::optional<DType> dtype) const {
  return rustorch::prod(*this, dim, keepdim, dtype);
}
Tensor Tensor::all() const { return rustorch::all(*this); }
Tensor Tensor::all(std::int64_t dim, bool keepdim) const { return rustorch::all(*this, dim, keepdim); }
Tensor Tensor::any() const { return rustorch::any(*this); }
Tensor Tensor::any(std::int64_t dim, bool keepdim) const { return rustorch::any(*this, dim, keepdim); }
Tensor Tensor::count_nonzero(const Dims& dims) const { return rustorch::count_nonzero(*this, dims); }

}  // namespace rustorch
