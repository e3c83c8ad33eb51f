#include "rustorch/backends/cpu/tile_source.h"

#include <cstring>

namespace rustorch::cpu {

TileSource::TileSource(std::span<const View> inputs, const Program* prologue, DType result,
                       std::int64_t max_elements)
    : inputs_(inputs) {
  const auto room = static_cast<std::int64_t>(tile_.size() / item_size(result));
  capacity_ = std::min(max_elements, room);
  if (prologue != nullptr) {
    prologue_.emplace(*prologue, result, static_cast<std::size_t>(capacity_));
    capacity_ = static_cast<std::int64_t>(prologue_->capacity());
  } else if (inputs[0].dtype == result) {
    direct_ = first_byte(inputs[0]);
  } else {
    convert_ = simd::conversion_kernel(inputs[0].dtype, result);
  }
}

const void* TileSource::packed(std::size_t input, const Offsets& at, std::int64_t rows, const Offsets& outer,
                               std::int64_t n, const Offsets& inner) {
  const View& view = inputs_[input];
  const std::size_t operand = input + 1;
  const std::size_t item = item_size(view.dtype);
  const auto size = static_cast<std::int64_t>(item);
  const std::byte* const from = first_byte(view) + at[operand] * size;
  if ((n == 1 || inner[operand] == 1) && (rows == 1 || outer[operand] == n)) return from;
  if (packed_.data() == nullptr) {
    std::size_t widest = 1;
    for (const View& one : inputs_) widest = std::max(widest, item_size(one.dtype));
    packed_bytes_ = (capacity_ * static_cast<std::int64_t>(widest) + 63) / 64 * 64;
    packed_ = Buffer(cpu_allocator(), static_cast<std::size_t>(packed_bytes_) * inputs_.size());
  }
  std::byte* const to =
      static_cast<std::byte*>(packed_.data()) + static_cast<std::int64_t>(input) * packed_bytes_;
  if (n == 1) {
    simd::gather_strided(from, outer[operand], item, to, static_cast<std::size_t>(rows));
    return to;
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::byte* const row = from + r * outer[operand] * size;
    if (inner[operand] == 1) {
      std::memcpy(to + r * n * size, row, static_cast<std::size_t>(n) * item);
    } else {
      simd::gather_strided(row, inner[operand], item, to + r * n * size, static_cast<std::size_t>(n));
    }
  }
  return to;
}

const void* TileSource::fetch(const Offsets& at, std::int64_t rows, const Offsets& outer, std::int64_t n,
                              const Offsets& inner) {
  const auto count = static_cast<std::size_t>(rows * n);
  if (prologue_) {
    std::array<const void*, Program::max_inputs> sources;
    for (std::size_t k = 0; k < inputs_.size(); ++k) sources[k] = packed(k, at, rows, outer, n, inner);
    prologue_->run(sources.data(), count, tile_.data());
    return tile_.data();
  }
  const void* const source = packed(0, at, rows, outer, n, inner);
  if (convert_ == nullptr) return source;
  convert_(source, tile_.data(), count);
  return tile_.data();
}

}  // namespace rustorch::cpu
