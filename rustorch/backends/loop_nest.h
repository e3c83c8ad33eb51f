#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "rustorch/backends/compute_backend.h"

namespace rustorch {

/// The loops over some dims of up to N operands that go through the same index tuples, outermost first.
/// Strides are in elements of each operand. Up to 8 dims live inside the object; more are kept on the heap.
template <std::size_t N>
class LoopNest {
 public:
  using Offsets = std::array<std::int64_t, N>;

  explicit LoopNest(std::size_t operands = N) noexcept : operands_(operands) {}
  LoopNest(const LoopNest& other) { *this = other; }
  LoopNest& operator=(const LoopNest& other) {
    if (this == &other) return *this;
    rank_ = 0;  // nothing to keep where there must be more room
    reserve(other.rank_);
    operands_ = other.operands_;
    rank_ = other.rank_;
    std::copy_n(other.dims(), rank_ * row, dims());
    return *this;
  }

  std::size_t rank() const noexcept { return rank_; }
  std::size_t operands() const noexcept { return operands_; }
  std::int64_t size(std::size_t dim) const noexcept { return dims()[dim * row]; }
  std::int64_t stride(std::size_t operand, std::size_t dim) const noexcept {
    return dims()[dim * row + 1 + operand];
  }
  /// The innermost dim: one step of one element where there is no dim.
  std::int64_t inner_size() const noexcept { return rank_ == 0 ? 1 : size(rank_ - 1); }
  std::int64_t inner_stride(std::size_t operand) const noexcept {
    return rank_ == 0 ? 0 : stride(operand, rank_ - 1);
  }
  std::int64_t count() const noexcept {
    std::int64_t product = 1;
    for (std::size_t d = 0; d < rank_; ++d) product *= size(d);
    return product;
  }

  /// Adds a dim inside the others.
  void append(std::int64_t size, const Offsets& steps) {
    reserve(rank_ + 1);
    std::int64_t* const dim = dims() + rank_++ * row;
    dim[0] = size;
    for (std::size_t k = 0; k < operands_; ++k) dim[1 + k] = steps[k];  // few: no call to memmove
  }
  void set_size(std::size_t dim, std::int64_t size) noexcept { dims()[dim * row] = size; }

  /// What dims are sorted by: the largest step of any operand from `first` on; dims that none of these moves
  /// along come outermost.
  std::int64_t step(std::size_t dim, std::size_t first = 0) const noexcept {
    std::int64_t largest = 0;
    for (std::size_t k = first; k < operands_; ++k) largest = std::max(largest, stride(k, dim));
    return largest == 0 ? std::numeric_limits<std::int64_t>::max() : largest;
  }
  /// Brings the dims into the order of memory, the smallest step innermost. Only where the order is free.
  void sort(std::size_t first = 0) noexcept {
    for (std::size_t i = 1; i < rank_; ++i) {
      for (std::size_t j = i; j > 0 && step(j - 1, first) < step(j, first); --j) {
        std::swap_ranges(dims() + (j - 1) * row, dims() + j * row, dims() + j * row);
      }
    }
  }
  /// Drops dims of size 1 and joins neighbours that every operand steps through as one.
  void coalesce() noexcept {
    std::size_t kept = 0;
    for (std::size_t d = 0; d < rank_; ++d) {
      const std::int64_t here = size(d);
      if (here == 1) continue;
      const bool joined = kept > 0 && joins(kept - 1, d);
      const std::int64_t total = joined ? size(kept - 1) * here : here;
      if (!joined) ++kept;
      for (std::size_t k = 0; k < operands_; ++k) dims()[(kept - 1) * row + 1 + k] = stride(k, d);
      set_size(kept - 1, total);
    }
    rank_ = kept;
  }

  /// The offset of each operand at a row-major index.
  Offsets at(std::int64_t index) const noexcept {
    Offsets offsets{};
    for (std::size_t d = rank_; d-- > 0 && index != 0;) {
      const std::int64_t i = index % size(d);
      index /= size(d);
      for (std::size_t k = 0; k < operands_; ++k) offsets[k] += i * stride(k, d);
    }
    return offsets;
  }

  /// Calls `visit(offsets, length)` for each run along the innermost dim within the row-major indices
  /// [begin, end); the offsets are those of the run's first element.
  template <class Visit>
  void for_each_run(std::int64_t begin, std::int64_t end, Visit&& visit) const {
    if (begin >= end) return;
    Offsets offsets = at(begin);
    if (rank_ <= 1) {
      visit(std::as_const(offsets), end - begin);
      return;
    }
    const std::size_t inner = rank_ - 1;
    Shape index;
    index.resize(rank_);
    std::int64_t rest = begin;
    for (std::size_t d = rank_; d-- > 0;) {
      index[d] = rest % size(d);
      rest /= size(d);
    }
    while (true) {
      const std::int64_t length = std::min(size(inner) - index[inner], end - begin);
      visit(std::as_const(offsets), length);
      begin += length;
      if (begin >= end) return;
      for (std::size_t k = 0; k < operands_; ++k) offsets[k] -= index[inner] * stride(k, inner);
      index[inner] = 0;
      for (std::size_t d = inner; d-- > 0;) {
        ++index[d];
        for (std::size_t k = 0; k < operands_; ++k) offsets[k] += stride(k, d);
        if (index[d] < size(d)) break;
        for (std::size_t k = 0; k < operands_; ++k) offsets[k] -= index[d] * stride(k, d);
        index[d] = 0;
      }
    }
  }

 private:
  static constexpr std::size_t row = 1 + N;  // a dim: its size, and each operand's stride
  static constexpr std::size_t inline_rank = 8;

  std::int64_t* dims() noexcept { return heap_ ? heap_.get() : inline_.data(); }
  const std::int64_t* dims() const noexcept { return heap_ ? heap_.get() : inline_.data(); }

  void reserve(std::size_t rank) {
    if (rank <= capacity_) return;
    const std::size_t capacity = 2 * rank;
    auto larger = std::make_unique_for_overwrite<std::int64_t[]>(capacity * row);
    std::copy_n(dims(), rank_ * row, larger.get());
    heap_ = std::move(larger);
    capacity_ = capacity;
  }
  bool joins(std::size_t outer, std::size_t inner) const noexcept {
    for (std::size_t k = 0; k < operands_; ++k) {
      if (stride(k, outer) != stride(k, inner) * size(inner)) return false;
    }
    return true;
  }

  std::size_t operands_ = N, rank_ = 0, capacity_ = inline_rank;
  std::unique_ptr<std::int64_t[]> heap_;
  std::array<std::int64_t, row * inline_rank> inline_;  // uninitialized
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

}  // namespace rustorch
