#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rustorch/core/half.h"
#include "rustorch/error/error.h"

namespace rustorch {

/// The element types of tensors. The order is part of the promotion table (type_promotion.cpp).
enum class DType : std::uint8_t {
  uint8,
  int8,
  int16,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
  complex64,
  complex128,
  bool_,
};
inline constexpr int dtype_count = 12;

inline constexpr DType uint8 = DType::uint8;
inline constexpr DType int8 = DType::int8;
inline constexpr DType int16 = DType::int16;
inline constexpr DType int32 = DType::int32;
inline constexpr DType int64 = DType::int64;
inline constexpr DType float16 = DType::float16;
inline constexpr DType bfloat16 = DType::bfloat16;
inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;
inline constexpr DType complex64 = DType::complex64;
inline constexpr DType complex128 = DType::complex128;
inline constexpr DType bool_ = DType::bool_;

/// Carries a C++ type as a value, for the dtype switch.
template <class T>
struct TypeTag {
  using type = T;
};

/// The one dtype switch: calls `f(TypeTag<T>{})` with the C++ type that stores `dtype`.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::uint8:
      return f(TypeTag<std::uint8_t>{});
    case DType::int8:
      return f(TypeTag<std::int8_t>{});
    case DType::int16:
      return f(TypeTag<std::int16_t>{});
    case DType::int32:
      return f(TypeTag<std::int32_t>{});
    case DType::int64:
      return f(TypeTag<std::int64_t>{});
    case DType::float16:
      return f(TypeTag<Half>{});
    case DType::bfloat16:
      return f(TypeTag<BFloat16>{});
    case DType::float32:
      return f(TypeTag<float>{});
    case DType::float64:
      return f(TypeTag<double>{});
    case DType::complex64:
      return f(TypeTag<std::complex<float>>{});
    case DType::complex128:
      return f(TypeTag<std::complex<double>>{});
    case DType::bool_:
      return f(TypeTag<bool>{});
  }
  fail(ErrorCode::internal, "dtype {} does not exist", static_cast<int>(dtype));
}

/// The dtype that stores a C++ type: `dtype_of<float>` is float32. `long long` and `long` are both int64.
template <class T>
constexpr DType dtype_of_impl() {
  if constexpr (std::is_same_v<T, bool>)
    return DType::bool_;
  else if constexpr (std::is_same_v<T, Half>)
    return DType::float16;
  else if constexpr (std::is_same_v<T, BFloat16>)
    return DType::bfloat16;
  else if constexpr (std::is_same_v<T, float>)
    return DType::float32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::float64;
  else if constexpr (std::is_same_v<T, std::complex<float>>)
    return DType::complex64;
  else if constexpr (std::is_same_v<T, std::complex<double>>)
    return DType::complex128;
  else if constexpr (std::is_integral_v<T> && sizeof(T) == 1)
    return std::is_signed_v<T> ? DType::int8 : DType::uint8;
  else if constexpr (std::is_integral_v<T> && std::is_signed_v<T> && sizeof(T) == 2)
    return DType::int16;
  else if constexpr (std::is_integral_v<T> && std::is_signed_v<T> && sizeof(T) == 4)
    return DType::int32;
  else if constexpr (std::is_integral_v<T> && std::is_signed_v<T> && sizeof(T) == 8)
    return DType::int64;
  else
    static_assert(sizeof(T) == 0, "no dtype stores this C++ type");
}
template <class T>
inline constexpr DType dtype_of = dtype_of_impl<T>();

/// Bytes of one element.
constexpr std::size_t item_size(DType dtype) noexcept {
  switch (dtype) {
    case DType::uint8:
    case DType::int8:
    case DType::bool_:
      return 1;
    case DType::int16:
    case DType::float16:
    case DType::bfloat16:
      return 2;
    case DType::int32:
    case DType::float32:
      return 4;
    case DType::int64:
    case DType::float64:
    case DType::complex64:
      return 8;
    case DType::complex128:
      return 16;
  }
  return 0;
}

constexpr bool is_floating_point(DType t) noexcept { return t >= DType::float16 && t <= DType::float64; }
constexpr bool is_complex(DType t) noexcept { return t == DType::complex64 || t == DType::complex128; }
/// Integers, without bool.
constexpr bool is_integral(DType t) noexcept { return t <= DType::int64; }
/// float16 and bfloat16, which are stored in 16 bits and computed in float32.
constexpr bool is_reduced_precision(DType t) noexcept { return t == DType::float16 || t == DType::bfloat16; }
/// Whether tensors of this dtype can require gradients.
constexpr bool is_differentiable(DType t) noexcept { return is_floating_point(t) || is_complex(t); }
/// complex64 → float32, complex128 → float64, others unchanged.
constexpr DType real_dtype(DType t) noexcept {
  return t == DType::complex64 ? DType::float32 : t == DType::complex128 ? DType::float64 : t;
}
/// float64 → complex128, complex unchanged, all others → complex64.
constexpr DType complex_dtype(DType t) noexcept {
  return t == DType::float64 || t == DType::complex128 ? DType::complex128 : DType::complex64;
}

/// "float32", "bool" …: PyTorch's name without "torch.".
std::string_view to_string(DType dtype) noexcept;
/// The dtype of a name such as "float32", "torch.float32", "float", "bool"; an Error with suggestions
/// otherwise.
DType dtype_from_string(std::string_view name);

}  // namespace rustorch

/// Plain text. Not derived from the formatter of strings: where GCC 12 inlines its parser, it warns of a
/// write that does not happen.
template <>
struct fmt::formatter<rustorch::DType> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(rustorch::DType dtype, fmt::format_context& context) const {
    const std::string_view text = rustorch::to_string(dtype);
    return std::copy(text.begin(), text.end(), context.out());
  }
};
