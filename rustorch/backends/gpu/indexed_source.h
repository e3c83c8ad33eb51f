#pragma once

#include <limits>
#include <string>
#include <string_view>

#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/backends/gpu/kernel_key.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/struct_bytes.h"
#include "rustorch/backends/indexed_loops.h"

namespace rustorch::gpu {

/// The largest number that 32-bit indices count to; a step of all groups is added to it.
inline constexpr std::int64_t most_narrow_index =
    std::numeric_limits<std::int32_t>::max() - most_groups * group_threads;

/// How a gather or scatter is done: a thread for each position of `free`, which goes through `ordered` in
/// row-major order. Operands are those of IndexedLoops.
struct IndexedPlan {
  /// Of a gather: every element has a thread; neighbours in the result are neighbours.
  explicit IndexedPlan(const Gather& work);
  /// Of a scatter: what may meet at one address stays with one thread, which keeps the order.
  explicit IndexedPlan(const Scatter& work);

  /// Of a scatter that adds: every element has a thread from now on, which adds it atomically.
  void add_atomically();

  const char* op;
  View base, elements;                    ///< elements: the result of a gather, the source of a scatter
  std::span<const IndexOperand> indices;  ///< the work's: it must live as long
  std::int64_t parts;                     ///< elements of 16 bytes that are only moved are so in two parts
  IndexedLoops::Nest free, ordered;
  /// Of a scatter: `free` has every dim that the base moves along, so that elements of equal `free` position
  /// meet where their indices are equal. Otherwise there are no `free` dims.
  bool apart = false;
  bool atomic = false;
  bool wide_index = false;  ///< counts or strides are beyond `most_narrow_index`

  std::size_t operands() const noexcept { return 2 + indices.size(); }

 private:
  template <class Work>
  IndexedPlan(const Work& work, const View& elements_view, bool moves);
  void append(IndexedLoops::Nest& to, const IndexedLoops::Nest& from, std::size_t dim) const;
  void finish();
};

/// Equal for works with the same source.
KernelKey indexed_key(const IndexedPlan& plan, const Scatter* scatter);
/// The source of the kernel `gather` or `scatter` without the prelude. Its parameters are the buffers of the
/// base, the elements, the indices and the index checks, and the struct of `indexed_parameters`.
std::string indexed_source(const IndexedPlan& plan, const Scatter* scatter);
StructBytes indexed_parameters(const IndexedPlan& plan, std::int32_t checked_op);
/// Appends the members that begin it: where operands begin, and the sizes and strides of indices.
void add_index_members(StructBytes& bytes, const IndexedPlan& plan);

/// What a scatter makes of the variables `old` and `value`: an expression of the compute type.
std::string scattered(ScatterMode mode, DType compute);
/// Statements that read the k-th index at `from` in its buffer and add it times p.<stride>[k] to `to`; they
/// set `inside` to 0 if it is out of range.
std::string checked_index_text(const IndexedPlan& plan, std::size_t k, std::string_view from,
                               std::string_view to, std::string_view stride);

}  // namespace rustorch::gpu
