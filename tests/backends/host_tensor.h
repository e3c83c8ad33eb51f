#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "rustorch/backends/compute_backend.h"

namespace rustorch::testing {

/// The element type that references compute in.
using Wide = std::complex<long double>;

/// How a test lays out a tensor.
enum class Order { plain, channels_last, reversed, gaps };
inline constexpr Order all_orders[] = {Order::plain, Order::channels_last, Order::reversed, Order::gaps};

/// A tensor on the host in any layout, for calling backends without tensors.
class HostTensor {
 public:
  HostTensor(DType dtype, Shape shape, Order order = Order::plain) : dtype_(dtype) {
    switch (order) {
      case Order::plain:
        layout_ = Layout::contiguous(shape);
        break;
      case Order::channels_last:
        layout_ = Layout::channels_last(shape);
        break;
      case Order::reversed: {
        std::vector<std::size_t> dims;
        for (std::size_t i = shape.size(); i-- > 0;) dims.push_back(i);
        layout_ = Layout::dense(shape, dims);
        break;
      }
      case Order::gaps: {
        layout_ = Layout::contiguous(shape);
        for (std::int64_t& stride : layout_.strides) stride *= 2;
        layout_.offset = 3;
        break;
      }
    }
    bytes_.assign((static_cast<std::size_t>(layout_.end()) + 1) * item_size(dtype), std::byte{0x5a});
  }
  /// Any layout; strides may be 0.
  HostTensor(DType dtype, Layout layout) : dtype_(dtype), layout_(std::move(layout)) {
    bytes_.assign((static_cast<std::size_t>(layout_.end()) + 1) * item_size(dtype), std::byte{0x5a});
  }

  View view() { return {bytes_.data(), &layout_, dtype_}; }
  DType dtype() const { return dtype_; }
  const Layout& layout() const { return layout_; }
  const Shape& shape() const { return layout_.shape; }
  std::int64_t count() const { return layout_.element_count(); }

  /// The storage index of the `index`-th element in row-major order.
  std::size_t place(std::int64_t index) const {
    std::int64_t place = layout_.offset;
    for (std::size_t dim = layout_.rank(); dim-- > 0;) {
      place += index % layout_.shape[dim] * layout_.strides[dim];
      index /= layout_.shape[dim];
    }
    return static_cast<std::size_t>(place);
  }

  Wide get(std::int64_t index) const {
    return visit_dtype(dtype_, [&](auto tag) -> Wide {
      using T = typename decltype(tag)::type;
      T value;
      std::memcpy(&value, bytes_.data() + place(index) * sizeof(T), sizeof(T));
      if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
        return {value.real(), value.imag()};
      } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
        return {static_cast<float>(value), 0};
      } else {
        return {static_cast<long double>(value), 0};
      }
    });
  }
  long double real(std::int64_t index) const { return get(index).real(); }

  void set(std::int64_t index, Wide wide) {
    visit_dtype(dtype_, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T value;
      if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
        using Part = typename T::value_type;
        value = T(static_cast<Part>(wide.real()), static_cast<Part>(wide.imag()));
      } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
        value = T(static_cast<float>(wide.real()));
      } else {
        value = static_cast<T>(wide.real());
      }
      std::memcpy(bytes_.data() + place(index) * sizeof(T), &value, sizeof(T));
    });
  }

  /// Random values: [-1, 1) for floating point, small whole numbers for integers.
  HostTensor& randomize(unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> real_values(-1, 1);
    const bool fractional = is_floating_point(dtype_) || is_complex(dtype_);
    std::uniform_int_distribution<int> whole_values(dtype_ == DType::uint8 ? 0 : -7, 7);
    for (std::int64_t i = 0; i < count(); ++i) {
      if (fractional) {
        const double real_part = real_values(random), imaginary_part = real_values(random);
        set(i, {real_part, imaginary_part});
      } else {
        set(i, static_cast<long double>(whole_values(random)));
      }
    }
    return *this;
  }

  bool has_bytes_of(const HostTensor& other) const { return bytes_ == other.bytes_; }

  /// Whether the bytes between the elements are still as they were made.
  bool gaps_untouched() const {
    std::vector<bool> used(bytes_.size() / item_size(dtype_));
    for (std::int64_t i = 0; i < count(); ++i) used[place(i)] = true;
    for (std::size_t i = 0; i < used.size() * item_size(dtype_); ++i) {
      if (!used[i / item_size(dtype_)] && bytes_[i] != std::byte{0x5a}) return false;
    }
    return true;
  }

 private:
  DType dtype_;
  Layout layout_;
  std::vector<std::byte> bytes_;
};

/// The relative spacing of a dtype's numbers.
inline double epsilon_of(DType dtype) {
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

/// Compares with a reference in row-major order, `scale` being the size of the terms that were summed.
inline void expect_near(const HostTensor& actual, const std::vector<Wide>& expected, double tolerance,
                        const std::string& what) {
  ASSERT_EQ(static_cast<std::size_t>(actual.count()), expected.size()) << what;
  for (std::int64_t i = 0; i < actual.count(); ++i) {
    const Wide want = expected[static_cast<std::size_t>(i)], got = actual.get(i);
    if (std::isnan(want.real())) {
      ASSERT_TRUE(std::isnan(got.real())) << what << " at " << i;
      continue;
    }
    if (want == got) continue;
    const long double allowed = tolerance * std::max<long double>(1, std::abs(want));
    ASSERT_LE(std::abs(want - got), allowed) << what << " at " << i << ": " << static_cast<double>(got.real())
                                             << " instead of " << static_cast<double>(want.real());
  }
  EXPECT_TRUE(actual.gaps_untouched()) << what << " wrote between the elements";
}

inline std::vector<Wide> values_of(const HostTensor& tensor) {
  std::vector<Wide> values;
  for (std::int64_t i = 0; i < tensor.count(); ++i) values.push_back(tensor.get(i));
  return values;
}

}  // namespace rustorch::testing
