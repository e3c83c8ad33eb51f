#include "rustorch/data/rows.h"

#include <cstring>

#include "rustorch/tensor/operations/shape.h"

namespace rustorch::data {

Tensor gather_rows(const Tensor& x, std::span<const std::int64_t> indices) {
  Shape shape = x.shape();
  shape[0] = static_cast<std::int64_t>(indices.size());
  Tensor out = allocate_host(std::move(shape), x.dtype());
  const std::size_t bytes = row_bytes(x);
  if (bytes == 0) return out;
  const std::byte* source = bytes_of(x);
  std::byte* destination = bytes_of(out);
  for (const std::int64_t index : indices) {
    std::memcpy(destination, source + static_cast<std::size_t>(index) * bytes, bytes);
    destination += bytes;
  }
  return out;
}

void scatter_rows(const Tensor& x, std::span<const std::int64_t> positions, Tensor& out) {
  const std::size_t bytes = row_bytes(x);
  if (bytes == 0) return;
  const std::byte* source = bytes_of(x);
  std::byte* destination = bytes_of(out);
  for (const std::int64_t position : positions) {
    std::memcpy(destination + static_cast<std::size_t>(position) * bytes, source, bytes);
    source += bytes;
  }
}

Tensor stack_rows(std::span<const Tensor> rows) {
  const Tensor& first = rows.front();
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].shape() == first.shape() && rows[i].dtype() == first.dtype()) continue;
    fail_with_suggestion(ErrorCode::shape_mismatch,
                         "bring all examples to one shape and dtype with a transform",
                         "examples of one batch differ: the first is {} {}, number {} is {} {}",
                         first.dtype(), first.shape(), i, rows[i].dtype(), rows[i].shape());
  }
  if (!first.device().is_cpu()) return rustorch::stack(std::vector<Tensor>(rows.begin(), rows.end()));

  Shape shape = first.shape();
  shape.insert(0, static_cast<std::int64_t>(rows.size()));
  Tensor out = allocate_host(std::move(shape), first.dtype());
  const std::size_t bytes = row_bytes(out);
  if (bytes == 0) return out;
  std::byte* destination = bytes_of(out);
  for (const Tensor& row : rows) {
    const Tensor dense = row.cpu().contiguous();
    std::memcpy(destination, bytes_of(dense), bytes);
    destination += bytes;
  }
  return out;
}

}  // namespace rustorch::data
