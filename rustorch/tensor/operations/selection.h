#pragma once

#include <vector>

#include "rustorch/tensor/gradient.h"

namespace rustorch {

/// Which element of a tensor stands at each place of an indexed result: a dim of the result steps along a dim
/// of the tensor, or stands still while index tensors choose. gather, index_select, take, embedding, advanced
/// indexing, flip and padding are selections.
struct Selection {
  struct Index {
    Saved index;      ///< integers, seen with the result's shape (alias with stride 0 where it does not vary)
    std::size_t dim;  ///< the tensor's dim that it chooses along
  };
  Shape shape;  ///< of the result
  Shape along;  ///< for each dim of the result the tensor's dim that it steps along, or -1
  std::vector<Index> indices;

  /// Every element of a tensor of this shape, to begin with.
  static Selection all_of(const Shape& shape);
  /// Replaces the steps along `dim` (of the result and the tensor) by the entries of a 1-d index.
  void choose(std::size_t dim, const Tensor& index);
};

/// An index tensor as backends take it: int64, int32 or uint8, on `device`; an Error that names the op for
/// other kinds of dtype.
Tensor as_index(const char* op, const Tensor& index, Device device);

/// `index` as an alias of shape `shape`, whose dims from `first` on are (broadcast) index's own.
Tensor spread_index(const Tensor& index, const Shape& shape, std::size_t first);

/// The selected elements, in a new tensor, with gradient.
Tensor select_elements(const char* op, const Tensor& x, Selection selection);

/// A copy of x in which the selected elements are written or added to; `source` broadcasts to the selection.
/// With gradient.
Tensor put_elements(const char* op, ScatterMode mode, const Tensor& x, Selection selection,
                    const Tensor& source);

/// The same in place, with history where gradients are recorded.
Tensor& put_elements_(const char* op, ScatterMode mode, Tensor& x, Selection selection, const Tensor& source);

}  // namespace rustorch
