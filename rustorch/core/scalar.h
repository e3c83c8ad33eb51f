#pragma once

#include <complex>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

#include "rustorch/core/conversion.h"
#include "rustorch/core/dtype.h"

namespace rustorch {

/// A number whose type is known at run time: bool, integer, real or complex. Mixes with tensors as in
/// PyTorch: it takes part in promotion by its category only (`int32 tensor * 2.5` is float32).
class Scalar {
 public:
  enum class Category : std::uint8_t { boolean, integer, real, complex };

  Scalar() noexcept : category_(Category::integer), integer_(0) {}
  explicit(false) Scalar(bool value) noexcept : category_(Category::boolean), integer_(value ? 1 : 0) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) explicit(false) Scalar(T value) noexcept
      : category_(Category::integer), integer_(static_cast<std::int64_t>(value)) {}
  template <std::floating_point T>
  explicit(false) Scalar(T value) noexcept
      : category_(Category::real), complex_(static_cast<double>(value)) {}
  explicit(false) Scalar(Half value) noexcept : Scalar(static_cast<float>(value)) {}
  explicit(false) Scalar(BFloat16 value) noexcept : Scalar(static_cast<float>(value)) {}
  template <class T>
  explicit(false) Scalar(std::complex<T> value) noexcept
      : category_(Category::complex),
        complex_(static_cast<double>(value.real()), static_cast<double>(value.imag())) {}

  Category category() const noexcept { return category_; }
  bool is_boolean() const noexcept { return category_ == Category::boolean; }
  bool is_integral() const noexcept { return category_ == Category::integer; }
  bool is_floating_point() const noexcept { return category_ == Category::real; }
  bool is_complex() const noexcept { return category_ == Category::complex; }

  /// The value as T, converted as elements are: a complex value gives its real part, reals are truncated.
  template <class T>
  T to() const {
    return category_ <= Category::integer ? convert_element<T>(integer_) : convert_element<T>(complex_);
  }

  /// The dtype that a tensor made from this scalar alone has: bool_, int64, the default float32, complex64.
  DType default_dtype() const noexcept;
  std::string to_string() const;

  /// Equal category and value: 1, 1.0 and true are three.
  friend bool operator==(const Scalar&, const Scalar&) = default;

 private:
  Category category_;
  std::int64_t integer_ = 0;
  std::complex<double> complex_{};
};

}  // namespace rustorch
