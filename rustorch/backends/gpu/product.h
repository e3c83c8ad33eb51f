#pragma once

#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::gpu {

/// A batch of products of matrices, as the texts kernels/tile_product.h and thin_product.h make them, and
/// what their speed depends on.
struct ProductSizes {
  std::int64_t rows = 0, columns = 0, depth = 0, batches = 1;
  /// Whether neighbours in memory lie along the depth, rather than along the rows of a, the columns of b.
  bool a_along_depth = false, b_along_depth = false;
  /// Neighbours in memory are those of neighbouring batches, whatever else they are.
  bool batches_adjacent = false;
};

/// How the threads share out a batch of products. It follows from the sizes and the device, so sums are the
/// same bits in every run.
class ProductPlan {
 public:
  ProductPlan(const ProductSizes& sizes, DType compute, const DeviceFacts& facts);

  std::int64_t results() const noexcept { return sizes_.rows * sizes_.columns * sizes_.batches; }
  std::int64_t parts() const noexcept { return parts_; }
  /// Whether threads read every operand themselves: few or short sums, which memory or launching bounds.
  bool is_thin() const noexcept { return thin_; }

  /// The first members of the kernels' parameters, as kernels/matmul.h lists them.
  template <class Index>
  struct Parameters {
    Index rows, columns, depth, part_depth, parts, row_tiles, column_tiles, batches;
  };
  template <class Index>
  Parameters<Index> parameters() const {
    const auto index = [](std::int64_t value) { return static_cast<Index>(value); };
    return {index(sizes_.rows), index(sizes_.columns), index(sizes_.depth),  index(part_depth_),
            index(parts_),      index(row_tiles_),     index(column_tiles_), index(sizes_.batches)};
  }

  struct Buffers {
    BufferHandle a, b, bias, out;  ///< without a bias any buffer
  };
  /// Makes the products. `operands` has the text that says where the operands are, `parameters` its struct.
  template <class Parameters>
  void launch(GpuBackend& backend, const KernelSource& operands, const Buffers& buffers,
              const Parameters& parameters) const {
    const Buffer sums = parts_buffer(backend);
    backend.launch(product_source(operands), thin_ ? "thin_product" : "tile_product", shape_,
                   {buffers.a, buffers.b, buffers.bias, buffers.out,
                    parts_ > 1 ? BufferHandle(sums.data()) : buffers.out},
                   parameters);
    if (parts_ > 1) {
      backend.launch(KernelSource(operands).then("product_parts.h"), "add_parts", adding_shape(),
                     {sums.data(), buffers.bias, buffers.out}, parameters);
    }
  }

 private:
  void plan_thin(std::int64_t units);
  void plan_tiles(std::int64_t units);
  void cut_depth(std::int64_t parts, std::int64_t multiple);

  KernelSource product_source(const KernelSource& operands) const;
  Buffer parts_buffer(GpuBackend& backend) const;
  LaunchShape adding_shape() const;

  ProductSizes sizes_;
  DType compute_;
  bool thin_ = false;
  std::int64_t lanes_ = 1;  ///< thin: threads for a result
  std::int64_t tile_rows_ = 0, tile_columns_ = 0, tile_depth_ = 0;
  std::int64_t row_tiles_ = 1, column_tiles_ = 1;
  std::int64_t parts_ = 1, part_depth_ = 0;
  LaunchShape shape_;
};

}  // namespace rustorch::gpu
