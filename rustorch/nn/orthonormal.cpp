#include "rustorch/nn/orthonormal.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>

#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/linear_algebra.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch::nn {

namespace {

// Gram-Schmidt on the rows of one block. Twice over each row: once loses digits where rows are nearly
// parallel.
void orthonormalize(std::span<double> block, std::size_t rows, std::size_t columns) {
  for (std::size_t i = 0; i < rows; ++i) {
    const std::span<double> row = block.subspan(i * columns, columns);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        const double* other = &block[j * columns];
        const double along = std::inner_product(row.begin(), row.end(), other, 0.0);
        for (std::size_t k = 0; k < columns; ++k) row[k] -= along * other[k];
      }
    }
    const double length = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
    for (double& value : row) value /= length;
  }
}

}  // namespace

Tensor orthonormal_rows(const Tensor& x) {
  constexpr std::int64_t block_rows = 64;  // most of the work is then matrix products with the blocks before
  Tensor q = x.clone();
  const std::int64_t rows = x.size(0);
  for (std::int64_t start = 0; start < rows; start += block_rows) {
    const std::int64_t count = std::min(block_rows, rows - start);
    Tensor block = q.narrow(0, start, count).clone();
    if (start > 0) {
      const Tensor before = q.narrow(0, 0, start);
      for (int pass = 0; pass < 2; ++pass) block.sub_(matmul(matmul(block, before.t()), before));
    }
    orthonormalize(block.initial_data<double>(), static_cast<std::size_t>(count),
                   static_cast<std::size_t>(x.size(1)));
    q.narrow(0, start, count).copy_(block);
  }
  return q;
}

}  // namespace rustorch::nn
