#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "rustorch/backends/compute_backend.h"
#include "rustorch/core/conversion.h"
#include "rustorch/device/cpu_info.h"

namespace rustorch::test {

/// What element values are compared as: exact for every dtype.
using Number = std::complex<long double>;
using Index = std::vector<std::int64_t>;

/// Calls `f` for every index tuple of a shape, in row-major order.
template <class F>
void for_each_index(const Shape& shape, const F& f) {
  if (shape.element_count() == 0) return;
  Index index(shape.size(), 0);
  while (true) {
    f(index);
    std::size_t d = shape.size();
    while (d > 0) {
      --d;
      if (++index[d] < shape[d]) break;
      index[d] = 0;
      if (d == 0) return;
    }
    if (shape.empty()) return;
  }
}

/// Memory of one dtype and layout, with canaries around it, whose elements are read and written as numbers.
class HostArray {
 public:
  HostArray(DType dtype, Layout layout) : dtype_(dtype), layout_(std::move(layout)) {
    memory_.assign(static_cast<std::size_t>(layout_.end() + 1) * item_size(dtype), std::byte{0});
  }
  HostArray(DType dtype, const Shape& shape) : HostArray(dtype, Layout::contiguous(shape)) {}

  View view() { return {memory_.data(), &layout_, dtype_}; }
  const Layout& layout() const { return layout_; }
  const Shape& shape() const { return layout_.shape; }
  DType dtype() const { return dtype_; }
  const std::vector<std::byte>& memory() const { return memory_; }

  std::int64_t offset(const Index& index) const {
    std::int64_t at = layout_.offset;
    for (std::size_t d = 0; d < index.size(); ++d) at += index[d] * layout_.strides[d];
    return at;
  }
  Number at_offset(std::int64_t at) const {
    return visit_dtype(dtype_, [&](auto tag) -> Number {
      using T = typename decltype(tag)::type;
      const T value = reinterpret_cast<const T*>(memory_.data())[at];
      if constexpr (is_complex_type<T>) {
        return {value.real(), value.imag()};
      } else if constexpr (is_reduced_precision_type<T>) {
        return static_cast<float>(value);
      } else {
        return static_cast<long double>(value);
      }
    });
  }
  Number at(const Index& index) const { return at_offset(offset(index)); }
  long double real(const Index& index) const { return at(index).real(); }
  void set(const Index& index, Number value) {
    visit_dtype(dtype_, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T& element = reinterpret_cast<T*>(memory_.data())[offset(index)];
      if constexpr (is_complex_type<T>) {
        using Part = typename T::value_type;
        element = T(static_cast<Part>(value.real()), static_cast<Part>(value.imag()));
      } else if constexpr (is_reduced_precision_type<T>) {
        element = T(static_cast<float>(value.real()));
      } else if constexpr (std::is_same_v<T, bool>) {
        element = value != Number(0);
      } else {
        element = static_cast<T>(value.real());
      }
    });
  }
  /// Numbers from [low, high), whole ones for integer dtypes.
  HostArray& randomize(unsigned seed, double low = -2, double high = 2) {
    std::mt19937 engine(seed);
    const bool whole = is_integral(dtype_) || dtype_ == DType::bool_;
    if (dtype_ == DType::uint8 || dtype_ == DType::bool_) low = std::max(low, 0.0);
    const auto draw = [&] {
      const double value = std::uniform_real_distribution<double>(low, high)(engine);
      return static_cast<long double>(whole ? std::floor(value) : value);
    };
    for_each_index(shape(), [&](const Index& index) {
      const long double re = draw();
      set(index, is_complex(dtype_) ? Number(re, draw()) : Number(re));
    });
    return *this;
  }

 private:
  DType dtype_;
  Layout layout_;
  std::vector<std::byte> memory_;
};

/// The layouts that kernels must take, of one shape: row-major, permuted, with gaps between elements and an
/// offset, and, for inputs, with the first dim broadcast.
inline std::vector<Layout> layouts_of(const Shape& shape, bool broadcast) {
  std::vector<Layout> layouts{Layout::contiguous(shape)};
  const std::size_t rank = shape.size();
  if (rank == 0) return layouts;
  std::vector<std::size_t> reversed(rank);
  for (std::size_t d = 0; d < rank; ++d) reversed[d] = rank - 1 - d;
  layouts.push_back(Layout::dense(shape, reversed));
  Layout gaps = Layout::contiguous(shape);
  for (std::int64_t& stride : gaps.strides) stride *= 3;
  gaps.offset = 5;
  layouts.push_back(gaps);
  if (broadcast) {
    Layout first = Layout::contiguous(shape);
    first.strides[0] = 0;
    layouts.push_back(first);
  }
  return layouts;
}

/// Puts the number of threads back at the end of a scope.
class ThreadCountGuard {
 public:
  ThreadCountGuard() = default;
  ThreadCountGuard(const ThreadCountGuard&) = delete;
  ThreadCountGuard& operator=(const ThreadCountGuard&) = delete;
  ~ThreadCountGuard() { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

/// The spacing of a dtype's numbers near 1, as reductions and norms round their results.
inline double precision_of(DType dtype) {
  switch (real_dtype(dtype)) {
    case DType::float16:
      return 0x1p-10;
    case DType::bfloat16:
      return 0x1p-7;
    case DType::float32:
      return 0x1p-23;
    case DType::float64:
      return 0x1p-52;
    default:
      return 0;
  }
}

inline const std::vector<DType>& all_dtypes() {
  static const std::vector<DType> dtypes{uint8,    int8,    int16,   int32,     int64,      float16,
                                         bfloat16, float32, float64, complex64, complex128, bool_};
  return dtypes;
}
inline const std::vector<DType>& floating_dtypes() {
  static const std::vector<DType> dtypes{float16, bfloat16, float32, float64};
  return dtypes;
}

}  // namespace rustorch::test
