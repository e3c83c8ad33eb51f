#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

void check_not_empty(const Tensor& x, const ReducedDims& dims, const char* op) {
  RUSTORCH_CHECK(dims.count() != 0, invalid_argument, "{} of no elements is not defined: shape {}", op,
                 x.shape());
}

/// The extreme over any dims; its gradient is shared evenly among equal elements.
Tensor extreme(ReduceOp op, const Tensor& x, const Dims& dims, bool keepdim, const char* name) {
  check_ordered(x, name);
  const ReducedDims reduced(x.shape(), dims, name);
  check_not_empty(x, reduced, name);
  Tensor y = reduce({.op = op}, {&x}, reduced, keepdim, x.dtype());
  if (!is_differentiable(x.dtype())) return y;
  Saved saved(y);
  return with_gradient(std::move(y), name, {&x},
                       [x = Saved(x), y = std::move(saved), kept = reduced.kept_shape(),
                        list = reduced.list()](const Tensor& g) {
                         const Tensor value = y->reshape(kept);
                         const Tensor winners = (*x == value).logical_or(isnan(*x).logical_and(isnan(value)));
                         return g.reshape(kept) / sum(winners, list, true) * winners;
                       });
}

/// Along one dim, with the indices: the gradient goes to the element that won.
std::tuple<Tensor, Tensor> extreme_along(ArgReduceOp op, const Tensor& x, std::int64_t dim, bool keepdim,
                                         const char* name) {
  check_ordered(x, name);
  const std::size_t along = normalize_dim(dim, x.rank(), name);
  const ReducedDims reduced(x.shape(), dim, name);
  check_not_empty(x, reduced, name);
  ReducedResult values(x, reduced, keepdim, x.dtype());
  ReducedResult indices(x, reduced, keepdim, DType::int64);
  if (x.rank() == 0) {
    values.tensor = x.clone();
    indices.tensor.zero_();
    return {values.tensor, indices.tensor};
  }
  if (values.tensor.numel() != 0) {
    backend_for(x.device())
        .arg_reduce({.op = op,
                     .input = x.view_for_read(),
                     .dim = along,
                     .values = values.view(),
                     .indices = indices.view()});
  }
  Saved where(indices.tensor);
  Tensor y = with_gradient(std::move(values.tensor), name, {&x},
                           [where = std::move(where), kept = reduced.kept_shape(), shape = x.shape(),
                            options = x.options(), along](const Tensor& g) {
                             return scatter(zeros(shape, options), static_cast<std::int64_t>(along),
                                            where->reshape(kept), g.reshape(kept));
                           });
  return {std::move(y), std::move(indices.tensor)};
}

Tensor index_of_extreme(ArgReduceOp op, const Tensor& x, std::optional<std::int64_t> dim, bool keepdim,
                        const char* name) {
  check_ordered(x, name);
  if (!dim) {
    RUSTORCH_CHECK(x.numel() != 0, invalid_argument, "{} of no elements is not defined: shape {}", name,
                   x.shape());
    const Tensor flat = index_of_extreme(op, x.detach().reshape({x.numel()}), 0, false, name);
    return keepdim ? flat.reshape(Shape::filled(x.rank(), 1)) : flat;
  }
  const std::size_t along = normalize_dim(*dim, x.rank(), name);
  const ReducedDims reduced(x.shape(), *dim, name);
  check_not_empty(x, reduced, name);
  ReducedResult indices(x, reduced, keepdim, DType::int64);
  if (x.rank() == 0) return indices.tensor.zero_();
  if (indices.tensor.numel() != 0) {
    backend_for(x.device())
        .arg_reduce(
            {.op = op, .input = x.view_for_read(), .dim = along, .values = {}, .indices = indices.view()});
  }
  return std::move(indices.tensor);
}

}  // namespace

Tensor max(const Tensor& x) { return extreme(ReduceOp::max, x, {}, false, "max"); }
Tensor min(const Tensor& x) { return extreme(ReduceOp::min, x, {}, false, "min"); }

std::tuple<Tensor, Tensor> max(const Tensor& x, std::int64_t dim, bool keepdim) {
  return extreme_along(ArgReduceOp::max, x, dim, keepdim, "max");
}
std::tuple<Tensor, Tensor> min(const Tensor& x, std::int64_t dim, bool keepdim) {
  return extreme_along(ArgReduceOp::min, x, dim, keepdim, "min");
}

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme(ReduceOp::max, x, dims, keepdim, "amax");
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme(ReduceOp::min, x, dims, keepdim, "amin");
}

std::tuple<Tensor, Tensor> aminmax(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
  const Dims dims = dim ? Dims(*dim) : Dims();
  return {extreme(ReduceOp::min, x, dims, keepdim, "aminmax"),
          extreme(ReduceOp::max, x, dims, keepdim, "aminmax")};
}

Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
  return index_of_extreme(ArgReduceOp::max, x, dim, keepdim, "argmax");
}
Tensor argmin(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
  return index_of_extreme(ArgReduceOp::min, x, dim, keepdim, "argmin");
}

// ---- methods

Tensor Tensor::max() const { return rustorch::max(*this); }
Tensor Tensor::min() const { return rustorch::min(*this); }
std::tuple<Tensor, Tensor> Tensor::max(std::int64_t dim, bool keepdim) const {
  return rustorch::max(*this, dim, keepdim);
}
std::tuple<Tensor, Tensor> Tensor::min(std::int64_t dim, bool keepdim) const {
  return rustorch::min(*this, dim, keepdim);
}
Tensor Tensor::amax(const Dims& dims, bool keepdim) const { return rustorch::amax(*this, dims, keepdim); }
Tensor Tensor::amin(const Dims& dims, bool keepdim) const { return rustorch::amin(*this, dims, keepdim); }
Tensor Tensor::argmax(std::optional<std::int64_t> dim, bool keepdim) const {
  return rustorch::argmax(*this, dim, keepdim);
}
Tensor Tensor::argmin(std::optional<std::int64_t> dim, bool keepdim) const {
  return rustorch::argmin(*this, dim, keepdim);
}

}  // namespace rustorch
