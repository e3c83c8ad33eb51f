#include "rustorch/core/layout.h"

#include "rustorch/error/error.h"

namespace rustorch {

namespace {

// The dims of a tensor in some order, outermost first; without allocation up to Shape's inline capacity.
class DimOrder {
 public:
  explicit DimOrder(std::size_t rank) : dims_(Shape::filled(rank, 0)) {
    for (std::size_t i = 0; i < rank; ++i) dims_[i] = static_cast<std::int64_t>(i);
  }
  std::size_t operator[](std::size_t i) const noexcept { return static_cast<std::size_t>(dims_[i]); }
  std::size_t size() const noexcept { return dims_.size(); }

  // Insertion sort. `compare(a, b)` is positive if a belongs inside of b, negative if outside, and 0 if the
  // two cannot be told apart: then both keep their order, but are compared with the dims beyond.
  template <class Compare>
  void sort_outermost_first(const Compare& compare) {
    for (std::size_t i = 1; i < size(); ++i) {
      std::size_t moving = i;
      for (std::size_t j = i; j-- > 0;) {
        const int order = compare((*this)[j], (*this)[moving]);
        if (order > 0) {
          std::swap(dims_[j], dims_[moving]);
          moving = j;
        } else if (order < 0) {
          break;
        }
      }
    }
  }

 private:
  Shape dims_;
};

bool is_empty(const Shape& shape) noexcept { return std::find(shape.begin(), shape.end(), 0) != shape.end(); }

// The dims with more than one index, largest stride first. For layouts without empty dims.
DimOrder by_stride(const Layout& layout) {
  DimOrder order(layout.rank());
  order.sort_outermost_first([&](std::size_t outer, std::size_t inner) {
    const bool outer_counts = layout.shape[outer] > 1;
    const bool inner_counts = layout.shape[inner] > 1;
    if (outer_counts != inner_counts) return outer_counts ? -1 : 1;
    if (!outer_counts || layout.strides[outer] == layout.strides[inner]) return -1;
    return layout.strides[outer] < layout.strides[inner] ? 1 : -1;
  });
  return order;
}

// Channels-last order of dims: N, spatial dims, C. Calls f(dim) innermost first until it returns false.
template <class F>
bool each_channels_last_dim(std::size_t rank, const F& f) {
  if (!f(std::size_t{1})) return false;
  for (std::size_t dim = rank - 1; dim >= 2; --dim) {
    if (!f(dim)) return false;
  }
  return f(std::size_t{0});
}

bool has_channels_last_rank(std::size_t rank) noexcept { return rank >= 3 && rank <= 5; }

// Strides count an empty dim as one index, so that they stay positive.
std::int64_t stride_over(std::int64_t stride, std::int64_t size) noexcept {
  std::int64_t product = 0;
  // Overflow can come only before an empty dim (others are refused by element_count): no element is there.
  return __builtin_mul_overflow(stride, std::max<std::int64_t>(size, 1), &product) ? stride : product;
}

}  // namespace

Layout Layout::contiguous(Shape shape) {
  Layout layout;
  layout.shape = std::move(shape);
  layout.lay_row_major();
  return layout;
}

void Layout::lay_row_major() {
  if (strides.size() != shape.size()) strides.resize(shape.size());
  const std::int64_t* const sizes = shape.data();
  std::int64_t* const steps = strides.data();
  std::int64_t stride = 1;
  for (std::size_t dim = shape.size(); dim-- > 0;) {
    steps[dim] = stride;
    if (dim != 0) stride = stride_over(stride, sizes[dim]);
  }
}

Layout Layout::dense(Shape shape, std::span<const std::size_t> order) {
  RUSTORCH_CHECK(order.size() == shape.size(), internal, "Layout::dense: an order of {} dims for shape {}",
                 order.size(), shape);
  Layout layout;
  layout.strides.resize(shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    const std::size_t dim = order[i];
    RUSTORCH_CHECK(dim < shape.size() && layout.strides[dim] == 0, internal,
                   "Layout::dense: the order is no permutation of {} dims", shape.size());
    layout.strides[dim] = stride;
    stride = stride_over(stride, shape[dim]);
  }
  layout.shape = std::move(shape);
  return layout;
}

Layout Layout::channels_last(Shape shape) {
  const std::size_t rank = shape.size();
  if (!has_channels_last_rank(rank)) return contiguous(std::move(shape));
  Layout layout;
  layout.strides.resize(rank);
  std::int64_t stride = 1;
  each_channels_last_dim(rank, [&](std::size_t dim) {
    layout.strides[dim] = stride;
    stride = stride_over(stride, shape[dim]);
    return true;
  });
  layout.shape = std::move(shape);
  return layout;
}

Layout Layout::dense_like(Shape shape, const Layout& like) {
  RUSTORCH_CHECK(shape.size() == like.rank(), internal, "Layout::dense_like: shape {} like shape {}", shape,
                 like.shape);
  if (like.is_contiguous()) return contiguous(std::move(shape));
  DimOrder order(shape.size());
  order.sort_outermost_first([&](std::size_t outer, std::size_t inner) {
    // The stride of a dim with one index, or of a broadcast one, says nothing about order.
    if (like.shape[outer] <= 1 || like.shape[inner] <= 1) return 0;
    const std::int64_t outer_stride = like.strides[outer];
    const std::int64_t inner_stride = like.strides[inner];
    if (outer_stride == 0 || inner_stride == 0) return 0;
    if (outer_stride == inner_stride) return -1;
    return outer_stride < inner_stride ? 1 : -1;
  });
  Layout layout;
  layout.strides.resize(shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    layout.strides[order[i]] = stride;
    stride = stride_over(stride, shape[order[i]]);
  }
  layout.shape = std::move(shape);
  return layout;
}

Layout Layout::broadcast_to(const Shape& wide) const {
  if (shape == wide) return *this;
  Layout seen(wide, Shape::filled(wide.size(), 0), offset);
  const std::size_t missing = wide.size() - rank();
  for (std::size_t i = 0; i < rank(); ++i) {
    if (shape[i] != 1) seen.strides[missing + i] = strides[i];
  }
  return seen;
}

bool Layout::is_contiguous_of_any_rank() const noexcept {
  const std::int64_t* sizes = shape.data();
  const std::int64_t* steps = strides.data();
  std::int64_t expected = 1;
  for (std::size_t dim = shape.size(); dim-- > 0;) {
    if (sizes[dim] == 1) continue;
    if (steps[dim] != expected) return is_empty(shape);
    expected *= sizes[dim];
  }
  return true;
}

bool Layout::is_channels_last() const noexcept {
  const std::size_t dims = rank();
  if (!has_channels_last_rank(dims)) return false;
  std::int64_t expected = 1;
  bool inner = false;  // whether channels and spatial dims have more than one index at all
  const bool matches = each_channels_last_dim(dims, [&](std::size_t dim) {
    const std::int64_t size = shape[dim];
    if (size == 1) return true;
    if (strides[dim] != expected) return false;
    inner |= dim != 0;
    expected *= size;
    return true;
  });
  return matches && inner;
}

bool Layout::is_dense() const noexcept {
  if (is_contiguous()) return true;
  const DimOrder order = by_stride(*this);
  std::int64_t expected = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    const std::int64_t size = shape[order[i]];
    if (size == 1) continue;
    if (strides[order[i]] != expected) return false;
    expected *= size;
  }
  return true;
}

bool Layout::may_overlap_itself() const noexcept {
  if (is_contiguous()) return false;
  const DimOrder order = by_stride(*this);
  std::int64_t reached = 0;  // the largest element index that the inner dims reach
  for (std::size_t i = order.size(); i-- > 0;) {
    const std::int64_t size = shape[order[i]];
    if (size == 1) continue;
    const std::int64_t stride = strides[order[i]];
    if (stride <= reached) return true;
    reached += (size - 1) * stride;
  }
  return false;
}

std::int64_t Layout::end() const noexcept {
  std::int64_t last = offset;
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    if (shape[dim] == 0) return offset;
    last += (shape[dim] - 1) * strides[dim];
  }
  return last + 1;
}

}  // namespace rustorch
