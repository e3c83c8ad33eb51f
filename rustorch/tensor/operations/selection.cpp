#include "rustorch/tensor/operations/selection.h"

#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/tensor/operations/view_gradient.h"

namespace rustorch {
namespace {

/// A selection's operands as backends take them, for a tensor of a layout.
class SelectionViews {
 public:
  SelectionViews(const Selection& selection, const Tensor& x) : base_(selection.shape, selection.along) {
    const Layout& layout = x.layout();
    base_.offset = layout.offset;
    for (std::int64_t& stride : base_.strides) {
      stride = stride < 0 ? 0 : layout.strides[static_cast<std::size_t>(stride)];
    }
    indices_.reserve(selection.indices.size());
    for (const Selection::Index& entry : selection.indices) {
      indices_.push_back({entry.index->view_for_read(), layout.shape[entry.dim], layout.strides[entry.dim]});
    }
  }
  SelectionViews(const SelectionViews&) = delete;
  SelectionViews& operator=(const SelectionViews&) = delete;

  View base(View x) const {
    x.layout = &base_;
    return x;
  }
  std::span<const IndexOperand> indices() const noexcept { return indices_; }

 private:
  Layout base_;
  std::vector<IndexOperand> indices_;
};

/// Dense, in the order of x's strides: the dims along which an index varies lie where the dim does that it
/// chooses from.
Layout result_layout(const Selection& selection, const Tensor& x) {
  if (x.is_contiguous()) return Layout::contiguous(selection.shape);
  Layout like(selection.shape, Strides::filled(selection.shape.size(), 0));
  for (std::size_t dim = 0; dim < selection.shape.size(); ++dim) {
    if (selection.along[dim] >= 0) {
      like.strides[dim] = x.strides()[static_cast<std::size_t>(selection.along[dim])];
      continue;
    }
    for (const Selection::Index& entry : selection.indices) {
      if (entry.index->strides()[dim] != 0) like.strides[dim] = x.strides()[entry.dim];
    }
  }
  return Layout::dense_like(selection.shape, like);
}

/// Writes into y, without history.
void scatter_into(const char* op, ScatterMode mode, Tensor& y, const Selection& selection,
                  const Tensor& source) {
  if (selection.shape.element_count() == 0) return;
  const SelectionViews views(selection, y);
  const Tensor spread = source.shape() == selection.shape ? source : expand(source.detach(), selection.shape);
  backend_for(y.device())
      .scatter({.op = op,
                .mode = mode,
                .base = views.base(y.view_for_write()),
                .indices = views.indices(),
                .source = spread.view_for_read()});
}

/// Zeros like `like` (shape and order of strides), with g added at the selected elements.
Tensor add_into_zeros(const char* op, const Tensor& g, const Layout& like, const Selection& selection) {
  Tensor y = allocate(Layout::dense_like(like.shape, like), g.dtype(), g.device());
  y.zero_();
  scatter_into(op, ScatterMode::add, y, selection, g);
  return with_gradient(std::move(y), op, {&g},
                       [op, selection](const Tensor& gg) { return select_elements(op, gg, selection); });
}

}  // namespace

Selection Selection::all_of(const Shape& shape) {
  Selection selection{shape, shape, {}};
  for (std::size_t dim = 0; dim < shape.size(); ++dim) selection.along[dim] = static_cast<std::int64_t>(dim);
  return selection;
}

void Selection::choose(std::size_t dim, const Tensor& index) {
  shape[dim] = index.numel();
  along[dim] = -1;
  for (Index& entry : indices) entry.index = Saved(spread_index(*entry.index, shape, 0));
  indices.push_back({Saved(spread_index(index, shape, dim)), dim});
}

Tensor as_index(const char* op, const Tensor& index, Device device) {
  const DType dtype = index.dtype();
  if (!is_integral(dtype)) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, "convert it: index.to(int64)",
                         "{}: an index is of integers, not of {} (shape {})", op, dtype, index.shape());
  }
  const Tensor here = index.detach().to(device);
  return dtype == DType::int8 || dtype == DType::int16 ? here.to(DType::int64) : here;
}

Tensor spread_index(const Tensor& index, const Shape& shape, std::size_t first) {
  Layout layout(shape, Strides::filled(shape.size(), 0), index.storage_offset());
  for (std::size_t i = 0; i < index.rank(); ++i) {
    if (index.shape()[i] != 1) layout.strides[first + i] = index.strides()[i];
  }
  return alias(index, layout);
}

Tensor select_elements(const char* op, const Tensor& x, Selection selection) {
  Tensor y = allocate(result_layout(selection, x), x.dtype(), x.device());
  if (y.numel() != 0) {
    const SelectionViews views(selection, x);
    backend_for(x.device())
        .gather({.op = op,
                 .base = views.base(x.view_for_read()),
                 .indices = views.indices(),
                 .out = y.view_for_read()});
  }
  return with_gradient(std::move(y), op, {&x},
                       [op, like = x.layout(), selection = std::move(selection)](const Tensor& g) {
                         return add_into_zeros(op, g, like, selection);
                       });
}

Tensor put_elements(const char* op, ScatterMode mode, const Tensor& x, Selection selection,
                    const Tensor& source) {
  Tensor y = allocate(Layout::dense_like(x.shape(), x.layout()), x.dtype(), x.device());
  write_part(y, y.layout(), x);
  scatter_into(op, mode, y, selection, source);
  return with_gradient(std::move(y), op, {&x, &source},
                       [op, mode, selection = std::move(selection)](const Tensor& g, Needs needs) {
                         std::array<Tensor, 2> gradients;
                         if (needs[0] && mode == ScatterMode::add) {
                           gradients[0] = g;
                         } else if (needs[0]) {
                           const Tensor zero =
                               allocate(Layout::contiguous({}), g.dtype(), g.device()).zero_();
                           gradients[0] = put_elements(op, ScatterMode::write, g, selection, zero);
                         }
                         if (needs[1]) gradients[1] = select_elements(op, g, selection);
                         return gradients;
                       });
}

Tensor& put_elements_(const char* op, ScatterMode mode, Tensor& x, Selection selection,
                      const Tensor& source) {
  check_in_place(x, op);
  if (in_place_needs_gradient(x, {&source})) {
    return assign_in_place(x, put_elements(op, mode, x, std::move(selection), source));
  }
  // What the backend reads must not change while it writes.
  for (Selection::Index& entry : selection.indices) {
    if (entry.index->shares_storage(x)) entry.index = Saved(entry.index->clone());
  }
  scatter_into(op, mode, x, selection, source.shares_storage(x) ? source.detach().clone() : source);
  return x;
}

}  // namespace rustorch
