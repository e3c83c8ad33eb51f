#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "rustorch/tensor/tensor.h"

namespace rustorch::data {

// Copies of whole rows (everything behind the first dim) between CPU tensors. Plain loops on the calling
// thread: loaders' workers must not start a second team of threads beside the training's.

/// The first byte of a contiguous CPU tensor.
inline std::byte* bytes_of(const Tensor& x) {
  return static_cast<std::byte*>(x.view_for_read().data) +
         static_cast<std::size_t>(x.storage_offset()) * x.element_size();
}

/// A fresh, uninitialized CPU tensor.
inline Tensor allocate_host(Shape shape, DType dtype) {
  return allocate(Layout::contiguous(std::move(shape)), dtype, Device());
}

/// Bytes of one row; 0 for none.
inline std::size_t row_bytes(const Tensor& x) {
  const std::int64_t rows = x.size(0);
  return rows == 0 ? 0 : static_cast<std::size_t>(x.numel() / rows) * x.element_size();
}

/// The rows of x (contiguous, on the CPU) at `indices`, which are in range, as a new tensor.
Tensor gather_rows(const Tensor& x, std::span<const std::int64_t> indices);

/// Row i of x becomes row positions[i] of out; both are contiguous CPU tensors with equal rows.
void scatter_rows(const Tensor& x, std::span<const std::int64_t> positions, Tensor& out);

/// The tensors, which must agree in shape and dtype, along a new first dim.
Tensor stack_rows(std::span<const Tensor> rows);

}  // namespace rustorch::data
