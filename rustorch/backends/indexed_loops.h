#pragma once

#include "rustorch/backends/loop_nest.h"

namespace rustorch {

/// What gather and scatter share: the loops of an indexed access, split into outer loops, in which index
/// operands move, and inner loops, which only step through the elements and the base, so that whole runs can
/// be moved.
struct IndexedLoops {
  static constexpr std::size_t max_indices = 16;
  using Nest = LoopNest<2 + max_indices>;
  static constexpr std::size_t elements = 0;  ///< operand 0: the result of a gather, the source of a scatter
  static constexpr std::size_t base = 1;      ///< operand 1; the index operands follow

  Nest outer, inner;

  IndexedLoops(const View& elements, const View& base, std::span<const IndexOperand> indices, const char* op);
};

/// Whether different positions of the base, displaced by whatever indices are in range, are different
/// elements, unless they differ only in dims that the base does not move along: then a dim that it moves
/// along may be split.
bool positions_are_apart(const View& base, std::span<const IndexOperand> indices);

}  // namespace rustorch
