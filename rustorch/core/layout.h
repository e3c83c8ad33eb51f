#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "rustorch/core/shape.h"

namespace rustorch {

/// How the elements of a tensor lie in its storage: element i0, i1 … is at offset + Σ i·stride (in elements).
/// Strides may be 0 (broadcast) but never negative.
struct Layout {
  Shape shape;
  Strides strides;
  std::int64_t offset = 0;

  Layout() = default;
  Layout(Shape shape_, Strides strides_, std::int64_t offset_ = 0)
      : shape(std::move(shape_)), strides(std::move(strides_)), offset(offset_) {}
  /// Row-major.
  static Layout contiguous(Shape shape);
  /// Row-major over the dims taken in `order` (outermost first): order {0, 2, 3, 1} is channels-last.
  static Layout dense(Shape shape, std::span<const std::size_t> order);
  /// Channels innermost: N, spatial dims, C. For rank 3 to 5; other ranks are contiguous.
  static Layout channels_last(Shape shape);
  /// A dense layout of `shape` whose order of strides follows `like` (same rank): channels-last stays
  /// channels-last, a transposed matrix stays transposed. Ties and size-1 dims fall back to row-major.
  static Layout dense_like(Shape shape, const Layout& like);

  /// The same elements seen with a shape that this one broadcasts to: stride 0 where it is repeated.
  Layout broadcast_to(const Shape& wide) const;

  std::size_t rank() const noexcept { return shape.size(); }
  std::int64_t element_count() const { return shape.element_count(); }
  /// Row-major without gaps; size-1 dims and empty tensors do not count.
  bool is_contiguous() const noexcept {
    if (rank() == 1 && strides[0] == 1) return true;
    return is_contiguous_of_any_rank();
  }
  /// Channels innermost without gaps (rank 3 to 5, and channels > 1 or spatial > 1 as in PyTorch).
  bool is_channels_last() const noexcept;
  /// Some permutation of the dims is contiguous: the elements fill one range of memory, each once.
  bool is_dense() const noexcept;
  /// Whether two index tuples may name the same element (stride 0, or overlapping windows).
  bool may_overlap_itself() const noexcept;
  /// One past the largest element index that is reached, from the start of the storage; offset if empty.
  std::int64_t end() const noexcept;

  /// Strides for the shape, row-major.
  void lay_row_major();

  friend bool operator==(const Layout&, const Layout&) = default;

 private:
  bool is_contiguous_of_any_rank() const noexcept;
};

/// The classes by which kernels are picked; one operand's class over the loop that covers the result.
enum class LayoutClass : std::uint8_t {
  contiguous,        ///< one run over all elements
  scalar,            ///< every stride 0: one value for all
  inner_contiguous,  ///< the innermost loop runs over adjacent elements
  inner_broadcast,   ///< the innermost loop stays on one element
  general,           ///< any strides
};

}  // namespace rustorch
