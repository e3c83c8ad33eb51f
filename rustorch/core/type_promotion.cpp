#include "rustorch/core/type_promotion.h"

#include <array>
#include <atomic>

namespace rustorch {

namespace {

constexpr DType u1 = DType::uint8, i1 = DType::int8, i2 = DType::int16, i4 = DType::int32, i8 = DType::int64;
constexpr DType f2 = DType::float16, bf = DType::bfloat16, f4 = DType::float32, f8 = DType::float64;
constexpr DType c4 = DType::complex64, c8 = DType::complex128, b1 = DType::bool_;

// clang-format off
constexpr std::array<std::array<DType, dtype_count>, dtype_count> promotion_table{{
    /*        u1  i1  i2  i4  i8  f2  bf  f4  f8  c4  c8  b1 */
    /* u1 */ {u1, i2, i2, i4, i8, f2, bf, f4, f8, c4, c8, u1},
    /* i1 */ {i2, i1, i2, i4, i8, f2, bf, f4, f8, c4, c8, i1},
    /* i2 */ {i2, i2, i2, i4, i8, f2, bf, f4, f8, c4, c8, i2},
    /* i4 */ {i4, i4, i4, i4, i8, f2, bf, f4, f8, c4, c8, i4},
    /* i8 */ {i8, i8, i8, i8, i8, f2, bf, f4, f8, c4, c8, i8},
    /* f2 */ {f2, f2, f2, f2, f2, f2, f4, f4, f8, c4, c8, f2},
    /* bf */ {bf, bf, bf, bf, bf, f4, bf, f4, f8, c4, c8, bf},
    /* f4 */ {f4, f4, f4, f4, f4, f4, f4, f4, f8, c4, c8, f4},
    /* f8 */ {f8, f8, f8, f8, f8, f8, f8, f8, f8, c8, c8, f8},
    /* c4 */ {c4, c4, c4, c4, c4, c4, c4, c4, c8, c4, c8, c4},
    /* c8 */ {c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, c8},
    /* b1 */ {u1, i1, i2, i4, i8, f2, bf, f4, f8, c4, c8, b1},
}};
// clang-format on

constexpr bool table_is_symmetric() {
  for (std::size_t i = 0; i < dtype_count; ++i) {
    for (std::size_t j = 0; j < dtype_count; ++j) {
      if (promotion_table[i][j] != promotion_table[j][i]) return false;
    }
  }
  return true;
}
static_assert(table_is_symmetric());

std::atomic<DType> default_dtype_value{DType::float32};

// A lower class counts only where its category is higher than that of the higher class.
std::optional<DType> combine(std::optional<DType> higher, std::optional<DType> lower) noexcept {
  if (!higher) return lower;
  if (!lower || is_complex(*higher)) return higher;
  if (is_floating_point(*higher)) return is_complex(*lower) ? complex_dtype(*higher) : *higher;
  const bool lower_decides = *higher == DType::bool_ || is_floating_point(*lower) || is_complex(*lower);
  return lower_decides ? promote_types(*higher, *lower) : *higher;
}

}  // namespace

DType promote_types(DType a, DType b) noexcept {
  return promotion_table[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
}

void ResultType::add(DType dtype, PromotionClass kind) noexcept {
  std::optional<DType>& so_far = by_class_[static_cast<std::size_t>(kind)];
  so_far = so_far ? promote_types(*so_far, dtype) : dtype;
}

DType ResultType::result() const noexcept {
  const auto of = [this](PromotionClass kind) { return by_class_[static_cast<std::size_t>(kind)]; };
  const std::optional<DType> lower = combine(of(PromotionClass::zero_dim), of(PromotionClass::scalar));
  return combine(of(PromotionClass::dimensioned), lower).value_or(default_dtype());
}

bool can_cast(DType from, DType to) noexcept {
  if (is_complex(from) && !is_complex(to)) return false;
  if (is_floating_point(from) && is_integral(to)) return false;
  return to != DType::bool_ || from == DType::bool_;
}

DType default_dtype() noexcept { return default_dtype_value.load(std::memory_order_relaxed); }

void set_default_dtype(DType dtype) {
  if (!is_floating_point(dtype)) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, "one of float16, bfloat16, float32, float64",
                         "set_default_dtype: {} is not a floating-point dtype", dtype);
  }
  default_dtype_value.store(dtype, std::memory_order_relaxed);
}

}  // namespace rustorch
