#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace rustorch {

/// A list of at most `Capacity` elements inside the object. Only those that are there are constructed, so a
/// large capacity costs stack, not time. Adding beyond the capacity is undefined.
template <class T, std::size_t Capacity>
class InlineList {
 public:
  InlineList() noexcept {}  // NOLINT(modernize-use-equals-default): the elements stay uninitialized
  InlineList(const InlineList&) = delete;
  InlineList& operator=(const InlineList&) = delete;
  ~InlineList() { std::destroy_n(data(), size_); }

  template <class... Args>
  T& emplace_back(Args&&... args) {
    T* const element = std::construct_at(elements_ + size_, std::forward<Args>(args)...);
    ++size_;
    return *element;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* data() noexcept { return elements_; }
  const T* data() const noexcept { return elements_; }
  T& operator[](std::size_t i) noexcept { return data()[i]; }
  const T& operator[](std::size_t i) const noexcept { return data()[i]; }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size_; }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size_; }

 private:
  std::size_t size_ = 0;
  union {
    T elements_[Capacity];  // the first `size_` of them live
  };
};

}  // namespace rustorch
