#include <cmath>
#include <limits>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {

// ---- variance and standard deviation

namespace {

/// The gradient of the variance: g has the kept shape.
Tensor variance_gradient(const Tensor& g, const Tensor& x, const Dims& dims, double degrees_of_freedom) {
  return g * (2.0 / degrees_of_freedom) * (x - mean(x, dims, true));
}

/// Variance or, with the root taken in the same pass, standard deviation of real numbers.
Tensor spread_of(const Tensor& x, const Dims& dims, double correction, bool keepdim, bool root,
                 const char* name) {
  check_floating(x, name);
  if (x.is_complex()) {
    const Tensor sum = var(real(x), dims, correction, keepdim) + var(imag(x), dims, correction, keepdim);
    return root ? sqrt(sum) : sum;
  }
  const ReducedDims reduced(x.shape(), dims, name);
  const double degrees = std::max(0.0, static_cast<double>(reduced.count()) - correction);
  const Program square_root = epilogue_of(Op::sqrt, accumulation_dtype(x.dtype()), x.dtype());
  Tensor y =
      reduce({.op = ReduceOp::variance, .epilogue = root ? &square_root : nullptr, .correction = correction},
             {&x}, reduced, keepdim, x.dtype());
  if (!root) {
    return with_gradient(
        std::move(y), name, {&x},
        [x = Saved(x), kept = reduced.kept_shape(), list = reduced.list(), degrees](const Tensor& g) {
          return variance_gradient(g.reshape(kept), *x, list, degrees);
        });
  }
  Saved saved(y);
  return with_gradient(std::move(y), name, {&x},
                       [x = Saved(x), y = std::move(saved), kept = reduced.kept_shape(),
                        list = reduced.list(), degrees](const Tensor& g) {
                         const Tensor of_variance = (g / (*y * 2)).masked_fill(*y == 0, 0);
                         return variance_gradient(of_variance.reshape(kept), *x, list, degrees);
                       });
}

}  // namespace

Tensor var(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return spread_of(x, dims, correction, keepdim, false, "var");
}

Tensor std(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return spread_of(x, dims, correction, keepdim, true, "std");
}

std::tuple<Tensor, Tensor> var_mean(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return {var(x, dims, correction, keepdim), mean(x, dims, keepdim)};
}

std::tuple<Tensor, Tensor> std_mean(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return {std(x, dims, correction, keepdim), mean(x, dims, keepdim)};
}

// ---- logsumexp

Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim) {
  if (!is_differentiable(x.dtype())) return logsumexp(x.to(default_dtype()), dims, keepdim);
  check_ordered(x, "logsumexp");
  const ReducedDims reduced(x.shape(), dims, "logsumexp");
  const DType compute = compute_dtype(x.dtype());

  // The largest element, which is taken out of the exponentials; 0 where it is infinite, or inf - inf would
  // be NaN.
  Program finite;
  const Program::Register top = finite.input(x.dtype(), compute);
  finite.output(finite.apply(Op::where, finite.apply(Op::isfinite, top), top, finite.scalar(0, compute)),
                compute);
  const Tensor largest = reduce({.op = ReduceOp::max, .epilogue = &finite}, {&x}, reduced, true, compute);

  Program exponentials;
  const Program::Register value = exponentials.input(x.dtype());
  const Program::Register shift = exponentials.input(compute);
  exponentials.output(exponentials.apply(Op::exp, exponentials.apply(Op::sub, value, shift)), compute);
  const Program logarithm = epilogue_of(Op::log, compute, compute);
  const Tensor shifts = largest.expand(x.shape());
  const Tensor above = reduce({.op = ReduceOp::sum, .prologue = &exponentials, .epilogue = &logarithm},
                              {&x, &shifts}, reduced, keepdim, compute);
  Tensor y = (above + largest.reshape(above.shape())).to(x.dtype());
  Saved saved(y);
  return with_gradient(std::move(y), "logsumexp", {&x},
                       [x = Saved(x), y = std::move(saved), kept = reduced.kept_shape()](const Tensor& g) {
                         return g.reshape(kept) * exp(*x - y->reshape(kept));
                       });
}

// ---- norm

namespace {

/// x / |x|, 0 where x is 0.
Tensor direction(const Tensor& x) {
  if (!x.is_complex()) return sign(x);
  const Tensor size = abs(x);
  return (x / size).masked_fill(size == 0, 0);
}

/// The gradient of the p-norm; g and y have the kept shape.
Tensor norm_gradient(const Tensor& g, const Tensor& x, const Tensor& y, double p, const Dims& dims) {
  if (p == 0.0) return zeros_like(x);  // counts: flat everywhere it has a slope
  if (p == 1.0) return g * direction(x);
  if (p == 2.0) return x * (g / y).masked_fill(y == 0, 0);
  if (std::isinf(p)) {
    const Tensor size = abs(x);
    const Tensor extreme = (size == y).logical_or(isnan(size).logical_and(isnan(y)));
    return direction(x) * extreme * (g / sum(extreme, dims, true));
  }
  const Tensor size = abs(x);
  if (p < 2.0) {
    Tensor powers = direction(x) * pow(size, p - 1);
    if (p < 1.0) powers = powers.masked_fill(x == 0, 0);
    return powers * (g * pow(y, 1 - p)).masked_fill(y == 0, 0);
  }
  return x * pow(size, p - 2) * (g / pow(y, p - 1)).masked_fill(y == 0, 0);
}

}  // namespace

Tensor norm(const Tensor& x, const Scalar& order, const Dims& dims, bool keepdim) {
  check_floating(x, "norm");
  const auto p = order.to<double>();
  const ReducedDims reduced(x.shape(), dims, "norm");
  RUSTORCH_CHECK(reduced.count() != 0 || (p >= 0 && !std::isinf(p)), invalid_argument,
                 "norm: the {}-norm of no elements is not defined (shape {})", p, x.shape());
  const DType stored = x.dtype() == DType::complex64    ? DType::float32
                       : x.dtype() == DType::complex128 ? DType::float64
                                                        : x.dtype();
  const DType compute = compute_dtype(stored);

  Program powers;
  Program::Register value = powers.input(x.dtype());
  const bool square = p == 2.0 && !x.is_complex();
  if (!square) value = powers.apply(Op::abs, value);
  if (x.is_complex()) value = powers.cast(value, compute);
  if (p == 2.0) {
    value = powers.apply(Op::square, value);
  } else if (p == 0.0) {
    value = powers.apply(Op::ne, value, powers.scalar(0, compute));
  } else if (p != 1.0 && !std::isinf(p)) {
    value = powers.apply(Op::pow, value, powers.scalar(p, compute));
  }
  powers.output(value, compute);

  Program root;
  const Program::Register reduced_value = root.input(compute);
  root.output(p == 2.0 ? root.apply(Op::sqrt, reduced_value)
                       : root.apply(Op::pow, reduced_value, root.scalar(p == 0.0 ? 1.0 : 1.0 / p, compute)),
              stored);
  const bool take_root = p != 1.0 && p != 0.0 && !std::isinf(p);
  const ReduceOp op = !std::isinf(p) ? ReduceOp::sum : p > 0 ? ReduceOp::max : ReduceOp::min;
  Tensor y = reduce({.op = op, .prologue = &powers, .epilogue = take_root ? &root : nullptr}, {&x}, reduced,
                    keepdim, stored);
  Saved saved(y);
  return with_gradient(
      std::move(y), "norm", {&x},
      [x = Saved(x), y = std::move(saved), kept = reduced.kept_shape(), list = reduced.list(),
       p](const Tensor& g) { return norm_gradient(g.reshape(kept), *x, y->reshape(kept), p, list); });
}

// ---- methods

Tensor Tensor::var(const Dims& dims, double correction, bool keepdim) const {
  return rustorch::var(*this, dims, correction, keepdim);
}
Tensor Tensor::std(const Dims& dims, double correction, bool keepdim) const {
  return rustorch::std(*this, dims, correction, keepdim);
}
Tensor Tensor::logsumexp(const Dims& dims, bool keepdim) const {
  return rustorch::logsumexp(*this, dims, keepdim);
}
Tensor Tensor::norm(const Scalar& p, const Dims& dims, bool keepdim) const {
  return rustorch::norm(*this, p, dims, keepdim);
}

}  // namespace rustorch
