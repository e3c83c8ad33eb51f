#pragma once

#include "rustorch/tensor/gradient.h"

namespace rustorch {

/// The gradient of a view: a new tensor like `base` (its shape, its order of strides, offset 0), zero except
/// that g is added where `view` lies. Both layouts count from the start of one storage, so `view` begins
/// view.offset - base.offset into the result. Windows that overlap add up. Itself differentiable: its
/// gradient reads the view again.
Tensor strided_scatter(const Tensor& g, const Layout& base, const Layout& view);

/// A view of x whose layout `transform` (Layout -> Layout) makes from x's. The gradient goes the same way
/// into a dense tensor of x's shape.
template <class Transform>
Tensor view_through(const Tensor& x, const char* name, Transform transform) {
  Layout layout = transform(x.layout());
  return view_of(x, std::move(layout), name,
                 [like = x.layout(), transform = std::move(transform)](const Tensor& g) {
                   const Layout base = Layout::dense_like(like.shape, like);
                   return strided_scatter(g, base, transform(base));
                 });
}

/// Writes `source` (broadcast) over the elements of `whole` that lie at `part`, a layout in whole's storage.
/// No history: for results that are being made.
void write_part(const Tensor& whole, Layout part, const Tensor& source);

}  // namespace rustorch
