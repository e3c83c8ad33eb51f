#pragma once

#include <string>

#include "rustorch/backends/gpu/indexed_source.h"

namespace rustorch::gpu {

/// How a scatter of many elements into few columns is done, for which IndexedPlan has too few threads. The
/// `ordered` positions are sorted by where they go, stably, so that what meets at one address is a run of
/// neighbours in row-major order. For each run and column a thread folds the elements into the base.
///
/// A long run is no thread's alone: sorted positions are cut into chunks of `chunk`, and what a run has in
/// the chunks behind that of its first element is folded there, one result for each, by a kernel of its own.
/// All of it follows from shapes and indices, so results are the same bits in every run.
///
/// `lanes` are the `free` dims along which an index moves: each has an order of its own. Along `columns` it
/// is the same.
struct SortedScatter {
  explicit SortedScatter(const IndexedPlan& plan);

  /// Whether this is quicker than a thread for each `free` position, by what both ask of a large GPU.
  bool pays() const noexcept;

  const IndexedPlan& plan;
  IndexedLoops::Nest lanes, columns;
  std::int64_t length;  ///< of the order: `ordered` positions
  std::int64_t chunk, chunks;
  /// Keys tell destinations apart: they are less than this, which is the key of what is out of range. 0 where
  /// there is no way to count them.
  std::int64_t keys = 0;
  bool wide_index;

  int key_bits() const noexcept;
  /// By how much an index moves the key: of destinations that are apart, keys number the tuples of indices;
  /// otherwise they are the distances in the base.
  std::int64_t key_stride(std::size_t k) const noexcept;
};

/// Its kernels, without the prelude; keys are equal for equal sources. Parameters are these buffers, and the
/// struct of `sorted_scatter_parameters`.
/// make_keys(the indices, the index checks, keys, places): the key of each position of a lane, and its place.
KernelKey scatter_keys_key(const SortedScatter& sorted);
std::string scatter_keys_source(const SortedScatter& sorted);
/// fold_chunks(source, keys, places, partials): what runs have in the chunks behind their first one; not of
/// `write`. fold_runs(source, base, keys, places, partials): all runs, into the base; without partials for
/// `write`.
KernelKey scatter_folds_key(const SortedScatter& sorted, ScatterMode mode);
std::string scatter_folds_source(const SortedScatter& sorted, ScatterMode mode);
StructBytes sorted_scatter_parameters(const SortedScatter& sorted, std::int32_t checked_op);

}  // namespace rustorch::gpu
