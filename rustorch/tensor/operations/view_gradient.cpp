#include "rustorch/tensor/operations/view_gradient.h"

#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

// x with the given strides, which must be dense: itself if it has them.
Tensor with_strides(const Tensor& x, const Strides& strides) {
  if (x.strides() == strides) return x;
  Tensor y = allocate(Layout(x.shape(), strides), x.dtype(), x.device());
  write_part(y, y.layout(), x);
  return with_gradient(std::move(y), "with_strides", {&x}, [](const Tensor& g) { return g; });
}

// `base` is dense, and `view` lies within it.
Tensor scatter_into_dense(const Tensor& g, const Layout& base, Layout view) {
  view.offset -= base.offset;
  Tensor y = allocate(Layout(base.shape, base.strides), g.dtype(), g.device());
  const bool overlaps = view.may_overlap_itself();
  if (overlaps || view.element_count() != base.element_count()) y.zero_();
  if (overlaps && g.numel() != 0) {
    View target = y.view_for_write();
    target.layout = &view;
    backend_for(y.device())
        .scatter({.op = "strided_scatter",
                  .mode = ScatterMode::add,
                  .base = target,
                  .indices = {},
                  .source = g.view_for_read()});
  } else if (!overlaps) {
    write_part(y, view, g);
  }
  return with_gradient(std::move(y), "strided_scatter", {&g},
                       [strides = base.strides, view = std::move(view)](const Tensor& gg) {
                         const Tensor like_base = with_strides(gg, strides);
                         return as_strided(like_base, view.shape, view.strides,
                                           like_base.storage_offset() + view.offset);
                       });
}

}  // namespace

void write_part(const Tensor& whole, Layout part, const Tensor& source) {
  Tensor target = alias(whole, part);
  const Operand operand(source);
  elementwise_into(target, Op::copy, {&operand, 1});
}

Tensor strided_scatter(const Tensor& g, const Layout& base, const Layout& view) {
  const bool within = view.offset >= base.offset && view.end() <= base.end();
  if (base.is_dense() && (within || view.element_count() == 0)) return scatter_into_dense(g, base, view);

  // The base has gaps, overlaps itself, or is left by the view: go through the stretch of storage that both
  // lie in.
  const std::int64_t start = std::min(base.offset, view.offset);
  Layout stretch = Layout::contiguous({std::max(base.end(), view.end()) - start});
  stretch.offset = start;
  Tensor flat = strided_scatter(g, stretch, view);
  if (base.may_overlap_itself()) {
    // Elements of the base that are one in storage share what arrives there.
    const Tensor one = allocate(Layout::contiguous({}), g.dtype(), g.device()).fill_(1);
    const Tensor count = strided_scatter(expand(one, base.shape), stretch, base);
    flat = flat / clamp_min(count, 1);
  }
  return as_strided(flat, base.shape, base.strides, base.offset - start).contiguous();
}

}  // namespace rustorch
