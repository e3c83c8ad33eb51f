#include "rustorch/compute/simd/kernels.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "rustorch/compute/simd/kernel_table.h"
#include "rustorch/error/error.h"

namespace rustorch::simd {
namespace {

using Table = std::array<std::array<ElementwiseKernel, dtype_count>, op_count>;

/// The families' rows in the op table's order, by dtype.
Table collect_kernels() {
  Table table{};
  std::size_t op = 0;
  // In the order of ops.def.
  for (const auto family :
       {&arithmetic_kernels, &comparison_kernels, &bitwise_kernels, &exponential_kernels,
        &trigonometric_kernels, &special_kernels, &activation_kernels, &activation_backward_kernels}) {
    for (const KernelRow& row : family()) {
      RUSTORCH_CHECK(op < table.size() && row.name == op_info(static_cast<Op>(op)).name, internal,
                     "kernels of {} stand where the op table has another op", row.name);
      auto& kernels = table[op++];
      kernels[static_cast<std::size_t>(DType::int32)] = row.int32;
      kernels[static_cast<std::size_t>(DType::int64)] = row.int64;
      kernels[static_cast<std::size_t>(DType::float32)] = row.float32;
      kernels[static_cast<std::size_t>(DType::float64)] = row.float64;
      kernels[static_cast<std::size_t>(DType::complex64)] = row.complex64;
      kernels[static_cast<std::size_t>(DType::complex128)] = row.complex128;
    }
  }
  RUSTORCH_CHECK(op == table.size(), internal, "{} ops of {} have kernels", op, table.size());
  return table;
}

template <class T>
void gather_elements(const void* in, std::ptrdiff_t stride, void* out, std::size_t n) {
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; ++i, from += stride) to[i] = *from;
}

template <class T>
void scatter_elements(const void* in, void* out, std::ptrdiff_t stride, std::size_t n) {
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; ++i, to += stride) *to = from[i];
}

template <class T>
void fill_elements(const void* value, void* out, std::size_t n) {
  T element;
  std::memcpy(&element, value, sizeof(T));
  T* to = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; ++i) to[i] = element;
}

/// 16 bytes as one element.
struct Wide {
  std::uint64_t parts[2];
};

/// Calls `f` with a number type of this size. The copies move bits: which type holds them does not matter.
template <class F>
void with_item_type(std::size_t item_bytes, const F& f) {
  switch (item_bytes) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    case 8:
      return f(std::uint64_t{});
    default:
      return f(Wide{});
  }
}

}  // namespace

ElementwiseKernel elementwise_kernel(Op op, DType compute) {
  static const Table table = collect_kernels();
  return table[static_cast<std::size_t>(op)][static_cast<std::size_t>(compute)];
}

void gather_strided(const void* in, std::ptrdiff_t stride, std::size_t item_bytes, void* out, std::size_t n) {
  with_item_type(item_bytes, [&](auto item) { gather_elements<decltype(item)>(in, stride, out, n); });
}

void scatter_strided(const void* in, void* out, std::ptrdiff_t stride, std::size_t item_bytes,
                     std::size_t n) {
  with_item_type(item_bytes, [&](auto item) { scatter_elements<decltype(item)>(in, out, stride, n); });
}

void fill(const void* value, std::size_t item_bytes, void* out, std::size_t n) {
  with_item_type(item_bytes, [&](auto item) { fill_elements<decltype(item)>(value, out, n); });
}

}  // namespace rustorch::simd
