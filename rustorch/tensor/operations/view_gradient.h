#pragma once

#include "rustorch/tensor/gradient.h"

namespace rustorch {

/// The gradient of a view: a new tensor like `base` (its shape, its order of strides, offset 0), zero except
/// that g is added where `view` lies. Both layouts count from the start of one storage, so `view` begins
/// view.offset - base.offset into the result. Windows that overlap add up. Itself differentiable: its
/// gradient reads the view again.
Tensor strided_scatter(const Tensor& g, const Layout& base, const Layout& view);

/// A view of x whose layout `change` (void(Layout&)) makes from x's, in its place. The gradient goes the same
/// way into a dense tensor of x's shape.
template <class Change>
Tensor view_through(const Tensor& x, const char* name, const Change& change) {
  Tensor view = alias(x, change);
  if (!gradient_detail::wanted({&x})) return view;  // before anything is copied for the gradient
  return with_gradient(std::move(view), name, {&x}, [like = x.layout(), change](const Tensor& g) {
    const Layout base = Layout::dense_like(like.shape, like);
    Layout part = base;
    change(part);
    return strided_scatter(g, base, part);
  });
}

/// Writes `source` (broadcast) over the elements of `whole` that lie at `part`, a layout in whole's storage.
/// No history: for results that are being made.
void write_part(const Tensor& whole, Layout part, const Tensor& source);

}  // namespace rustorch
