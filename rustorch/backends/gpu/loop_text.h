#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "rustorch/backends/gpu/struct_bytes.h"
#include "rustorch/backends/loop_nest.h"

namespace rustorch::gpu {

/// The loops over operands that lie anyhow, as text of a kernel: members of the parameter struct, named
/// <name>size and <name>stride, and statements that find where the operands are for an index.
class LoopText {
 public:
  LoopText(std::string name, std::size_t rank, std::size_t operands)
      : name_(std::move(name)), rank_(rank), operands_(operands) {}

  /// The members; none for rank 0.
  std::string members() const;

  /// A variable (i64) that moves with one of the operands.
  struct Moved {
    std::string variable;
    std::size_t operand;
  };
  /// Adds to each variable what its operand moves until the row-major index `index`, an expression.
  std::string walk(std::string_view index, std::span<const Moved> moved) const;

 private:
  std::string name_;
  std::size_t rank_, operands_;
};

/// Appends the values of those members: sizes, then the strides of each operand. Where the
/// text has a higher rank than the loops, its outermost dims have one element.
template <class Index, std::size_t N>
void add_loops(StructBytes& bytes, const LoopNest<N>& loops, std::size_t rank_of_text = 0) {
  const std::size_t more = std::max(rank_of_text, loops.rank()) - loops.rank();
  for (std::size_t i = 0; i < more; ++i) bytes.add(Index{1});
  for (std::size_t dim = 0; dim < loops.rank(); ++dim) bytes.add(static_cast<Index>(loops.size(dim)));
  for (std::size_t k = 0; k < loops.operands(); ++k) {
    for (std::size_t i = 0; i < more; ++i) bytes.add(Index{0});
    for (std::size_t dim = 0; dim < loops.rank(); ++dim) bytes.add(static_cast<Index>(loops.stride(k, dim)));
  }
}

/// Whether a stride is beyond `most`.
template <std::size_t N>
bool has_wide_stride(const LoopNest<N>& loops, std::int64_t most) {
  for (std::size_t dim = 0; dim < loops.rank(); ++dim) {
    for (std::size_t k = 0; k < loops.operands(); ++k) {
      if (loops.stride(k, dim) > most) return true;
    }
  }
  return false;
}

}  // namespace rustorch::gpu
