#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "rustorch/core/dtype.h"

namespace rustorch::model_io {

/// A dtype of the safetensors format.
struct SafetensorsDType {
  std::string_view name;
  std::uint32_t bits;          ///< of one element
  std::optional<DType> dtype;  ///< empty where RusTorch has none
};

/// In the format's own order, by which writers sort tensors (descending), so that wide elements come first
/// and are aligned.
inline constexpr std::array safetensors_dtypes{
    SafetensorsDType{"BOOL", 8, bool_},     SafetensorsDType{"F4", 4, {}},
    SafetensorsDType{"F6_E2M3", 6, {}},     SafetensorsDType{"F6_E3M2", 6, {}},
    SafetensorsDType{"U8", 8, uint8},       SafetensorsDType{"I8", 8, int8},
    SafetensorsDType{"F8_E5M2", 8, {}},     SafetensorsDType{"F8_E4M3", 8, {}},
    SafetensorsDType{"F8_E8M0", 8, {}},     SafetensorsDType{"F8_E4M3FNUZ", 8, {}},
    SafetensorsDType{"F8_E5M2FNUZ", 8, {}}, SafetensorsDType{"I16", 16, int16},
    SafetensorsDType{"U16", 16, {}},        SafetensorsDType{"F16", 16, float16},
    SafetensorsDType{"BF16", 16, bfloat16}, SafetensorsDType{"I32", 32, int32},
    SafetensorsDType{"U32", 32, {}},        SafetensorsDType{"F32", 32, float32},
    SafetensorsDType{"C64", 64, complex64}, SafetensorsDType{"F64", 64, float64},
    SafetensorsDType{"I64", 64, int64},     SafetensorsDType{"U64", 64, {}},
};

/// nullptr for names that the format does not have.
constexpr const SafetensorsDType* find_safetensors_dtype(std::string_view name) noexcept {
  for (const SafetensorsDType& dtype : safetensors_dtypes) {
    if (dtype.name == name) return &dtype;
  }
  return nullptr;
}

/// nullptr for dtypes that the format does not have (complex128).
constexpr const SafetensorsDType* find_safetensors_dtype(DType dtype) noexcept {
  for (const SafetensorsDType& candidate : safetensors_dtypes) {
    if (candidate.dtype == dtype) return &candidate;
  }
  return nullptr;
}

}  // namespace rustorch::model_io
