#include "rustorch/core/shape.h"

#include "rustorch/core/shape_suggestion.h"
#include "rustorch/error/error.h"

namespace rustorch {

Shape Shape::filled(std::size_t count, std::int64_t value) {
  Shape shape;
  shape.resize(count, value);
  return shape;
}

void Shape::insert(std::size_t position, std::int64_t dim) {
  RUSTORCH_CHECK(position <= size_, internal, "Shape::insert: position {} of {}", position, size_);
  resize(size_ + 1);
  std::int64_t* dims = data();
  std::copy_backward(dims + position, dims + size_ - 1, dims + size_);
  dims[position] = dim;
}

void Shape::erase(std::size_t position) noexcept {
  std::int64_t* dims = data();
  std::copy(dims + position + 1, dims + size_, dims + position);
  --size_;
  if (heap_ && size_ <= inline_capacity) {  // data() looks on the heap only for what does not fit inside
    std::copy_n(dims, size_, inline_.data());
    heap_.reset();
  }
}

void Shape::resize(std::size_t size, std::int64_t value) {
  if (!heap_ && size <= inline_capacity) [[likely]] {
    for (std::size_t i = size_; i < size; ++i) inline_[i] = value;
    size_ = size;
    return;
  }
  const std::size_t kept = std::min(size, size_);
  if (size > inline_capacity) {
    auto larger = std::make_unique_for_overwrite<std::int64_t[]>(size);
    std::copy_n(data(), kept, larger.get());
    heap_ = std::move(larger);
  } else if (heap_) {
    std::copy_n(heap_.get(), kept, inline_.data());
    heap_.reset();
  }
  size_ = size;
  std::fill(begin() + kept, end(), value);
}

void Shape::copy_heap(const Shape& other) {
  heap_ = std::make_unique_for_overwrite<std::int64_t[]>(size_);
  std::copy(other.begin(), other.end(), heap_.get());
}

std::int64_t Shape::multiply_dims() const {
  std::int64_t count = 1;
  bool overflow = false;
  bool empty_dim = false;
  for (const std::int64_t dim : *this) {
    overflow |= __builtin_mul_overflow(count, dim, &count);
    empty_dim |= dim == 0;
  }
  if (empty_dim) return 0;
  RUSTORCH_CHECK(!overflow, invalid_argument, "a tensor of shape {} has more elements than 64 bits can count",
                 *this);
  return count;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (const std::int64_t& dim : *this) text.append(&dim == begin() ? "" : ", ").append(std::to_string(dim));
  return text + "]";
}

std::size_t normalize_dim(std::int64_t dim, std::size_t rank, const char* op) {
  const std::int64_t count = rank == 0 ? 1 : static_cast<std::int64_t>(rank);
  if (dim < -count || dim >= count) [[unlikely]] {
    fail(ErrorCode::index_out_of_range,
         "{}: dim {} is out of range for a tensor of rank {} (expected {} to {})", op, dim, rank, -count,
         count - 1);
  }
  return static_cast<std::size_t>(dim < 0 ? dim + count : dim);
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  const std::size_t lead = longer.size() - shorter.size();
  Shape result = longer;
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    const std::int64_t theirs = shorter[i];
    std::int64_t& ours = result[lead + i];
    if (ours == theirs || theirs == 1) continue;
    if (ours != 1) [[unlikely]] {
      const std::int64_t in_a = &longer == &a ? ours : theirs;
      const std::int64_t in_b = &longer == &a ? theirs : ours;
      fail_with_suggestion(
          ErrorCode::shape_mismatch, suggest_broadcast(a, b),
          "{}: shapes {} and {} do not broadcast: the first has size {} and the second {} at dim {}", op, a,
          b, in_a, in_b, lead + i);
    }
    ours = theirs;
  }
  return result;
}

}  // namespace rustorch
