#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rustorch/backends/float32_precision.h"
#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/compute/op.h"
#include "rustorch/core/dtype.h"

namespace rustorch::gpu {

/// A batch of matrices in a buffer: the rows of each lie adjacent, or, where it is transposed, its columns.
/// All counts are of elements.
struct LibraryMatrix {
  BufferHandle buffer = nullptr;
  std::int64_t offset = 0;
  std::int64_t leading = 0;  ///< from one row to the next; transposed: from one column to the next
  std::int64_t batch_stride = 0;
  bool transposed = false;
};

/// What is added to a product. Of narrow types, libraries may round the product before they add (cuBLASLt
/// does for float16 in some shapes, as seen on an H200).
enum class LibraryBias : std::uint8_t {
  none,
  row,  ///< one row of adjacent elements, to every row of every batch
  out,  ///< what `out` holds before
};

/// out = activation(a · b + bias), in each batch: a is [rows, depth], b [depth, columns], `out` is not
/// transposed.
struct LibraryProduct {
  DType dtype = DType::float32;
  Float32Precision precision = Float32Precision::highest;  ///< of float32; others do not heed it
  std::int64_t rows = 0, columns = 0, depth = 0, batches = 1;
  LibraryMatrix a, b, out;
  LibraryBias bias = LibraryBias::none;
  BufferHandle row = nullptr;  ///< of the bias
  std::int64_t row_offset = 0;
  std::optional<Op> activation = std::nullopt;  ///< as in Matmul
};

/// A library of matrix products that an API has for its GPUs. It sums float32 and narrower types in float32,
/// and the same call gives the same bits each time. Members may be called from any thread.
class MatrixLibrary {
 public:
  virtual ~MatrixLibrary() = default;

  /// "cuBLASLt 13.1.0", or "cuBLASLt absent: " and why. Loads the library, and takes no memory of the device.
  virtual std::string description() = 0;
  /// Whether `multiply` can make this product, and sooner than a kernel of ours; false for all where the
  /// library is absent.
  virtual bool takes(const LibraryProduct& product) = 0;
  /// Queues a product that is taken, in the order of the executor's work.
  virtual void multiply(const LibraryProduct& product) = 0;
};

}  // namespace rustorch::gpu
