#include "rustorch/backends/gpu/transpose.h"

#include <optional>

#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/program_text.h"
#include "rustorch/backends/loop_nest.h"

namespace rustorch::gpu {
namespace {

constexpr std::size_t outer_dims = 4;

/// As kernels/transpose.h declares it.
struct Parameters {
  std::int64_t from_offset, to_offset, tiles;
  std::int64_t rows, columns;
  std::int64_t from_row, to_column, row_tiles, column_tiles;
  std::array<std::int64_t, outer_dims> outer_size, from_outer, to_outer;
};

/// The dim along which an operand's elements are adjacent, if it is long enough for tiles.
std::optional<std::size_t> adjacent_dim(const LoopNest<2>& loops, std::size_t operand) {
  constexpr std::int64_t shortest = 8;
  for (std::size_t dim = 0; dim < loops.rank(); ++dim) {
    if (loops.stride(operand, dim) == 1 && loops.size(dim) >= shortest) return dim;
  }
  return std::nullopt;
}

}  // namespace

bool copy_transposed(GpuBackend& backend, const View& from, const View& to) {
  constexpr std::size_t source = 0, result = 1;
  constexpr std::int64_t tile = 32;
  if (item_size(from.dtype) > 8) return false;
  const Layout& shape = *to.layout;
  LoopNest<2> loops;
  for (std::size_t dim = 0; dim < shape.rank(); ++dim)
    loops.append(shape.shape[dim], {from.layout->strides[dim], shape.strides[dim]});
  loops.sort(result);
  loops.coalesce();
  const auto along_source = adjacent_dim(loops, source), along_result = adjacent_dim(loops, result);
  if (!along_source || !along_result || *along_source == *along_result) return false;
  if (loops.rank() > 2 + outer_dims) return false;

  Parameters parameters{};
  parameters.from_offset = from.layout->offset;
  parameters.to_offset = shape.offset;
  parameters.columns = loops.size(*along_source);
  parameters.rows = loops.size(*along_result);
  parameters.from_row = loops.stride(source, *along_result);
  parameters.to_column = loops.stride(result, *along_source);
  parameters.row_tiles = (parameters.rows + tile - 1) / tile;
  parameters.column_tiles = (parameters.columns + tile - 1) / tile;
  parameters.tiles = parameters.row_tiles * parameters.column_tiles;
  parameters.outer_size.fill(1);
  std::size_t outer = outer_dims;
  for (std::size_t dim = loops.rank(); dim-- > 0;) {
    if (dim == *along_source || dim == *along_result) continue;
    --outer;
    parameters.outer_size[outer] = loops.size(dim);
    parameters.from_outer[outer] = loops.stride(source, dim);
    parameters.to_outer[outer] = loops.stride(result, dim);
    parameters.tiles *= loops.size(dim);
  }
  KernelSource text("transpose.h", DType::int32);
  text.define("BITS", bits_type(from.dtype));
  backend.launch(text, "transpose", launch_for(parameters.tiles, 1), {from.data, to.data}, parameters);
  return true;
}

}  // namespace rustorch::gpu
