// Padding: a value, or the tensor's own elements, around it.

#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/tensor/operations/view_gradient.h"

namespace rustorch {
namespace {

struct Margins {
  std::int64_t before = 0, after = 0;

  bool none() const noexcept { return before == 0 && after == 0; }
  /// Without what crops.
  Margins grown() const { return {std::max<std::int64_t>(0, before), std::max<std::int64_t>(0, after)}; }
  /// Only what crops.
  Margins cropped() const { return {std::min<std::int64_t>(0, before), std::min<std::int64_t>(0, after)}; }
};

/// The margins of each dim of x, from the form of torch's pad: last dim first.
std::vector<Margins> margins_of(const Tensor& x, const Shape& padding) {
  RUSTORCH_CHECK(padding.size() % 2 == 0, invalid_argument,
                 "pad: padding {} has an odd length; it holds two numbers a dim, from the last dim backwards",
                 padding);
  RUSTORCH_CHECK(padding.size() / 2 <= x.rank(), invalid_argument,
                 "pad: padding {} is for {} dims, but the tensor has shape {}", padding, padding.size() / 2,
                 x.shape());
  std::vector<Margins> margins(x.rank());
  for (std::size_t i = 0; i < padding.size() / 2; ++i) {
    margins[x.rank() - 1 - i] = {padding[2 * i], padding[2 * i + 1]};
  }
  for (std::size_t dim = 0; dim < margins.size(); ++dim) {
    RUSTORCH_CHECK(x.shape()[dim] + margins[dim].before + margins[dim].after >= 0, shape_mismatch,
                   "pad: margins {} and {} leave nothing of dim {} of size {} (shape {})",
                   margins[dim].before, margins[dim].after, dim, x.shape()[dim], x.shape());
  }
  return margins;
}

Shape padded_shape(Shape shape, const std::vector<Margins>& margins) {
  for (std::size_t dim = 0; dim < shape.size(); ++dim) shape[dim] += margins[dim].before + margins[dim].after;
  return shape;
}

/// The part of a layout along one dim.
Layout stretch(Layout layout, std::size_t dim, std::int64_t start, std::int64_t length) {
  layout.offset += start * layout.strides[dim];
  layout.shape[dim] = length;
  return layout;
}

Tensor pad_constant(const Tensor& x, const Shape& padding, double value) {
  const std::vector<Margins> margins = margins_of(x, padding);
  Tensor y =
      allocate(Layout::dense_like(padded_shape(x.shape(), margins), x.layout()), x.dtype(), x.device());
  Layout from = x.layout();
  Layout to = y.layout();
  for (std::size_t dim = 0; dim < margins.size(); ++dim) {
    const Margins crop = margins[dim].cropped();
    const std::int64_t kept = std::max<std::int64_t>(0, from.shape[dim] + crop.before + crop.after);
    from = stretch(std::move(from), dim, -crop.before, kept);
    to = stretch(std::move(to), dim, margins[dim].grown().before, kept);
  }
  if (from.shape != y.shape()) y.fill_(value);
  if (from.element_count() != 0) write_part(y, to, alias(x.detach(), from));
  Shape undo = padding;
  for (std::int64_t& margin : undo) margin = -margin;
  return with_gradient(std::move(y), "pad", {&x},
                       [undo = std::move(undo)](const Tensor& g) { return pad_constant(g, undo, 0); });
}

/// One stretch of a padded tensor that is the same as another, along one dim.
struct Mirrored {
  std::size_t dim;
  std::int64_t to, from, length;
};

/// How the margins are filled: in this order, from the tensor in the middle and from margins that are full
/// already.
std::vector<Mirrored> mirrored_stretches(const Shape& shape, const std::vector<Margins>& margins,
                                         PadMode mode) {
  std::vector<Mirrored> result;
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    const auto [before, after] = margins[dim];
    const std::int64_t end = before + shape[dim];  // of the middle
    if (mode == PadMode::circular) {
      if (before > 0) result.push_back({dim, 0, shape[dim], before});
      if (after > 0) result.push_back({dim, end, before, after});
      continue;
    }
    const bool reflects = mode == PadMode::reflect;
    for (std::int64_t i = 1; i <= before; ++i)
      result.push_back({dim, before - i, reflects ? before + i : before, 1});
    for (std::int64_t i = 0; i < after; ++i)
      result.push_back({dim, end + i, reflects ? end - 2 - i : end - 1, 1});
  }
  return result;
}

Layout middle_of(const Tensor& padded, const std::vector<Margins>& margins) {
  Layout layout = padded.layout();
  for (std::size_t dim = 0; dim < margins.size(); ++dim) {
    const auto [before, after] = margins[dim];
    layout = stretch(std::move(layout), dim, before, padded.shape()[dim] - before - after);
  }
  return layout;
}

Tensor fold_mirrored(const Tensor& g, const std::vector<Margins>& margins, PadMode mode);

/// x with margins (none of them negative) of its own elements.
Tensor pad_mirrored(const Tensor& x, const std::vector<Margins>& margins, PadMode mode) {
  Tensor y =
      allocate(Layout::dense_like(padded_shape(x.shape(), margins), x.layout()), x.dtype(), x.device());
  write_part(y, middle_of(y, margins), x);
  for (const auto& [dim, to, from, length] : mirrored_stretches(x.shape(), margins, mode)) {
    write_part(y, stretch(y.layout(), dim, to, length), alias(y, stretch(y.layout(), dim, from, length)));
  }
  return with_gradient(std::move(y), "pad", {&x},
                       [margins, mode](const Tensor& g) { return fold_mirrored(g, margins, mode); });
}

/// The gradient of pad_mirrored: what arrived at the margins is added to where they come from.
Tensor fold_mirrored(const Tensor& g, const std::vector<Margins>& margins, PadMode mode) {
  Tensor sums = g.detach().clone();
  const Layout middle = middle_of(sums, margins);
  const std::vector<Mirrored> stretches = mirrored_stretches(middle.shape, margins, mode);
  for (auto step = stretches.rbegin(); step != stretches.rend(); ++step) {
    Tensor into = alias(sums, stretch(sums.layout(), step->dim, step->from, step->length));
    const Tensor margin = alias(sums, stretch(sums.layout(), step->dim, step->to, step->length));
    const Operand operands[] = {into, margin};
    elementwise_into(into, Op::add, operands);
  }
  Tensor y = allocate(Layout::dense_like(middle.shape, middle), g.dtype(), g.device());
  write_part(y, y.layout(), alias(sums, middle));
  return with_gradient(std::move(y), "fold_padding", {&g},
                       [margins, mode](const Tensor& gg) { return pad_mirrored(gg, margins, mode); });
}

void check_margins(const Tensor& x, std::size_t dim, const Margins& margins, PadMode mode) {
  // What a negative margin crops is not wrapped round; the other modes look at the whole dim.
  const Margins crop = margins.cropped();
  const std::int64_t size = x.shape()[dim] + (mode == PadMode::circular ? crop.before + crop.after : 0);
  RUSTORCH_CHECK(size > 0, invalid_argument, "pad: dim {} of shape {} has no elements to take padding from",
                 dim, x.shape());
  const std::int64_t largest = std::max(margins.before, margins.after);
  if (mode == PadMode::reflect) {
    RUSTORCH_CHECK(
        largest < size, invalid_argument,
        "pad: reflect needs margins smaller than the dim: {} and {} for dim {} of size {} (shape {})",
        margins.before, margins.after, dim, size, x.shape());
  } else if (mode == PadMode::circular) {
    RUSTORCH_CHECK(largest <= size, invalid_argument,
                   "pad: circular takes margins up to the dim: {} and {} for dim {} of size {} (shape {})",
                   margins.before, margins.after, dim, size, x.shape());
  }
}

Tensor crop(Tensor x, const std::vector<Margins>& margins) {
  for (std::size_t dim = 0; dim < margins.size(); ++dim) {
    const auto [before, after] = margins[dim].cropped();
    if (before == 0 && after == 0) continue;
    x = narrow(x, static_cast<std::int64_t>(dim), -before, x.shape()[dim] + before + after);
  }
  return x;
}

}  // namespace

Tensor pad(const Tensor& x, const Shape& padding, PadMode mode, double value) {
  if (mode == PadMode::constant) return pad_constant(x, padding, value);
  const std::vector<Margins> margins = margins_of(x, padding);
  std::vector<Margins> grown = margins;
  for (std::size_t dim = 0; dim < margins.size(); ++dim) {
    if (!margins[dim].none()) check_margins(x, dim, margins[dim], mode);
    grown[dim] = margins[dim].grown();
  }
  // A circle closes where it is cropped; the others reach over to what is cropped then.
  if (mode == PadMode::circular) return pad_mirrored(crop(x, margins), grown, mode);
  return crop(pad_mirrored(x, grown, mode), margins);
}

}  // namespace rustorch
