#include <algorithm>
#include <limits>

#include "rustorch/backends/cpu/elementwise.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/transpose.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/compute/simd/kernels.h"

namespace rustorch::cpu {
namespace {

/// Operand 0 is read, operand 1 written; dims in the order of the output's memory, neighbours joined.
LoopNest<2> copy_loops(const View& from, const View& to) {
  LoopNest<2> loops;
  for (std::size_t dim = 0; dim < to.layout->rank(); ++dim) {
    loops.append(to.layout->shape[dim], {from.layout->strides[dim], to.layout->strides[dim]});
  }
  loops.coalesce();  // drops dims of size 1, whose strides say nothing about the order
  loops.sort(1);
  loops.coalesce();
  return loops;
}

void copy_range(const View& from, const View& to, std::int64_t count) {
  const std::byte* source = first_byte(from);
  std::byte* destination = first_byte(to);
  if (source == destination) return;  // onto itself
  const std::size_t from_bytes = item_size(from.dtype);
  const std::size_t to_bytes = item_size(to.dtype);
  const simd::ConversionKernel convert = simd::conversion_kernel(from.dtype, to.dtype);
  parallel_for(0, count, elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    const auto at = static_cast<std::size_t>(begin);
    convert(source + at * from_bytes, destination + at * to_bytes, static_cast<std::size_t>(end - begin));
  });
}

void transpose_all(const View& from, const View& to, const LoopNest<2>& outer, const Transposition& work) {
  constexpr std::int64_t panel = 64;  // columns that a thread takes at a time
  const std::int64_t panels = (work.columns + panel - 1) / panel;
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / (panel * work.rows));
  const std::byte* source = first_byte(from);
  std::byte* destination = first_byte(to);
  const std::size_t bytes = item_size(from.dtype);
  parallel_for(0, outer.count() * panels, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto offsets = outer.at(i / panels);
      const std::int64_t column = i % panels * panel;
      transpose(source + static_cast<std::size_t>(offsets[0]) * bytes,
                destination + static_cast<std::size_t>(offsets[1]) * bytes, bytes, work, column,
                std::min(work.columns, column + panel));
    }
  });
}

}  // namespace

bool lies_across(const View& operand, const Layout& output) noexcept {
  constexpr std::int64_t shortest_side = 8;
  constexpr std::int64_t cache_bytes = 256 * 1024;  // smaller operands stay in the second-level cache
  constexpr std::int64_t line_bytes = 64;
  const auto bytes = static_cast<std::int64_t>(item_size(operand.dtype));
  std::int64_t total = bytes;
  std::int64_t innermost =
      std::numeric_limits<std::int64_t>::max();  // the output's step along its innermost dim
  std::int64_t step = 0;                         // the operand's along the same
  bool has_rows = false;
  for (std::size_t dim = 0; dim < output.rank(); ++dim) {
    const std::int64_t size = output.shape[dim];
    if (size == 1) continue;
    const std::int64_t stride = operand.layout->strides[dim];
    if (stride == 0) return false;
    if (output.strides[dim] < innermost) {
      innermost = output.strides[dim];
      step = stride;
    }
    has_rows = has_rows || (stride == 1 && size >= shortest_side);
    total *= size;
  }
  return has_rows && total >= cache_bytes && step * bytes >= line_bytes;
}

bool run_copy(const View& from, const View& to) {
  const LoopNest<2> loops = copy_loops(from, to);
  if (loops.rank() == 0 || (loops.rank() == 1 && loops.inner_stride(0) == 1 && loops.inner_stride(1) == 1)) {
    copy_range(from, to, loops.count());
    return true;
  }
  // The dim along which the input is contiguous; small matrices are as well off in tiles.
  if (from.dtype != to.dtype || loops.inner_stride(1) != 1 || loops.inner_size() < 8) return false;
  std::size_t along = 0;
  while (along + 1 < loops.rank() && loops.stride(0, along) != 1) ++along;
  if (along + 1 == loops.rank() || loops.size(along) < 8) return false;
  const Transposition work{loops.inner_size(), loops.size(along), loops.inner_stride(0),
                           loops.stride(1, along)};
  LoopNest<2> outer;
  for (std::size_t dim = 0; dim + 1 < loops.rank(); ++dim) {
    if (dim != along) outer.append(loops.size(dim), {loops.stride(0, dim), loops.stride(1, dim)});
  }
  transpose_all(from, to, outer, work);
  return true;
}

}  // namespace rustorch::cpu
