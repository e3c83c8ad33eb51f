#include "rustorch/core/dtype.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "rustorch/error/suggestion.h"

namespace rustorch {

namespace {

// In the order of the enum; dtype_of and item_size are held against it below.
constexpr std::array<std::string_view, dtype_count> dtype_names{
    "uint8",    "int8",    "int16",   "int32",     "int64",      "float16",
    "bfloat16", "float32", "float64", "complex64", "complex128", "bool"};

constexpr std::array<std::pair<std::string_view, DType>, 9> dtype_aliases{{{"half", DType::float16},
                                                                           {"float", DType::float32},
                                                                           {"double", DType::float64},
                                                                           {"short", DType::int16},
                                                                           {"int", DType::int32},
                                                                           {"long", DType::int64},
                                                                           {"cfloat", DType::complex64},
                                                                           {"cdouble", DType::complex128},
                                                                           {"bool_", DType::bool_}}};

static_assert(static_cast<int>(DType::bool_) + 1 == dtype_count, "a dtype was added: name it above");
static_assert(sizeof(bool) == 1 && sizeof(std::complex<float>) == 8 && sizeof(std::complex<double>) == 16);

}  // namespace

std::string_view to_string(DType dtype) noexcept {
  const auto index = static_cast<std::size_t>(dtype);
  return index < dtype_names.size() ? dtype_names[index] : "unknown";
}

DType dtype_from_string(std::string_view name) {
  constexpr std::string_view prefix = "torch.";
  const std::string_view bare = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  for (std::size_t i = 0; i < dtype_names.size(); ++i) {
    if (dtype_names[i] == bare) return static_cast<DType>(i);
  }
  for (const auto& [alias, dtype] : dtype_aliases) {
    if (alias == bare) return dtype;
  }
  const std::vector<std::string> choices(dtype_names.begin(), dtype_names.end());
  std::string suggestion = did_you_mean(bare, choices);
  if (suggestion.empty()) suggestion = one_of(choices);
  fail_with_suggestion(ErrorCode::invalid_argument, std::move(suggestion), "unknown dtype \"{}\"", name);
}

}  // namespace rustorch
