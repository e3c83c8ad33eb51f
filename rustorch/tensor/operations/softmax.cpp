#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/normalization.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"

namespace rustorch {
namespace {

Tensor softmax_gradient(const Tensor& g, const Tensor& y, std::size_t dim, bool logarithm) {
  const auto along = static_cast<std::int64_t>(dim);
  if (grad_enabled()) {  // the same in operations that can be differentiated again
    if (logarithm) return g - exp(y) * sum(g, along, true);
    return y * (g - sum(g * y, along, true));
  }
  Tensor dx = allocate(Layout::dense_like(y.shape(), y.layout()), y.dtype(), y.device());
  if (dx.numel() != 0) {
    backend_for(y.device())
        .softmax_backward({.output = y.view_for_read(),
                           .d_output = g.view_for_read(),
                           .dim = dim,
                           .logarithm = logarithm,
                           .d_input = dx.view_for_write()});
  }
  return dx;
}

Tensor softmax_along(const char* op, const Tensor& x, std::int64_t dim, std::optional<DType> dtype,
                     bool logarithm) {
  if (dtype && *dtype != x.dtype()) return softmax_along(op, x.to(*dtype), dim, {}, logarithm);
  check_floating(x, op, false);
  const std::size_t along = normalize_dim(dim, x.rank(), op);
  if (x.rank() == 0) return softmax_along(op, x.reshape({1}), 0, {}, logarithm).reshape({});
  Tensor y = allocate(Layout::dense_like(x.shape(), x.layout()), x.dtype(), x.device());
  if (y.numel() != 0) {
    backend_for(x.device())
        .softmax_forward(
            {.input = x.view_for_read(), .dim = along, .logarithm = logarithm, .output = y.view_for_write()});
  }
  Saved saved(y);
  return with_gradient(std::move(y), op, {&x}, [y = std::move(saved), along, logarithm](const Tensor& g) {
    return softmax_gradient(g, *y, along, logarithm);
  });
}

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
  return softmax_along("softmax", x, dim, dtype, false);
}
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
  return softmax_along("log_softmax", x, dim, dtype, true);
}

// ---- methods

Tensor Tensor::softmax(std::int64_t dim, std::optional<DType> dtype) const {
  return rustorch::softmax(*this, dim, dtype);
}
Tensor Tensor::log_softmax(std::int64_t dim, std::optional<DType> dtype) const {
  return rustorch::log_softmax(*this, dim, dtype);
}

}  // namespace rustorch
