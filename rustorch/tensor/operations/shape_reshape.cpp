// Views and copies with the same elements in the same order: reshape and its kin, squeeze, expand.

#include <optional>

#include "rustorch/core/shape_suggestion.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/tensor/operations/view_gradient.h"

namespace rustorch {
namespace {

/// `wanted` with its -1 replaced by what x's element count leaves for it.
Shape infer_shape(const char* op, const Shape& from, const Shape& wanted) {
  const std::int64_t count = from.element_count();
  std::optional<std::size_t> inferred;
  Shape others = wanted;
  for (std::size_t dim = 0; dim < wanted.size(); ++dim) {
    if (wanted[dim] >= 0) continue;
    RUSTORCH_CHECK(wanted[dim] == -1, invalid_argument, "{}: size {} at dim {} of shape {} is negative", op,
                   wanted[dim], dim, wanted);
    RUSTORCH_CHECK(!inferred, invalid_argument, "{}: shape {} leaves more than one dim to be inferred (-1)",
                   op, wanted);
    inferred = dim;
    others[dim] = 1;
  }
  const std::int64_t known = others.element_count();
  if (inferred) {
    if (known == 0) {
      fail_with_suggestion(
          ErrorCode::shape_mismatch, "write the size instead of -1",
          "{}: the -1 of shape {} could be any size, because the other dims hold no elements", op, wanted);
    }
    if (count % known != 0) {
      fail_with_suggestion(
          ErrorCode::shape_mismatch, suggest_reshape(from, wanted),
          "{}: the {} elements of shape {} do not divide into shape {}, whose known dims hold {}", op, count,
          from, wanted, known);
    }
    others[*inferred] = count / known;
    return others;
  }
  if (known != count) {
    fail_with_suggestion(ErrorCode::shape_mismatch, suggest_reshape(from, wanted),
                         "{}: shape {} has {} elements, shape {} has {}", op, from, count, wanted, known);
  }
  return others;
}

/// The strides with which the elements of `from` in their order form `shape`; none where it takes a copy.
/// Runs of dims whose strides nest form one range of evenly spaced elements, which may be cut anew.
std::optional<Strides> view_strides(const Layout& from, const Shape& shape) {
  if (from.element_count() == 0) return Layout::contiguous(shape).strides;
  Strides strides = Strides::filled(shape.size(), 1);
  std::size_t next = shape.size();  // dims of `shape` from here on have their strides
  for (std::size_t dim = from.rank(); dim-- > 0;) {
    std::int64_t run = from.shape[dim];
    const std::int64_t step = from.strides[dim];
    if (run == 1) continue;
    while (dim > 0 && (from.shape[dim - 1] == 1 || from.strides[dim - 1] == step * run)) {
      run *= from.shape[--dim];
    }
    std::int64_t taken = 1;
    while (next > 0 && (taken < run || shape[next - 1] == 1)) {
      --next;
      strides[next] = step * taken;
      taken *= shape[next];
    }
    if (taken != run) return std::nullopt;
  }
  return strides;
}

/// A view of x's elements in their order; `change` (void(Layout&)) makes its layout from x's.
Tensor view_in_order(const Tensor& x, const auto& change, const char* name) {
  Tensor view = alias(x, change);
  if (!gradient_detail::wanted({&x})) return view;  // before anything is copied for the gradient
  return with_gradient(std::move(view), name, {&x},
                       [before = x.shape()](const Tensor& g) { return reshape(g, before); });
}

/// The view of a row-major tensor as a shape without -1 and of as many elements: what most calls want.
/// Undefined if x or the shape is another.
Tensor view_of_row_major(const Tensor& x, const Shape& shape, const char* name) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size <= 0 || __builtin_mul_overflow(count, size, &count)) return {};
  }
  if (count != x.numel() || !x.is_contiguous()) return {};
  const auto change = [&shape](Layout& layout) {
    layout.shape = shape;
    layout.lay_row_major();
  };
  return view_in_order(x, change, name);
}

Tensor view_with_strides(const Tensor& x, Shape shape, Strides strides, const char* name) {
  const auto change = [&](Layout& layout) {
    layout.shape = std::move(shape);
    layout.strides = std::move(strides);
  };
  return view_in_order(x, change, name);
}

Tensor without_dims(const Tensor& x, const auto& drops) {
  Shape shape;
  Strides strides;
  for (std::size_t dim = 0; dim < x.rank(); ++dim) {
    if (drops(dim)) continue;
    shape.push_back(x.shape()[dim]);
    strides.push_back(x.strides()[dim]);
  }
  return view_with_strides(x, std::move(shape), std::move(strides), "squeeze");
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (Tensor result = view_of_row_major(x, shape, "reshape"); result.defined()) return result;
  Shape target = infer_shape("reshape", x.shape(), shape);
  if (auto strides = view_strides(x.layout(), target)) {
    return view_with_strides(x, std::move(target), std::move(*strides), "reshape");
  }
  // One copy, no view of a hidden one: the row-major copy is cut anew in place.
  Tensor copy = allocate(Layout::contiguous(x.shape()), x.dtype(), x.device());
  write_part(copy, copy.layout(), x);
  copy.impl().layout = Layout::contiguous(std::move(target));
  return with_gradient(std::move(copy), "reshape", {&x},
                       [before = x.shape()](const Tensor& g) { return reshape(g, before); });
}

Tensor view(const Tensor& x, const Shape& shape) {
  if (Tensor result = view_of_row_major(x, shape, "view"); result.defined()) return result;
  Shape target = infer_shape("view", x.shape(), shape);
  auto strides = view_strides(x.layout(), target);
  if (!strides) {
    fail_with_suggestion(ErrorCode::layout, fmt::format("use reshape({}), which copies where it must", shape),
                         "view: a tensor of shape {} with strides {} cannot be seen as {} without a copy",
                         x.shape(), x.strides(), target);
  }
  return view_with_strides(x, std::move(target), std::move(*strides), "view");
}

Tensor flatten(const Tensor& x, std::int64_t start_dim, std::int64_t end_dim) {
  if (x.rank() == 0) {
    normalize_dim(start_dim, 0, "flatten");
    normalize_dim(end_dim, 0, "flatten");
    return reshape(x, {1});
  }
  const std::size_t start = normalize_dim(start_dim, x.rank(), "flatten");
  const std::size_t end = normalize_dim(end_dim, x.rank(), "flatten");
  RUSTORCH_CHECK(start <= end, invalid_argument, "flatten: start_dim {} lies behind end_dim {} (shape {})",
                 start_dim, end_dim, x.shape());
  if (start == end) return x;
  const auto sizes = x.shape().span();
  Shape shape(sizes.subspan(0, start));
  shape.push_back(Shape(sizes.subspan(start, end - start + 1)).element_count());
  for (std::size_t dim = end + 1; dim < x.rank(); ++dim) shape.push_back(sizes[dim]);
  return reshape(x, shape);
}

Tensor unflatten(const Tensor& x, std::int64_t dim, const Shape& sizes) {
  RUSTORCH_CHECK(x.rank() > 0, invalid_argument, "unflatten: a tensor of rank 0 has no dim to cut");
  RUSTORCH_CHECK(!sizes.empty(), invalid_argument, "unflatten: no sizes are given");
  const std::size_t at = normalize_dim(dim, x.rank(), "unflatten");
  const Shape parts = infer_shape("unflatten", {x.shape()[at]}, sizes);
  Shape shape(x.shape().span().subspan(0, at));
  for (const std::int64_t size : parts) shape.push_back(size);
  for (std::size_t rest = at + 1; rest < x.rank(); ++rest) shape.push_back(x.shape()[rest]);
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x) {
  return without_dims(x, [&](std::size_t dim) { return x.shape()[dim] == 1; });
}

Tensor squeeze(const Tensor& x, const Dims& dims) {
  if (dims.all()) return squeeze(x);
  std::vector<bool> named(std::max<std::size_t>(x.rank(), 1));
  for (const std::int64_t dim : dims.list()) {
    auto mark = named[normalize_dim(dim, x.rank(), "squeeze")];
    RUSTORCH_CHECK(!mark, invalid_argument, "squeeze: dim {} is named twice", dim);
    mark = true;
  }
  return without_dims(x, [&](std::size_t dim) { return named[dim] && x.shape()[dim] == 1; });
}

Tensor unsqueeze(const Tensor& x, std::int64_t dim) {
  const std::size_t at = normalize_dim(dim, x.rank() + 1, "unsqueeze");
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.insert(at, 1);
  strides.insert(at, at < x.rank() ? x.shape()[at] * x.strides()[at] : 1);
  return view_with_strides(x, std::move(shape), std::move(strides), "unsqueeze");
}

Tensor expand(const Tensor& x, const Shape& shape) {
  const Shape& from = x.shape();
  RUSTORCH_CHECK(shape.size() >= from.size(), shape_mismatch,
                 "expand: shape {} has fewer dims than the tensor's {}", shape, from);
  const std::size_t lead = shape.size() - from.size();
  Layout layout(shape, Strides::filled(shape.size(), 0), x.storage_offset());
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    const std::int64_t before = dim < lead ? 1 : from[dim - lead];
    std::int64_t& size = layout.shape[dim];
    if (size == -1 && dim >= lead) size = before;
    RUSTORCH_CHECK(size >= 0, invalid_argument,
                   "expand: size {} at dim {} of shape {}: only a dim that is there "
                   "already may be kept with -1",
                   size, dim, shape);
    if (dim >= lead && before == size) {
      layout.strides[dim] = x.strides()[dim - lead];
    } else if (before != 1) {
      fail_with_suggestion(
          ErrorCode::shape_mismatch,
          before > 1 && size % before == 0 ? "repeat copies along a dim whose size is not 1" : "",
          "expand: shape {} cannot become {}: its dim {} has size {}, and only a dim of size 1 can become {}",
          from, shape, dim - lead, before, size);
    }
  }
  // The engine sums over what was broadcast.
  return view_of(x, std::move(layout), "expand", [](const Tensor& g) { return g; });
}

Tensor expand_as(const Tensor& x, const Tensor& other) { return expand(x, other.shape()); }

Tensor broadcast_to(const Tensor& x, const Shape& shape) { return expand(x, shape); }

std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors) {
  Shape shape;
  for (const Tensor& tensor : tensors) shape = broadcast_shapes(shape, tensor.shape(), "broadcast_tensors");
  std::vector<Tensor> results;
  results.reserve(tensors.size());
  for (const Tensor& tensor : tensors) results.push_back(expand(tensor, shape));
  return results;
}

Tensor Tensor::reshape(const Shape& shape) const { return rustorch::reshape(*this, shape); }
Tensor Tensor::reshape_as(const Tensor& other) const { return rustorch::reshape(*this, other.shape()); }
Tensor Tensor::view(const Shape& shape) const { return rustorch::view(*this, shape); }
Tensor Tensor::view_as(const Tensor& other) const { return rustorch::view(*this, other.shape()); }
Tensor Tensor::flatten(std::int64_t start_dim, std::int64_t end_dim) const {
  return rustorch::flatten(*this, start_dim, end_dim);
}
Tensor Tensor::unflatten(std::int64_t dim, const Shape& sizes) const {
  return rustorch::unflatten(*this, dim, sizes);
}
Tensor Tensor::squeeze() const { return rustorch::squeeze(*this); }
Tensor Tensor::squeeze(const Dims& dims) const { return rustorch::squeeze(*this, dims); }
Tensor Tensor::unsqueeze(std::int64_t dim) const { return rustorch::unsqueeze(*this, dim); }
Tensor Tensor::expand(const Shape& shape) const { return rustorch::expand(*this, shape); }
Tensor Tensor::expand_as(const Tensor& other) const { return rustorch::expand_as(*this, other); }

}  // namespace rustorch
