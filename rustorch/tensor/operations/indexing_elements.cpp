// Elements chosen along one dim: gather, scatter, index_select, index_add, take, embedding, one_hot.

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/selection.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

/// A tensor without dims counts as one of a single element, as a view of it.
Tensor with_a_dim(const Tensor& x) { return x.rank() == 0 ? reshape(x, {1}) : x; }

void check_same_dtype(const char* op, const Tensor& x, const Tensor& source) {
  if (source.dtype() == x.dtype()) return;
  fail_with_suggestion(ErrorCode::dtype_mismatch, fmt::format("convert the source: source.to({})", x.dtype()),
                       "{}: a source of dtype {} for a tensor of dtype {}", op, source.dtype(), x.dtype());
}

/// Place p of the result is x's element at p, except that along `dim` the index says where.
Selection along_dim(const char* op, const Tensor& x, std::size_t dim, const Tensor& index) {
  common_device(op, {&x, &index});
  RUSTORCH_CHECK(index.rank() == x.rank(), shape_mismatch,
                 "{}: index of shape {} and tensor of shape {} differ in rank", op, index.shape(), x.shape());
  Selection selection = Selection::all_of(index.shape());
  selection.along[dim] = -1;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    RUSTORCH_CHECK(
        i == dim || index.shape()[i] <= x.shape()[i] || index.numel() == 0, shape_mismatch,
        "{}: index of shape {} is larger than the tensor of shape {} at dim {}; only along dim {} may it be",
        op, index.shape(), x.shape(), i, dim);
  }
  selection.indices.push_back({Saved(spread_index(as_index(op, index, x.device()), index.shape(), 0)), dim});
  return selection;
}

/// The whole of x, except that along `dim` a vector of indices chooses.
Selection rows_along_dim(const char* op, const Tensor& x, std::size_t dim, const Tensor& index) {
  common_device(op, {&x, &index});
  RUSTORCH_CHECK(index.rank() <= 1, shape_mismatch, "{}: the index is a vector, not of shape {}", op,
                 index.shape());
  Selection selection = Selection::all_of(x.shape());
  selection.choose(dim, as_index(op, index, x.device()));
  return selection;
}

/// What scatter writes at the places of `index`: the source's leading part of that shape, or a number.
Tensor scattered_source(const char* op, const Tensor& x, const Operand& source, const Shape& index) {
  if (!source.is_tensor()) return full({}, source.scalar(), {.dtype = x.dtype(), .device = x.device()});
  common_device(op, {&x, source.tensor()});
  check_same_dtype(op, x, *source.tensor());
  Tensor part = with_a_dim(*source.tensor());
  RUSTORCH_CHECK(part.rank() == index.size(), shape_mismatch,
                 "{}: source of shape {} and index of shape {} differ in rank", op, part.shape(), index);
  for (std::size_t dim = 0; dim < index.size(); ++dim) {
    RUSTORCH_CHECK(index[dim] <= part.shape()[dim], shape_mismatch,
                   "{}: index of shape {} is larger than the source of shape {} at dim {}", op, index,
                   source.tensor()->shape(), dim);
    if (index[dim] < part.shape()[dim]) part = narrow(part, static_cast<std::int64_t>(dim), 0, index[dim]);
  }
  return part;
}

Tensor scatter_out(const char* op, ScatterMode mode, const Tensor& x, std::int64_t dim, const Tensor& index,
                   const Operand& source) {
  const std::size_t at = normalize_dim(dim, x.rank(), op);
  const Tensor into = with_a_dim(x);
  Selection selection = along_dim(op, into, at, with_a_dim(index));
  const Tensor values = scattered_source(op, into, source, selection.shape);
  const Tensor y = put_elements(op, mode, into, std::move(selection), values);
  return x.rank() == 0 ? reshape(y, {}) : y;
}

Tensor& scatter_in_place(const char* op, ScatterMode mode, Tensor& x, std::int64_t dim, const Tensor& index,
                         const Operand& source) {
  const std::size_t at = normalize_dim(dim, x.rank(), op);
  check_in_place(x, op);
  Tensor flat;  // writes through to x
  if (x.rank() == 0) flat = with_a_dim(x);
  Tensor& into = flat.defined() ? flat : x;
  Selection selection = along_dim(op, into, at, with_a_dim(index));
  const Tensor values = scattered_source(op, into, source, selection.shape);
  put_elements_(op, mode, into, std::move(selection), values);
  return x;
}

/// The source of index_add, scaled, after all checks.
Tensor added_rows(const Tensor& x, std::size_t dim, const Tensor& index, const Tensor& source,
                  const Scalar& alpha) {
  common_device("index_add", {&x, &source});
  check_same_dtype("index_add", x, source);
  const Tensor rows = with_a_dim(source);
  bool fits = rows.rank() == x.rank() && rows.shape()[dim] == index.numel();
  for (std::size_t i = 0; fits && i < x.rank(); ++i) fits = i == dim || rows.shape()[i] == x.shape()[i];
  RUSTORCH_CHECK(fits, shape_mismatch,
                 "index_add: source of shape {} for {} indices along dim {} of a tensor of shape {}",
                 source.shape(), index.numel(), dim, x.shape());
  const bool is_one = !alpha.is_complex() && alpha.to<double>() == 1.0;
  return is_one ? rows : (rows * alpha).to(x.dtype());
}

}  // namespace

Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index) {
  const std::size_t at = normalize_dim(dim, x.rank(), "gather");
  const Tensor from = with_a_dim(x);
  const Tensor y = select_elements("gather", from, along_dim("gather", from, at, with_a_dim(index)));
  return index.rank() == 0 ? reshape(y, {}) : y;
}

Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Operand& source) {
  return scatter_out("scatter", ScatterMode::write, x, dim, index, source);
}

Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  return scatter_out("scatter_add", ScatterMode::add, x, dim, index, source);
}

Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index) {
  const std::size_t at = normalize_dim(dim, x.rank(), "index_select");
  if (x.rank() == 0) {
    RUSTORCH_CHECK(index.numel() == 1, invalid_argument, "index_select: {} indices into a tensor of rank 0",
                   index.numel());
    return reshape(index_select(reshape(x, {1}), 0, index), {});
  }
  return select_elements("index_select", x, rows_along_dim("index_select", x, at, index));
}

Tensor index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha) {
  const std::size_t at = normalize_dim(dim, x.rank(), "index_add");
  const Tensor into = with_a_dim(x);
  const Tensor rows = added_rows(into, at, index, source, alpha);
  const Tensor y =
      put_elements("index_add", ScatterMode::add, into, rows_along_dim("index_add", into, at, index), rows);
  return x.rank() == 0 ? reshape(y, {}) : y;
}

Tensor take(const Tensor& x, const Tensor& index) {
  common_device("take", {&x, &index});
  const Tensor flat = reshape(x, {x.numel()});
  Selection selection{index.shape(), Shape::filled(index.rank(), -1), {}};
  selection.indices.push_back(
      {Saved(spread_index(as_index("take", index, x.device()), index.shape(), 0)), 0});
  return select_elements("take", flat, std::move(selection));
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, std::int64_t dim) {
  RUSTORCH_CHECK(x.rank() == index.rank(), shape_mismatch,
                 "take_along_dim: index of shape {} and tensor of shape {} differ in rank", index.shape(),
                 x.shape());
  const std::size_t at = normalize_dim(dim, x.rank(), "take_along_dim");
  if (x.rank() == 0) return gather(x, 0, index);
  Shape from = x.shape();
  Shape chosen = index.shape();
  from[at] = chosen[at] = 1;
  Shape common = broadcast_shapes(from, chosen, "take_along_dim");
  from = chosen = common;
  from[at] = x.shape()[at];
  chosen[at] = index.shape()[at];
  return gather(expand(x, from), dim, expand(index, chosen));
}

Tensor one_hot(const Tensor& x, std::int64_t classes) {
  RUSTORCH_CHECK(is_integral(x.dtype()), dtype_mismatch, "one_hot: classes are integers, not {} (shape {})",
                 x.dtype(), x.shape());
  const Tensor index = as_index("one_hot", x, x.device());
  RUSTORCH_CHECK(classes >= -1 && classes != 0, invalid_argument, "one_hot: {} classes", classes);
  RUSTORCH_CHECK(classes != -1 || x.numel() != 0, invalid_argument,
                 "one_hot: the number of classes cannot be told from a tensor without elements (shape {})",
                 x.shape());
  if (x.numel() != 0) {
    // Negative indices count from the end elsewhere; here they are no class.
    const auto least = index.min().item<std::int64_t>();
    const auto largest = index.max().item<std::int64_t>();
    if (classes == -1) classes = largest + 1;
    RUSTORCH_CHECK(least >= 0 && largest < classes, index_out_of_range,
                   "one_hot: class {} is not one of 0 to {}", least < 0 ? least : largest, classes - 1);
  }
  Shape shape = x.shape();
  shape.push_back(classes);
  Tensor y = zeros(shape, {.dtype = DType::int64, .device = x.device()});
  return y.scatter_(-1, unsqueeze(index, -1), 1);
}

Tensor embedding(const Tensor& index, const Tensor& weight) {
  RUSTORCH_CHECK(weight.rank() == 2, shape_mismatch, "embedding: the weight is a matrix, not of shape {}",
                 weight.shape());
  common_device("embedding", {&weight, &index});
  Selection selection{index.shape(), Shape::filled(index.rank(), -1), {}};
  selection.shape.push_back(weight.shape()[1]);
  selection.along.push_back(1);
  const Tensor rows = as_index("embedding", index, weight.device());
  selection.indices.push_back({Saved(spread_index(rows, selection.shape, 0)), 0});
  return select_elements("embedding", weight, std::move(selection));
}

Tensor Tensor::gather(std::int64_t dim, const Tensor& index) const {
  return rustorch::gather(*this, dim, index);
}
Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, const Operand& source) const {
  return rustorch::scatter(*this, dim, index, source);
}
Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, const Operand& source) {
  return scatter_in_place("scatter_", ScatterMode::write, *this, dim, index, source);
}
Tensor Tensor::scatter_add(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  return rustorch::scatter_add(*this, dim, index, source);
}
Tensor& Tensor::scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& source) {
  return scatter_in_place("scatter_add_", ScatterMode::add, *this, dim, index, source);
}
Tensor Tensor::index_select(std::int64_t dim, const Tensor& index) const {
  return rustorch::index_select(*this, dim, index);
}
Tensor Tensor::index_add(std::int64_t dim, const Tensor& index, const Tensor& source,
                         const Scalar& alpha) const {
  return rustorch::index_add(*this, dim, index, source, alpha);
}
Tensor& Tensor::index_add_(std::int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha) {
  const std::size_t at = normalize_dim(dim, rank(), "index_add_");
  check_in_place(*this, "index_add_");
  Tensor flat;
  if (rank() == 0) flat = with_a_dim(*this);
  Tensor& into = flat.defined() ? flat : *this;
  const Tensor rows = added_rows(into, at, index, source, alpha);
  put_elements_("index_add_", ScatterMode::add, into, rows_along_dim("index_add_", into, at, index), rows);
  return *this;
}
Tensor Tensor::take(const Tensor& index) const { return rustorch::take(*this, index); }
Tensor Tensor::take_along_dim(const Tensor& index, std::int64_t dim) const {
  return rustorch::take_along_dim(*this, index, dim);
}

}  // namespace rustorch
