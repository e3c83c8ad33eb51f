#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rustorch {

/// A short list of 64-bit integers: the sizes or the strides of a tensor. Up to 8 dims live inside the
/// object; more are kept on the heap.
class Shape {
 public:
  static constexpr std::size_t inline_capacity = 8;

  Shape() noexcept {}  // NOLINT(modernize-use-equals-default): `= default` would zero inline_ in `Shape()`
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit(false) Shape(std::span<const std::int64_t> dims) : size_(dims.size()) {
    if (size_ > inline_capacity) heap_ = std::make_unique_for_overwrite<std::int64_t[]>(size_);
    std::copy(dims.begin(), dims.end(), data());
  }
  explicit(false) Shape(const std::vector<std::int64_t>& dims) : Shape(std::span(dims)) {}
  /// `count` dims of the same `value`.
  static Shape filled(std::size_t count, std::int64_t value);

  Shape(const Shape& other) : size_(other.size_) {
    if (other.heap_) [[unlikely]]
      copy_heap(other);
    else
      copy_inline(other);
  }
  Shape(Shape&& other) noexcept : size_(other.size_), heap_(std::move(other.heap_)) {
    copy_inline(other);
    other.size_ = 0;
  }
  Shape& operator=(const Shape& other) {
    if (this != &other) *this = Shape(other);
    return *this;
  }
  Shape& operator=(Shape&& other) noexcept {
    if (this == &other) return *this;
    size_ = other.size_;
    heap_ = std::move(other.heap_);
    copy_inline(other);
    other.size_ = 0;
    return *this;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::int64_t* data() noexcept { return heap_ ? heap_.get() : inline_.data(); }
  const std::int64_t* data() const noexcept { return heap_ ? heap_.get() : inline_.data(); }
  std::int64_t* begin() noexcept { return data(); }
  std::int64_t* end() noexcept { return data() + size_; }
  const std::int64_t* begin() const noexcept { return data(); }
  const std::int64_t* end() const noexcept { return data() + size_; }
  std::int64_t& operator[](std::size_t i) noexcept { return data()[i]; }
  std::int64_t operator[](std::size_t i) const noexcept { return data()[i]; }
  std::int64_t front() const noexcept { return data()[0]; }
  std::int64_t back() const noexcept { return data()[size_ - 1]; }
  std::span<const std::int64_t> span() const noexcept { return {data(), size_}; }
  std::vector<std::int64_t> to_vector() const { return {begin(), end()}; }

  void push_back(std::int64_t dim) { insert(size_, dim); }
  void insert(std::size_t position, std::int64_t dim);
  void erase(std::size_t position) noexcept;
  void resize(std::size_t size, std::int64_t value = 0);

  /// The product of the dims: 1 for no dims. Overflow of 64 bits is an Error.
  std::int64_t element_count() const {
    if (size_ == 1) return (*this)[0];
    return multiply_dims();
  }
  /// "[2, 3]".
  std::string to_string() const;

  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    if (a.size_ != b.size_) return false;
    // Most shapes differ at once or are short: a loop is quicker than the call that std::equal becomes.
    const std::int64_t* const one = a.data();
    const std::int64_t* const other = b.data();
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (one[i] != other[i]) return false;
    }
    return true;
  }

 private:
  std::int64_t multiply_dims() const;
  void copy_heap(const Shape& other);
  // All of it: a copy of fixed length is two vector moves, one of `size_` dims a call.
  void copy_inline(const Shape& other) noexcept {
    std::memcpy(inline_.data(), other.inline_.data(), sizeof(inline_));
  }

  std::size_t size_ = 0;
  std::array<std::int64_t, inline_capacity> inline_;  // only the first size_ are meaningful
  std::unique_ptr<std::int64_t[]> heap_;              // holds all dims if there are more than fit inside
};

using Strides = Shape;

/// `dim` counted from the front; negative dims count from the end. A tensor without dims takes -1 and 0.
/// Out of range is an Error that names the op.
std::size_t normalize_dim(std::int64_t dim, std::size_t rank, const char* op);

/// PyTorch's broadcasting of two shapes; an Error that names the op, both shapes, the dim that clashes, and
/// suggests a reshape or transposition where one would fit.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op);

}  // namespace rustorch

/// Plain text; not derived from the formatter of strings, for the reason given in dtype.h.
template <>
struct fmt::formatter<rustorch::Shape> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const rustorch::Shape& shape, fmt::format_context& context) const {
    const std::string text = shape.to_string();
    return std::copy(text.begin(), text.end(), context.out());
  }
};
