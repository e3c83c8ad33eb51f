#include "rustorch/backends/gpu/product_probe.h"

#include <fmt/format.h>

#include <vector>

#include "rustorch/memory/buffer.h"

namespace rustorch::gpu {

ProbeResult try_products(GpuBackend& backend) {
  // Beyond the edges of a tile and of a slice.
  constexpr std::int64_t rows = 45, depth = 70, columns = 81;
  const auto a_of = [](std::int64_t row, std::int64_t k) {
    return static_cast<float>((3 * row + k) % 7 - 3);
  };
  const auto b_of = [](std::int64_t k, std::int64_t column) {
    return static_cast<float>((5 * k + column) % 9 - 4);
  };
  std::vector<float> a, b, out(rows * columns);
  for (std::int64_t i = 0; i < rows * depth; ++i) a.push_back(a_of(i / depth, i % depth));
  for (std::int64_t i = 0; i < depth * columns; ++i) b.push_back(b_of(i / columns, i % columns));
  const auto on_device = [&](const std::vector<float>& values) {
    Buffer buffer(backend.allocator(), values.size() * sizeof(float));
    backend.copy_from_host(buffer.data(), 0, values.data(), buffer.bytes());
    return buffer;
  };
  const Buffer a_there = on_device(a), b_there = on_device(b), out_there = on_device(out);
  const Layout a_layout = Layout::contiguous({rows, depth}), b_layout = Layout::contiguous({depth, columns}),
               out_layout = Layout::contiguous({rows, columns});
  backend.matmul({.a = {a_there.data(), &a_layout, DType::float32},
                  .b = {b_there.data(), &b_layout, DType::float32},
                  .out = {out_there.data(), &out_layout, DType::float32},
                  .bias = {}});
  backend.copy_to_host(out.data(), out_there.data(), 0, out.size() * sizeof(float));
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    float sum = 0;
    for (std::int64_t k = 0; k < depth; ++k) sum += a_of(i / columns, k) * b_of(k, i % columns);
    if (out[static_cast<std::size_t>(i)] != sum)
      return {ProbeOutcome::wrong, fmt::format("row {}, column {}", i / columns, i % columns)};
  }
  return {ProbeOutcome::works, {}};
}

}  // namespace rustorch::gpu
