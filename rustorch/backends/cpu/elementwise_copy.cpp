#include <algorithm>
#include <cstring>
#include <utility>

#include "rustorch/backends/cpu/elementwise.h"
#include "rustorch/backends/cpu/loop_nest.h"
#include "rustorch/backends/cpu/parallel.h"
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

/// A matrix that is read along its rows and written along its columns.
struct Transposition {
  std::int64_t rows, columns;          // of the matrix as it is read
  std::int64_t row_step, column_step;  // from row to row in the input, from column to column in the output
};

/// Blocks go through a buffer: input and output are both touched in whole cache lines, and rows whose
/// distance is a power of 2 do not push each other out of the cache. Columns [begin, end) are done.
template <class T>
void transpose(const T* from, T* to, const Transposition& work, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t block = sizeof(T) >= 8 ? 32 : 64;
  constexpr std::int64_t pitch = block + 64 / static_cast<std::int64_t>(sizeof(T)) / 4 + 1;
  T buffer[block * pitch];
  for (std::int64_t column = begin; column < end; column += block) {
    const std::int64_t columns = std::min(block, end - column);
    for (std::int64_t row = 0; row < work.rows; row += block) {
      const std::int64_t rows = std::min(block, work.rows - row);
      for (std::int64_t r = 0; r < rows; ++r) {
        std::memcpy(buffer + r * pitch, from + (row + r) * work.row_step + column,
                    static_cast<std::size_t>(columns) * sizeof(T));
      }
      for (std::int64_t c = 0; c < columns; ++c) {
        T* line = to + (column + c) * work.column_step + row;
        for (std::int64_t r = 0; r < rows; ++r) line[r] = buffer[r * pitch + c];
      }
    }
  }
}

template <class T>
void transpose_all(const std::byte* from, std::byte* to, const LoopNest<2>& outer,
                   const Transposition& work) {
  constexpr std::int64_t panel = 64;  // columns that a thread takes at a time
  const std::int64_t panels = (work.columns + panel - 1) / panel;
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / (panel * work.rows));
  parallel_for(0, outer.count() * panels, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto offsets = outer.at(i / panels);
      const std::int64_t column = i % panels * panel;
      transpose(reinterpret_cast<const T*>(from) + offsets[0], reinterpret_cast<T*>(to) + offsets[1], work,
                column, std::min(work.columns, column + panel));
    }
  });
}

/// 16 bytes as one element.
struct Wide {
  std::uint64_t parts[2];
};

}  // namespace

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
  const std::byte* source = first_byte(from);
  std::byte* destination = first_byte(to);
  switch (item_size(from.dtype)) {
    case 1:
      transpose_all<std::uint8_t>(source, destination, outer, work);
      break;
    case 2:
      transpose_all<std::uint16_t>(source, destination, outer, work);
      break;
    case 4:
      transpose_all<std::uint32_t>(source, destination, outer, work);
      break;
    case 8:
      transpose_all<std::uint64_t>(source, destination, outer, work);
      break;
    default:
      transpose_all<Wide>(source, destination, outer, work);
      break;
  }
  return true;
}

}  // namespace rustorch::cpu
