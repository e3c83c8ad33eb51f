#include <algorithm>
#include <utility>

#include "rustorch/backends/cpu/gemm.h"

namespace rustorch::cpu {

void activate(DType dtype, const Gemm& work, void* first, std::int64_t rows, std::int64_t columns) {
  // The inner dim is the one with adjacent elements, if one has them.
  std::int64_t outer = rows, outer_step = work.c_row, inner = columns, step = work.c_column;
  if (columns == 1 || (step != 1 && outer_step == 1)) std::swap(outer, inner), std::swap(outer_step, step);
  if (step == 1 && outer_step == inner) inner *= std::exchange(outer, 1);

  const std::size_t item_bytes = item_size(dtype);
  const auto at = [item_bytes](void* data, std::int64_t element) {
    return static_cast<std::byte*>(data) + element * static_cast<std::int64_t>(item_bytes);
  };
  const auto run = [&work](void* values, std::int64_t count) {
    work.activation(values, nullptr, nullptr, values, static_cast<std::size_t>(count));
  };
  for (std::int64_t i = 0; i < outer; ++i) {
    std::byte* const values = at(first, i * outer_step);
    if (step == 1) {
      run(values, inner);
      continue;
    }
    constexpr std::int64_t piece = 64;
    alignas(64) std::byte dense[piece * sizeof(double)];
    for (std::int64_t j = 0; j < inner; j += piece) {
      const std::int64_t count = std::min(piece, inner - j);
      simd::gather_strided(at(values, j * step), step, item_bytes, dense, static_cast<std::size_t>(count));
      run(dense, count);
      simd::scatter_strided(dense, at(values, j * step), step, item_bytes, static_cast<std::size_t>(count));
    }
  }
}

}  // namespace rustorch::cpu
