#include <algorithm>
#include <utility>

#include "rustorch/compute/simd/ops/conversion/conversion_table.h"

namespace rustorch::simd {
namespace {

constexpr std::size_t index_of(DType dtype) { return static_cast<std::size_t>(dtype); }

/// Converts by way of float32, a block at a time. float64 and integers are so rounded twice on their way to
/// float16, as PyTorch does it.
template <DType from, DType to>
void convert_through_float32(const void* in, void* out, std::size_t n) {
  constexpr std::size_t block = 512;
  alignas(64) float values[block];
  const ConversionKernel load = conversion_kernel(from, DType::float32);
  const ConversionKernel store = conversion_kernel(DType::float32, to);
  const auto* source = static_cast<const std::byte*>(in);
  auto* destination = static_cast<std::byte*>(out);
  for (std::size_t i = 0; i < n; i += block) {
    const std::size_t count = std::min(block, n - i);
    load(source + i * item_size(from), values, count);
    store(values, destination + i * item_size(to), count);
  }
}

template <DType from, std::size_t... to>
constexpr void add_indirect(ConversionTable& table, std::index_sequence<to...>) {
  const auto add = [](ConversionKernel& entry, ConversionKernel kernel) {
    if (entry == nullptr) entry = kernel;
  };
  (add(table[index_of(from)][to], &convert_through_float32<from, static_cast<DType>(to)>), ...);
  (add(table[to][index_of(from)], &convert_through_float32<static_cast<DType>(to), from>), ...);
}

ConversionTable collect_conversions() {
  ConversionTable table = direct_conversions();
  add_indirect<DType::float16>(table, std::make_index_sequence<dtype_count>());
  add_indirect<DType::bfloat16>(table, std::make_index_sequence<dtype_count>());
  return table;
}

}  // namespace

ConversionKernel conversion_kernel(DType from, DType to) {
  static const ConversionTable table = collect_conversions();
  return table[index_of(from)][index_of(to)];
}

}  // namespace rustorch::simd
