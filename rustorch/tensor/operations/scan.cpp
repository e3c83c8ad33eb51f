#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

/// A running reduction along dim into a new tensor, with the indices where `indices` is given. No gradient.
Tensor scan(ScanOp op, const Tensor& x, std::size_t dim, Tensor* indices = nullptr) {
  const Layout layout = Layout::dense_like(x.shape(), x.layout());
  Tensor y = allocate(layout, x.dtype(), x.device());
  if (indices != nullptr) *indices = allocate(layout, DType::int64, x.device());
  if (x.rank() == 0) {
    y.copy_(x.detach());
    if (indices != nullptr) indices->zero_();
  } else if (x.numel() != 0) {
    backend_for(x.device())
        .scan({.op = op,
               .input = x.view_for_read(),
               .dim = dim,
               .out = y.view_for_write(),
               .indices = indices != nullptr ? indices->view_for_write() : View{}});
  }
  return y;
}

Tensor reverse_cumsum(const Tensor& x, std::int64_t dim) { return cumsum(x.flip({dim}), dim).flip({dim}); }

/// Every term of the derivative written out: one pass an element, but right for derivatives of any order
/// where x has zeros.
Tensor cumprod_gradient_by_terms(const Tensor& g, const Tensor& x, std::int64_t dim) {
  const std::int64_t n = x.size(dim);
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < n; ++i) {
    // d out[k] / d x[i] for k ≥ i: the product of x[0 … k] without x[i].
    const Tensor before = prod(x.narrow(dim, 0, i), dim, true);
    const Tensor first = ones_like(x.narrow(dim, 0, 1));
    const Tensor after = cumprod(cat({first, x.narrow(dim, i + 1, n - i - 1)}, dim), dim);
    parts.push_back(sum(g.narrow(dim, i, n - i) * conjugate(before * after), dim, true));
  }
  return cat(parts, dim);
}

Tensor cumprod_gradient(const Tensor& g, const Tensor& x, const Tensor& y, std::int64_t dim) {
  if (x.numel() == 0) return {};
  if (all(x).item<bool>()) return reverse_cumsum(g * conjugate(y), dim) / conjugate(x);
  if (grad_enabled()) return cumprod_gradient_by_terms(g, x, dim);
  // Before the first zero of a row the formula above holds, for later results are 0. At the first zero the
  // products go on as if it were 1. Behind it every product has that zero as a factor.
  const Tensor zero = x == 0;
  const Tensor zeros_so_far = cumsum(zero, dim);
  const Tensor first_zero = zero.logical_and(zeros_so_far == 1);
  const Tensor before = reverse_cumsum(g * conjugate(y), dim) / conjugate(x);
  // Sums from the zero on: what lies before it is not in them, as the sums run from the end.
  const Tensor at_zero = reverse_cumsum(g * conjugate(cumprod(x.masked_fill(first_zero, 1), dim)), dim);
  return where(zeros_so_far == 0, before, where(first_zero, at_zero, 0));
}

std::tuple<Tensor, Tensor> running_extreme(ScanOp op, const Tensor& x, std::int64_t dim, const char* name) {
  check_ordered(x, name);
  const std::size_t along = normalize_dim(dim, x.rank(), name);
  Tensor indices;
  Tensor y = scan(op, x, along, &indices);
  Saved where(indices);
  y = with_gradient(std::move(y), name, {&x}, [where = std::move(where), along](const Tensor& g) {
    if (g.rank() == 0) return g;
    return scatter_add(zeros_like(g), static_cast<std::int64_t>(along), *where, g);
  });
  return {std::move(y), std::move(indices)};
}

}  // namespace

Tensor cumsum(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
  const std::size_t along = normalize_dim(dim, x.rank(), "cumsum");
  const DType result = dtype.value_or(is_differentiable(x.dtype()) ? x.dtype() : DType::int64);
  if (x.dtype() != result) return cumsum(x.to(result), dim);
  Tensor y = scan(ScanOp::sum, x, along);
  return with_gradient(std::move(y), "cumsum", {&x}, [along](const Tensor& g) {
    return g.rank() == 0 ? g : reverse_cumsum(g, static_cast<std::int64_t>(along));
  });
}

Tensor cumprod(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
  const std::size_t along = normalize_dim(dim, x.rank(), "cumprod");
  const DType result = dtype.value_or(is_differentiable(x.dtype()) ? x.dtype() : DType::int64);
  if (x.dtype() != result) return cumprod(x.to(result), dim);
  Tensor y = scan(ScanOp::prod, x, along);
  Saved saved(y);
  return with_gradient(std::move(y), "cumprod", {&x},
                       [x = Saved(x), y = std::move(saved), along](const Tensor& g) {
                         if (g.rank() == 0) return g;
                         return cumprod_gradient(g, *x, *y, static_cast<std::int64_t>(along));
                       });
}

std::tuple<Tensor, Tensor> cummax(const Tensor& x, std::int64_t dim) {
  return running_extreme(ScanOp::max, x, dim, "cummax");
}
std::tuple<Tensor, Tensor> cummin(const Tensor& x, std::int64_t dim) {
  return running_extreme(ScanOp::min, x, dim, "cummin");
}

Tensor logcumsumexp(const Tensor& x, std::int64_t dim) {
  check_floating(x, "logcumsumexp", false);
  const std::size_t along = normalize_dim(dim, x.rank(), "logcumsumexp");
  Tensor y = scan(ScanOp::log_sum_exp, x, along);
  Saved saved(y);
  return with_gradient(std::move(y), "logcumsumexp", {&x},
                       [x = Saved(x), y = std::move(saved), along](const Tensor& g) {
                         if (g.rank() == 0 || g.numel() == 0) return g;
                         // Σ g[k] · exp(x[i] - y[k]) over k ≥ i: in logarithms like the forward, for each
                         // sign of g apart.
                         const auto at = static_cast<std::int64_t>(along);
                         if (grad_enabled()) {  // the logarithms have no derivative where g is 0
                           const Tensor top = amax(x->detach(), at, true);
                           return exp(*x - top) * reverse_cumsum(g * exp(top - *y), at);
                         }
                         const auto part = [&](const Tensor& weights) {
                           const Tensor logs = (log(weights) - *y).flip({at});
                           return exp(logcumsumexp(logs, at).flip({at}) + *x);
                         };
                         return part(g.clamp_min(0)) - part((-g).clamp_min(0));
                       });
}

// ---- methods

Tensor Tensor::cumsum(std::int64_t dim, std::optional<DType> dtype) const {
  return rustorch::cumsum(*this, dim, dtype);
}
Tensor Tensor::cumprod(std::int64_t dim, std::optional<DType> dtype) const {
  return rustorch::cumprod(*this, dim, dtype);
}
std::tuple<Tensor, Tensor> Tensor::cummax(std::int64_t dim) const { return rustorch::cummax(*this, dim); }
std::tuple<Tensor, Tensor> Tensor::cummin(std::int64_t dim) const { return rustorch::cummin(*this, dim); }
Tensor Tensor::logcumsumexp(std::int64_t dim) const { return rustorch::logcumsumexp(*this, dim); }

}  // namespace rustorch
