#include "rustorch/backends/cpu/run_io.h"

#include <array>
#include <cstring>

#include "rustorch/backends/loop_nest.h"

namespace rustorch::cpu {
namespace {

constexpr std::int64_t piece = 512;  // elements between packing and conversion, in the first-level cache
using Piece = std::array<std::byte, static_cast<std::size_t>(piece) * 16>;

}  // namespace

RunReader::RunReader(const View& view, DType computed)
    : first_(first_byte(view)),
      item_(static_cast<std::int64_t>(item_size(view.dtype))),
      computed_item_(item_size(computed)) {
  if (view.dtype != computed) convert_ = simd::conversion_kernel(view.dtype, computed);
}

void RunReader::read(std::int64_t offset, std::int64_t stride, std::int64_t n, void* out) const {
  const std::byte* const from = address(offset);
  if (stride == 1 || n == 1) {
    if (convert_ != nullptr) return convert_(from, out, static_cast<std::size_t>(n));
    std::memcpy(out, from, static_cast<std::size_t>(n * item_));
    return;
  }
  const auto item = static_cast<std::size_t>(item_);
  if (convert_ == nullptr) return simd::gather_strided(from, stride, item, out, static_cast<std::size_t>(n));
  alignas(64) Piece packed;
  for (std::int64_t i = 0; i < n; i += piece) {
    const auto count = static_cast<std::size_t>(std::min(piece, n - i));
    simd::gather_strided(from + i * stride * item_, stride, item, packed.data(), count);
    convert_(packed.data(), static_cast<std::byte*>(out) + static_cast<std::size_t>(i) * computed_item_,
             count);
  }
}

RunWriter::RunWriter(const View& view, DType computed)
    : first_(first_byte(view)),
      item_(static_cast<std::int64_t>(item_size(view.dtype))),
      computed_item_(item_size(computed)) {
  if (view.dtype != computed) convert_ = simd::conversion_kernel(computed, view.dtype);
}

void RunWriter::write(const void* elements, std::int64_t offset, std::int64_t stride, std::int64_t n) const {
  std::byte* const to = address(offset);
  if (stride == 1 || n == 1) {
    if (convert_ != nullptr) return convert_(elements, to, static_cast<std::size_t>(n));
    std::memcpy(to, elements, static_cast<std::size_t>(n * item_));
    return;
  }
  const auto item = static_cast<std::size_t>(item_);
  if (convert_ == nullptr)
    return simd::scatter_strided(elements, to, stride, item, static_cast<std::size_t>(n));
  alignas(64) Piece converted;
  for (std::int64_t i = 0; i < n; i += piece) {
    const auto count = static_cast<std::size_t>(std::min(piece, n - i));
    convert_(static_cast<const std::byte*>(elements) + static_cast<std::size_t>(i) * computed_item_,
             converted.data(), count);
    simd::scatter_strided(converted.data(), to + i * stride * item_, stride, item, count);
  }
}

}  // namespace rustorch::cpu
