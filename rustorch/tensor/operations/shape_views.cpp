// Views with other strides: transposed, permuted, cut out, windows, diagonals.

#include <numeric>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/tensor/operations/view_gradient.h"

namespace rustorch {
namespace {

std::size_t existing_dim(const Tensor& x, std::int64_t dim, const char* op) {
  RUSTORCH_CHECK(x.rank() > 0, index_out_of_range, "{}: a tensor of rank 0 has no dims", op);
  return normalize_dim(dim, x.rank(), op);
}

// These change the layout of a view in its place.

void remove_dim(Layout& layout, std::size_t dim) noexcept {
  layout.shape.erase(dim);
  layout.strides.erase(dim);
}

void take_index(Layout& layout, std::size_t dim, std::int64_t index) noexcept {
  layout.offset += index * layout.strides[dim];
  remove_dim(layout, dim);
}

void take_slice(Layout& layout, std::size_t dim, std::int64_t start, std::int64_t length,
                std::int64_t step = 1) noexcept {
  layout.offset += start * layout.strides[dim];
  layout.shape[dim] = length;
  layout.strides[dim] *= step;
}

void permute_dims(Layout& layout, const Shape& order) {
  const Layout before = layout;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto from = static_cast<std::size_t>(order[i]);
    layout.shape[i] = before.shape[from];
    layout.strides[i] = before.strides[from];
  }
}

/// The part of a gradient list that did not arrive.
Tensor zeros_of(const Shape& shape, const TensorOptions& options) {
  return zeros(Shape::filled(shape.size(), 1), options).expand(shape);
}

/// Cuts x along dim at the given sizes, which add up to its size.
std::vector<Tensor> split_parts(const Tensor& x, std::size_t dim, const Shape& sizes) {
  TensorList parts;
  parts.reserve(sizes.size());
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    parts.push_back(alias(x, [&](Layout& layout) { take_slice(layout, dim, start, size); }));
    start += size;
  }
  return with_gradients(
      std::move(parts), "split", {x},
      [shape = x.shape(), options = x.options(), dim, sizes](const GradientList& gradients) {
        TensorList whole(gradients.begin(), gradients.end());
        for (std::size_t i = 0; i < whole.size(); ++i) {
          if (whole[i].defined()) continue;
          Shape missing = shape;
          missing[dim] = sizes[i];
          whole[i] = zeros_of(missing, options);
        }
        return cat(whole, static_cast<std::int64_t>(dim));
      });
}

}  // namespace

Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
  const std::size_t first = normalize_dim(dim0, x.rank(), "transpose");
  const std::size_t second = normalize_dim(dim1, x.rank(), "transpose");
  if (x.rank() == 0) return view_of(x, x.layout(), "transpose", [](const Tensor& g) { return g; });
  const auto swap_dims = [first, second](Layout& layout) {
    std::swap(layout.shape[first], layout.shape[second]);
    std::swap(layout.strides[first], layout.strides[second]);
  };
  return view_of(x, swap_dims, "transpose",
                 [dim0, dim1](const Tensor& g) { return transpose(g, dim0, dim1); });
}

Tensor swapaxes(const Tensor& x, std::int64_t dim0, std::int64_t dim1) { return transpose(x, dim0, dim1); }

Tensor t(const Tensor& x) {
  if (x.rank() > 2) {
    fail_with_suggestion(ErrorCode::invalid_argument, "transpose(-2, -1) swaps the last two dims",
                         "t: takes tensors of up to 2 dims, not of shape {}", x.shape());
  }
  return transpose(x, 0, x.rank() == 2 ? 1 : 0);
}

Tensor permute(const Tensor& x, const Shape& dims) {
  RUSTORCH_CHECK(dims.size() == x.rank(), invalid_argument,
                 "permute: {} dims are named for a tensor of shape {}", dims.size(), x.shape());
  Shape order = dims;
  Shape inverse = Shape::filled(dims.size(), -1);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::size_t from = normalize_dim(dims[i], x.rank(), "permute");
    RUSTORCH_CHECK(inverse[from] == -1, invalid_argument, "permute: {} names dim {} twice", dims, from);
    order[i] = static_cast<std::int64_t>(from);
    inverse[from] = static_cast<std::int64_t>(i);
  }
  return view_of(
      x, [&order](Layout& layout) { permute_dims(layout, order); }, "permute",
      [inverse = std::move(inverse)](const Tensor& g) { return permute(g, inverse); });
}

Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination) {
  RUSTORCH_CHECK(source.size() == destination.size(), invalid_argument,
                 "movedim: {} dims cannot move to {} places ({} to {})", source.size(), destination.size(),
                 source, destination);
  Shape order = Shape::filled(x.rank(), -1);  // for each place the dim that comes there
  std::vector<bool> moves(x.rank());
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::size_t from = existing_dim(x, source[i], "movedim");
    const std::size_t to = existing_dim(x, destination[i], "movedim");
    RUSTORCH_CHECK(!moves[from] && order[to] == -1, invalid_argument,
                   "movedim: a dim is named twice in {} or {}", source, destination);
    moves[from] = true;
    order[to] = static_cast<std::int64_t>(from);
  }
  std::size_t place = 0;
  for (std::size_t dim = 0; dim < x.rank(); ++dim) {
    if (moves[dim]) continue;
    while (order[place] != -1) ++place;
    order[place] = static_cast<std::int64_t>(dim);
  }
  return permute(x, order);
}

std::vector<Tensor> split(const Tensor& x, std::int64_t size, std::int64_t dim) {
  const std::size_t at = existing_dim(x, dim, "split");
  const std::int64_t whole = x.shape()[at];
  RUSTORCH_CHECK(size > 0 || (size == 0 && whole == 0), invalid_argument,
                 "split: parts of size {} along dim {} of size {}", size, at, whole);
  Shape sizes;
  for (std::int64_t start = 0; start < whole; start += size) sizes.push_back(std::min(size, whole - start));
  if (sizes.empty()) sizes.push_back(0);
  return split_parts(x, at, sizes);
}

std::vector<Tensor> split(const Tensor& x, const Shape& sizes, std::int64_t dim) {
  const std::size_t at = existing_dim(x, dim, "split");
  std::int64_t total = 0;
  for (const std::int64_t size : sizes) {
    RUSTORCH_CHECK(size >= 0, invalid_argument, "split: sizes {} hold a negative one", sizes);
    total += size;
  }
  RUSTORCH_CHECK(total == x.shape()[at], shape_mismatch,
                 "split: sizes {} add up to {}, but dim {} of shape {} has {}", sizes, total, at, x.shape(),
                 x.shape()[at]);
  return split_parts(x, at, sizes);
}

std::vector<Tensor> chunk(const Tensor& x, std::int64_t chunks, std::int64_t dim) {
  RUSTORCH_CHECK(chunks > 0, invalid_argument, "chunk: into {} chunks", chunks);
  const std::size_t at = existing_dim(x, dim, "chunk");
  const std::int64_t whole = x.shape()[at];
  if (whole == 0) return split_parts(x, at, Shape::filled(static_cast<std::size_t>(chunks), 0));
  return split(x, (whole - 1) / chunks + 1, dim);
}

std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim) {
  const std::size_t at = existing_dim(x, dim, "unbind");
  TensorList parts;
  parts.reserve(static_cast<std::size_t>(x.shape()[at]));
  for (std::int64_t i = 0; i < x.shape()[at]; ++i) {
    parts.push_back(alias(x, [=](Layout& layout) { take_index(layout, at, i); }));
  }
  if (parts.empty()) return parts;
  const Shape part = parts[0].shape();
  return with_gradients(std::move(parts), "unbind", {x},
                        [part, options = x.options(), at](const GradientList& gradients) {
                          TensorList whole(gradients.begin(), gradients.end());
                          for (Tensor& gradient : whole) {
                            if (!gradient.defined()) gradient = zeros_of(part, options);
                          }
                          return stack(whole, static_cast<std::int64_t>(at));
                        });
}

Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length) {
  const std::size_t at = existing_dim(x, dim, "narrow");
  const std::int64_t size = x.shape()[at];
  const std::int64_t first = start < 0 ? start + size : start;
  RUSTORCH_CHECK(length >= 0, invalid_argument, "narrow: the length {} is negative", length);
  RUSTORCH_CHECK(first >= 0 && first <= size && length <= size - first, index_out_of_range,
                 "narrow: start {} and length {} leave dim {} of size {} (shape {})", start, length, at, size,
                 x.shape());
  return view_through(x, "narrow", [=](Layout& layout) { take_slice(layout, at, first, length); });
}

Tensor select(const Tensor& x, std::int64_t dim, std::int64_t index) {
  if (x.rank() == 0) {
    fail_with_suggestion(ErrorCode::index_out_of_range, "item() gives its value",
                         "select: index {} into a tensor of rank 0, which has no dims", index);
  }
  const std::size_t at = normalize_dim(dim, x.rank(), "select");
  const std::int64_t size = x.shape()[at];
  RUSTORCH_CHECK(index >= -size && index < size, index_out_of_range,
                 "select: index {} is out of range for dim {} of size {} (shape {})", index, at, size,
                 x.shape());
  const std::int64_t first = index < 0 ? index + size : index;
  return view_through(x, "select", [=](Layout& layout) { take_index(layout, at, first); });
}

Tensor slice(const Tensor& x, std::int64_t dim, std::optional<std::int64_t> start,
             std::optional<std::int64_t> stop, std::int64_t step) {
  const std::size_t at = existing_dim(x, dim, "slice");
  if (step <= 0) {
    fail_with_suggestion(ErrorCode::invalid_argument, step < 0 ? "flip reverses a dim" : "",
                         "slice: the step {} is not positive", step);
  }
  const std::int64_t size = x.shape()[at];
  const auto clipped = [size](std::int64_t position) {
    return std::clamp<std::int64_t>(position < 0 ? position + size : position, 0, size);
  };
  const std::int64_t first = clipped(start.value_or(0));
  const std::int64_t last = std::max(first, clipped(stop.value_or(size)));
  const std::int64_t length = (last - first) / step + ((last - first) % step != 0 ? 1 : 0);
  return view_through(x, "slice", [=](Layout& layout) { take_slice(layout, at, first, length, step); });
}

Tensor unfold(const Tensor& x, std::int64_t dim, std::int64_t size, std::int64_t step) {
  const std::size_t at = normalize_dim(dim, x.rank(), "unfold");
  const std::int64_t whole = x.rank() == 0 ? 1 : x.shape()[at];
  RUSTORCH_CHECK(size >= 0 && size <= whole, invalid_argument,
                 "unfold: windows of {} along dim {} of size {} (shape {})", size, at, whole, x.shape());
  RUSTORCH_CHECK(step > 0, invalid_argument, "unfold: the step {} is not positive", step);
  return view_through(x, "unfold", [=](Layout& layout) {
    const std::int64_t stride = layout.rank() == 0 ? 1 : layout.strides[at];
    if (layout.rank() != 0) {
      layout.shape[at] = (whole - size) / step + 1;
      layout.strides[at] *= step;
    }
    layout.shape.push_back(size);
    layout.strides.push_back(stride);
  });
}

Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  const std::size_t row = existing_dim(x, dim1, "diagonal");
  const std::size_t column = existing_dim(x, dim2, "diagonal");
  RUSTORCH_CHECK(row != column, invalid_argument, "diagonal: dim1 and dim2 are both dim {} (shape {})", row,
                 x.shape());
  const std::int64_t down = std::max<std::int64_t>(0, -offset);
  const std::int64_t right = std::max<std::int64_t>(0, offset);
  const std::int64_t length =
      std::max<std::int64_t>(0, std::min(x.shape()[row] - down, x.shape()[column] - right));
  return view_through(x, "diagonal", [=](Layout& layout) {
    const std::int64_t row_step = layout.strides[row];
    const std::int64_t column_step = layout.strides[column];
    remove_dim(layout, std::max(row, column));
    remove_dim(layout, std::min(row, column));
    if (length > 0) layout.offset += down * row_step + right * column_step;
    layout.shape.push_back(length);
    layout.strides.push_back(row_step + column_step);
  });
}

Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides,
                  std::optional<std::int64_t> offset) {
  RUSTORCH_CHECK(shape.size() == strides.size(), invalid_argument, "as_strided: shape {} with strides {}",
                 shape, strides);
  Layout layout(shape, strides, offset.value_or(x.storage_offset()));
  RUSTORCH_CHECK(layout.offset >= 0, invalid_argument, "as_strided: the offset {} is negative",
                 layout.offset);
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    RUSTORCH_CHECK(shape[dim] >= 0 && strides[dim] >= 0, invalid_argument,
                   "as_strided: a size of shape {} or a stride of {} is negative", shape, strides);
  }
  const auto elements = static_cast<std::int64_t>(x.storage()->bytes() / x.element_size());
  RUSTORCH_CHECK(
      layout.element_count() == 0 || layout.end() <= elements, index_out_of_range,
      "as_strided: shape {} with strides {} and offset {} reaches element {}, but the storage has {}", shape,
      strides, layout.offset, layout.end() - 1, elements);
  return view_of(x, layout, "as_strided",
                 [base = x.layout(), layout](const Tensor& g) { return strided_scatter(g, base, layout); });
}

Tensor Tensor::transpose(std::int64_t dim0, std::int64_t dim1) const {
  return rustorch::transpose(*this, dim0, dim1);
}
Tensor Tensor::t() const { return rustorch::t(*this); }
Tensor Tensor::permute(const Shape& dims) const { return rustorch::permute(*this, dims); }
Tensor Tensor::movedim(const Shape& source, const Shape& destination) const {
  return rustorch::movedim(*this, source, destination);
}
std::vector<Tensor> Tensor::split(std::int64_t size, std::int64_t dim) const {
  return rustorch::split(*this, size, dim);
}
std::vector<Tensor> Tensor::split(const Shape& sizes, std::int64_t dim) const {
  return rustorch::split(*this, sizes, dim);
}
std::vector<Tensor> Tensor::chunk(std::int64_t chunks, std::int64_t dim) const {
  return rustorch::chunk(*this, chunks, dim);
}
std::vector<Tensor> Tensor::unbind(std::int64_t dim) const { return rustorch::unbind(*this, dim); }
Tensor Tensor::narrow(std::int64_t dim, std::int64_t start, std::int64_t length) const {
  return rustorch::narrow(*this, dim, start, length);
}
Tensor Tensor::select(std::int64_t dim, std::int64_t index) const {
  return rustorch::select(*this, dim, index);
}
Tensor Tensor::slice(std::int64_t dim, std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                     std::int64_t step) const {
  return rustorch::slice(*this, dim, start, stop, step);
}
Tensor Tensor::unfold(std::int64_t dim, std::int64_t size, std::int64_t step) const {
  return rustorch::unfold(*this, dim, size, step);
}
Tensor Tensor::diagonal(std::int64_t offset, std::int64_t dim1, std::int64_t dim2) const {
  return rustorch::diagonal(*this, offset, dim1, dim2);
}
Tensor Tensor::as_strided(const Shape& shape, const Strides& strides,
                          std::optional<std::int64_t> offset) const {
  return rustorch::as_strided(*this, shape, strides, offset);
}
Tensor Tensor::operator[](std::int64_t index) const { return rustorch::select(*this, 0, index); }

}  // namespace rustorch
