#include "rustorch/backends/gpu/product.h"

#include <algorithm>

#include "rustorch/backends/gpu/launch.h"

namespace rustorch::gpu {
namespace {

std::int64_t divided_up(std::int64_t value, std::int64_t divisor) { return (value + divisor - 1) / divisor; }

/// The least tile side that holds so many rows, if that is not too many.
std::int64_t tile_side(std::int64_t size, std::int64_t most) {
  std::int64_t side = 32;
  while (side < size && side < most) side *= 2;
  return side;
}

}  // namespace

ProductPlan::ProductPlan(const ProductSizes& sizes, DType compute, const DeviceFacts& facts)
    : sizes_(sizes), compute_(compute), part_depth_(sizes.depth) {
  const auto units = std::max<std::int64_t>(1, facts.compute_units == 0 ? 16 : facts.compute_units);
  // Tiles of which most is edge are slower than threads that read every operand themselves.
  thin_ =
      std::min(sizes.rows, sizes.columns) <= 4 || (sizes.rows * sizes.columns <= 256 && sizes.depth <= 256);
  thin_ ? plan_thin(units) : plan_tiles(units);
}

void ProductPlan::cut_depth(std::int64_t parts, std::int64_t multiple) {
  part_depth_ = divided_up(divided_up(sizes_.depth, std::max<std::int64_t>(1, parts)), multiple) * multiple;
  parts_ = divided_up(sizes_.depth, part_depth_);
}

void ProductPlan::plan_thin(std::int64_t units) {
  const std::int64_t wanted_threads = 2048 * units;
  const bool along_depth = sizes_.rows >= sizes_.columns ? sizes_.a_along_depth : sizes_.b_along_depth;
  // Neighbours along results need some of them side by side.
  const std::int64_t most_lanes = along_depth || results() < 32 ? group_threads : 8;
  lanes_ = 1;
  while (lanes_ < most_lanes && sizes_.depth >= 2 * lanes_ &&
         ((along_depth && lanes_ < 32) ||
          (results() * lanes_ < wanted_threads && sizes_.depth >= 16 * lanes_))) {
    lanes_ *= 2;
  }
  const std::int64_t threads = results() * lanes_;
  if (threads < wanted_threads) {
    cut_depth(std::min(divided_up(wanted_threads, threads), sizes_.depth / (32 * lanes_)), lanes_);
  }
  shape_.groups_x = static_cast<std::uint32_t>(divided_up(results(), group_threads / lanes_) * parts_);
}

void ProductPlan::plan_tiles(std::int64_t units) {
  const std::int64_t size = static_cast<std::int64_t>(item_size(compute_));
  const std::int64_t most = size > 8 ? 32 : size > 4 ? 64 : 128;  // of local memory
  tile_rows_ = tile_side(sizes_.rows, most);
  tile_columns_ = tile_side(sizes_.columns, most);
  const auto tiles = [&] {
    return divided_up(sizes_.rows, tile_rows_) * divided_up(sizes_.columns, tile_columns_) * sizes_.batches;
  };
  // Large tiles read less, but every unit shall have one, or a part of one.
  constexpr std::int64_t worth_a_part = 512;
  while (tiles() * std::max<std::int64_t>(1, sizes_.depth / worth_a_part) < units &&
         std::max(tile_rows_, tile_columns_) > 64) {
    (tile_rows_ > tile_columns_ ? tile_rows_ : tile_columns_) = 64;
  }
  tile_depth_ = std::max(tile_rows_, tile_columns_) > 64 || item_size(compute_) > 4 ? 8 : 16;
  row_tiles_ = divided_up(sizes_.rows, tile_rows_);
  column_tiles_ = divided_up(sizes_.columns, tile_columns_);
  if (tiles() < units)
    cut_depth(std::min(divided_up(2 * units, tiles()), sizes_.depth / (worth_a_part / 2)), tile_depth_);
  shape_.groups_x = static_cast<std::uint32_t>(tiles() * parts_);
}

KernelSource ProductPlan::product_source(const KernelSource& operands) const {
  KernelSource source = operands;
  if (!thin_) {
    source.then("tile_product.h")
        .define("TILE_ROWS", tile_rows_)
        .define("TILE_COLUMNS", tile_columns_)
        .define("TILE_DEPTH", tile_depth_)
        .define("A_ALONG_DEPTH", sizes_.a_along_depth ? 1 : 0)
        .define("B_ALONG_DEPTH", sizes_.b_along_depth ? 1 : 0);
    return source;
  }
  const bool more_rows = sizes_.rows >= sizes_.columns;
  const bool along_depth = more_rows ? sizes_.a_along_depth : sizes_.b_along_depth;
  // Groups go along the depth for the results of one row (or column) of the larger matrix, which stays near.
  constexpr int batches = 0, rows = 1, columns = 2;  // as in kernels/thin_product.h
  const int fastest = sizes_.batches_adjacent ? batches : more_rows != along_depth ? rows : columns;
  source.then("thin_product.h")
      .define("LANES", lanes_)
      .define("ALONG_DEPTH", along_depth ? 1 : 0)
      .define("FASTEST", fastest);
  return source;
}

Buffer ProductPlan::parts_buffer(GpuBackend& backend) const {
  if (parts_ == 1) return {};
  return Buffer(backend.allocator(), static_cast<std::size_t>(parts_ * results()) * item_size(compute_));
}

LaunchShape ProductPlan::adding_shape() const { return launch_for(results(), group_threads); }

}  // namespace rustorch::gpu
