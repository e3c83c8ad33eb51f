#include "rustorch/backends/indexed_loops.h"

#include "rustorch/error/error.h"

namespace rustorch {
namespace {

std::size_t checked_operands(std::size_t indices, const char* op) {
  RUSTORCH_CHECK(indices <= IndexedLoops::max_indices, unsupported,
                 "op {} takes at most {} index tensors, got {}", op, IndexedLoops::max_indices, indices);
  return 2 + indices;
}

}  // namespace

IndexedLoops::IndexedLoops(const View& elements_view, const View& base_view,
                           std::span<const IndexOperand> indices, const char* op)
    : outer(checked_operands(indices.size(), op)), inner(2) {
  const Layout& layout = *elements_view.layout;
  for (std::size_t d = 0; d < layout.rank(); ++d) {
    Nest::Offsets steps{};
    steps[elements] = layout.strides[d];
    steps[base] = base_view.layout->strides[d];
    bool moves = false;
    for (std::size_t k = 0; k < indices.size(); ++k) {
      steps[2 + k] = indices[k].index.layout->strides[d];
      moves = moves || steps[2 + k] != 0;
    }
    // A dim along which neither the base nor an index moves stays outside: its elements meet at one address,
    // and keep their row-major order.
    if (moves || steps[base] == 0) {
      outer.append(layout.shape[d], steps);
    } else {
      inner.append(layout.shape[d], {steps[elements], steps[base]});
    }
  }
  outer.coalesce();
  inner.sort();
  inner.coalesce();
}

bool positions_are_apart(const View& base, std::span<const IndexOperand> indices) {
  LoopNest<1> dims;
  const Layout& layout = *base.layout;
  for (std::size_t d = 0; d < layout.rank(); ++d) {
    if (layout.strides[d] != 0 && layout.shape[d] > 1) dims.append(layout.shape[d], {layout.strides[d]});
  }
  for (const IndexOperand& index : indices) {
    if (index.size > 1) dims.append(index.size, {index.stride});
  }
  dims.sort();
  std::int64_t reach = 0;
  for (std::size_t d = dims.rank(); d-- > 0;) {
    if (dims.stride(0, d) <= reach) return false;
    reach += (dims.size(d) - 1) * dims.stride(0, d);
  }
  return true;
}

}  // namespace rustorch
