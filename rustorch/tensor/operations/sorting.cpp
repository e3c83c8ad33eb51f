#include "rustorch/tensor/operations/sorting.h"

#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

/// The first `count` of the sorted order along dim, values and indices; the gradient goes where the values
/// came from.
std::tuple<Tensor, Tensor> sorted_part(const Tensor& x, std::size_t dim, std::int64_t count, bool descending,
                                       bool stable, const char* name) {
  if (x.rank() == 0) {
    Tensor first = allocate(Layout::contiguous(count == 0 ? Shape{0} : Shape{}), DType::int64, x.device());
    first.zero_();
    return {count == 0 ? x.reshape({1}).narrow(0, 0, 0) : x.clone(), first};
  }
  Shape shape = x.shape();
  shape[dim] = count;
  const Layout layout = Layout::dense_like(std::move(shape), x.layout());
  Tensor values = allocate(layout, x.dtype(), x.device());
  Tensor indices = allocate(layout, DType::int64, x.device());
  if (values.numel() != 0) {
    backend_for(x.device())
        .sort({.input = x.view_for_read(),
               .dim = dim,
               .descending = descending,
               .stable = stable,
               .values = values.view_for_write(),
               .indices = indices.view_for_write()});
  }
  Saved where(indices);
  values = with_gradient(
      std::move(values), name, {&x},
      [where = std::move(where), shape = x.shape(), options = x.options(), dim](const Tensor& g) {
        return scatter(zeros(shape, options), static_cast<std::int64_t>(dim), *where, g);
      });
  return {std::move(values), std::move(indices)};
}

}  // namespace

std::tuple<Tensor, Tensor> sort(const Tensor& x, std::int64_t dim, bool descending, bool stable) {
  check_ordered(x, "sort");
  const std::size_t along = normalize_dim(dim, x.rank(), "sort");
  return sorted_part(x, along, x.rank() == 0 ? 1 : x.shape()[along], descending, stable, "sort");
}

Tensor argsort(const Tensor& x, std::int64_t dim, bool descending, bool stable) {
  check_ordered(x, "argsort");
  const std::size_t along = normalize_dim(dim, x.rank(), "argsort");
  Tensor indices = allocate(Layout::dense_like(x.shape(), x.layout()), DType::int64, x.device());
  if (x.rank() == 0) return indices.zero_();
  if (x.numel() != 0) {
    backend_for(x.device())
        .sort({.input = x.view_for_read(),
               .dim = along,
               .descending = descending,
               .stable = stable,
               .values = {},
               .indices = indices.view_for_write()});
  }
  return indices;
}

Tensor msort(const Tensor& x) { return std::get<0>(sort(x, 0)); }

std::tuple<Tensor, Tensor> topk(const Tensor& x, std::int64_t k, std::int64_t dim, bool largest,
                                bool /*sorted*/) {
  check_ordered(x, "topk");
  const std::size_t along = normalize_dim(dim, x.rank(), "topk");
  const std::int64_t size = x.rank() == 0 ? 1 : x.shape()[along];
  RUSTORCH_CHECK(k >= 0 && k <= size, index_out_of_range,
                 "topk: k = {} is out of range for dim {} of size {} (shape {})", k, along, size, x.shape());
  return sorted_part(x, along, k, largest, false, "topk");  // sorted in any case
}

// ---- methods

std::tuple<Tensor, Tensor> Tensor::sort(std::int64_t dim, bool descending, bool stable) const {
  return rustorch::sort(*this, dim, descending, stable);
}
Tensor Tensor::argsort(std::int64_t dim, bool descending, bool stable) const {
  return rustorch::argsort(*this, dim, descending, stable);
}
std::tuple<Tensor, Tensor> Tensor::topk(std::int64_t k, std::int64_t dim, bool largest, bool sorted) const {
  return rustorch::topk(*this, k, dim, largest, sorted);
}

}  // namespace rustorch
