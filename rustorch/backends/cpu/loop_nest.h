#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "rustorch/backends/compute_backend.h"

namespace rustorch::cpu {

/// The loops over some dims of up to N operands that go through the same index tuples, outermost first.
/// Strides are in elements of each operand.
template <std::size_t N>
class LoopNest {
 public:
  using Offsets = std::array<std::int64_t, N>;

  explicit LoopNest(std::size_t operands = N) noexcept : operands_(operands) {}

  std::size_t rank() const noexcept { return sizes_.size(); }
  std::size_t operands() const noexcept { return operands_; }
  std::int64_t size(std::size_t dim) const noexcept { return sizes_[dim]; }
  std::int64_t stride(std::size_t operand, std::size_t dim) const noexcept { return strides_[operand][dim]; }
  /// The innermost dim: one step of one element where there is no dim.
  std::int64_t inner_size() const noexcept { return rank() == 0 ? 1 : sizes_.back(); }
  std::int64_t inner_stride(std::size_t operand) const noexcept {
    return rank() == 0 ? 0 : strides_[operand].back();
  }
  std::int64_t count() const noexcept {
    std::int64_t product = 1;
    for (const std::int64_t size : sizes_) product *= size;
    return product;
  }

  /// Adds a dim inside the others.
  void append(std::int64_t size, const Offsets& steps) {
    sizes_.push_back(size);
    for (std::size_t k = 0; k < operands(); ++k) strides_[k].push_back(steps[k]);
  }
  /// Adds a dim outside the others.
  void prepend(std::int64_t size, const Offsets& steps) {
    sizes_.insert(0, size);
    for (std::size_t k = 0; k < operands(); ++k) strides_[k].insert(0, steps[k]);
  }
  void set_size(std::size_t dim, std::int64_t size) noexcept { sizes_[dim] = size; }

  /// What dims are sorted by: the largest step of any operand from `first` on; dims that none of these moves
  /// along come outermost.
  std::int64_t step(std::size_t dim, std::size_t first = 0) const noexcept {
    std::int64_t largest = 0;
    for (std::size_t k = first; k < operands(); ++k) largest = std::max(largest, strides_[k][dim]);
    return largest == 0 ? std::numeric_limits<std::int64_t>::max() : largest;
  }
  /// Brings the dims into the order of memory, the smallest step innermost. Only where the order is free.
  void sort(std::size_t first = 0) noexcept {
    for (std::size_t i = 1; i < rank(); ++i) {
      for (std::size_t j = i; j > 0 && step(j - 1, first) < step(j, first); --j) {
        std::swap(sizes_[j - 1], sizes_[j]);
        for (std::size_t k = 0; k < operands(); ++k) std::swap(strides_[k][j - 1], strides_[k][j]);
      }
    }
  }
  /// Drops dims of size 1 and joins neighbours that every operand steps through as one.
  void coalesce() noexcept {
    std::size_t kept = 0;
    for (std::size_t d = 0; d < rank(); ++d) {
      if (sizes_[d] == 1) continue;
      if (kept > 0 && joins(kept - 1, d)) {
        sizes_[kept - 1] *= sizes_[d];
      } else {
        sizes_[kept++] = sizes_[d];
      }
      for (std::size_t k = 0; k < operands(); ++k) strides_[k][kept - 1] = strides_[k][d];
    }
    sizes_.resize(kept);
    for (std::size_t k = 0; k < operands(); ++k) strides_[k].resize(kept);
  }

  /// The offset of each operand at a row-major index.
  Offsets at(std::int64_t index) const noexcept {
    Offsets offsets{};
    for (std::size_t d = rank(); d-- > 0 && index != 0;) {
      const std::int64_t i = index % sizes_[d];
      index /= sizes_[d];
      for (std::size_t k = 0; k < operands(); ++k) offsets[k] += i * strides_[k][d];
    }
    return offsets;
  }

  /// Calls `visit(offsets, length)` for each run along the innermost dim within the row-major indices
  /// [begin, end); the offsets are those of the run's first element.
  template <class Visit>
  void for_each_run(std::int64_t begin, std::int64_t end, Visit&& visit) const {
    if (begin >= end) return;
    Offsets offsets = at(begin);
    if (rank() <= 1) {
      visit(std::as_const(offsets), end - begin);
      return;
    }
    const std::size_t inner = rank() - 1;
    Shape index;
    index.resize(rank());
    for (std::size_t d = rank(), rest = static_cast<std::size_t>(begin); d-- > 0;) {
      const auto size = static_cast<std::size_t>(sizes_[d]);
      index[d] = static_cast<std::int64_t>(rest % size);
      rest /= size;
    }
    while (true) {
      const std::int64_t length = std::min(sizes_[inner] - index[inner], end - begin);
      visit(std::as_const(offsets), length);
      begin += length;
      if (begin >= end) return;
      for (std::size_t k = 0; k < operands(); ++k) offsets[k] -= index[inner] * strides_[k][inner];
      index[inner] = 0;
      for (std::size_t d = inner; d-- > 0;) {
        ++index[d];
        for (std::size_t k = 0; k < operands(); ++k) offsets[k] += strides_[k][d];
        if (index[d] < sizes_[d]) break;
        for (std::size_t k = 0; k < operands(); ++k) offsets[k] -= index[d] * strides_[k][d];
        index[d] = 0;
      }
    }
  }

 private:
  bool joins(std::size_t outer, std::size_t inner) const noexcept {
    for (std::size_t k = 0; k < operands(); ++k) {
      if (strides_[k][outer] != strides_[k][inner] * sizes_[inner]) return false;
    }
    return true;
  }

  std::size_t operands_;
  Shape sizes_;
  std::array<Strides, N> strides_;
};

/// The first element of a view, as bytes.
inline std::byte* first_byte(const View& view) noexcept {
  return static_cast<std::byte*>(view.data) +
         view.layout->offset * static_cast<std::int64_t>(item_size(view.dtype));
}

/// The dims of `view` other than `dim`, as a nest of one or more operands that share its shape in them.
template <std::size_t N>
LoopNest<N> dims_except(std::size_t dim, const std::array<const View*, N>& views) {
  LoopNest<N> nest;
  const Layout& layout = *views[0]->layout;
  for (std::size_t d = 0; d < layout.rank(); ++d) {
    if (d == dim) continue;
    std::array<std::int64_t, N> steps{};
    for (std::size_t k = 0; k < N; ++k) {
      if (views[k]->data != nullptr) steps[k] = views[k]->layout->strides[d];
    }
    nest.append(layout.shape[d], steps);
  }
  nest.sort();
  nest.coalesce();
  return nest;
}

/// The size of a dim and the step along it; a tensor without dims counts as one element.
inline std::int64_t dim_size(const View& view, std::size_t dim) noexcept {
  return view.layout->rank() == 0 ? 1 : view.layout->shape[dim];
}
inline std::int64_t dim_stride(const View& view, std::size_t dim) noexcept {
  return view.layout->rank() == 0 || view.data == nullptr ? 0 : view.layout->strides[dim];
}

}  // namespace rustorch::cpu
