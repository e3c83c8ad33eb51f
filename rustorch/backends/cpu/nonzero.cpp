#include <vector>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/temporary.h"
#include "rustorch/backends/loop_nest.h"

namespace rustorch {
namespace {

constexpr std::int64_t block = 16384;  // elements that are counted, and then written, as one

/// Whether elements `stride` apart are nonzero (NaN is), as bytes 0 and 1.
template <class T>
void nonzero_mask(const void* data, std::int64_t offset, std::int64_t stride, std::int64_t count,
                  std::uint8_t* mask) {
  const T* const elements = static_cast<const T*>(data) + offset;
  const auto is_nonzero = [](T element) -> std::uint8_t {
    if constexpr (is_reduced_precision(dtype_of<T>)) {
      return (element.bits & 0x7fffu) != 0 ? 1 : 0;
    } else {
      return element != T{} ? 1 : 0;
    }
  };
  if (stride == 1) {  // apart, because the compiler vectorizes it
    for (std::int64_t i = 0; i < count; ++i) mask[i] = is_nonzero(elements[i]);
  } else {
    for (std::int64_t i = 0; i < count; ++i) mask[i] = is_nonzero(elements[i * stride]);
  }
}

using Mask = void (*)(const void*, std::int64_t, std::int64_t, std::int64_t, std::uint8_t*);

constexpr std::int64_t tile = 1024;

/// Calls `visit(index_of_first, mask, count)` for tiles of the row-major range [begin, end).
template <class Visit>
void for_each_mask(const LoopNest<1>& nest, const void* data, Mask mask_of, std::int64_t begin,
                   std::int64_t end, Visit&& visit) {
  std::array<std::uint8_t, tile> mask;
  const std::int64_t stride = nest.inner_stride(0);
  nest.for_each_run(begin, end, [&](const LoopNest<1>::Offsets& at, std::int64_t length) {
    for (std::int64_t start = 0; start < length; start += tile) {
      const std::int64_t count = std::min(tile, length - start);
      mask_of(data, at[0] + start * stride, stride, count, mask.data());
      visit(begin, mask.data(), count);
      begin += count;
    }
  });
}

}  // namespace

void CpuBackend::nonzero(const View& input, const View& out) {
  const Layout& layout = *input.layout;
  const std::int64_t count = layout.element_count();
  if (count == 0) return;
  LoopNest<1> nest;
  for (std::size_t d = 0; d < layout.rank(); ++d) nest.append(layout.shape[d], {layout.strides[d]});
  nest.coalesce();  // keeps the row-major order
  const void* const data = first_byte(input);
  const Mask mask_of =
      visit_dtype(input.dtype, [](auto tag) -> Mask { return &nonzero_mask<typename decltype(tag)::type>; });

  const std::int64_t blocks = (count + block - 1) / block;
  std::vector<std::int64_t> before(static_cast<std::size_t>(blocks) + 1);
  cpu::parallel_for(0, blocks, 2, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      std::int64_t found = 0;
      for_each_mask(nest, data, mask_of, b * block, std::min(count, (b + 1) * block),
                    [&](std::int64_t, const std::uint8_t* mask, std::int64_t length) {
                      std::uint32_t sum = 0;
                      for (std::int64_t i = 0; i < length; ++i) sum += mask[i];
                      found += sum;
                    });
      before[static_cast<std::size_t>(b) + 1] = found;
    }
  });
  for (std::size_t b = 1; b < before.size(); ++b) before[b] += before[b - 1];
  RUSTORCH_CHECK(before.back() == out.layout->shape[0], internal,
                 "nonzero found {} elements, its result has room for {}", before.back(),
                 out.layout->shape[0]);

  const std::size_t rank = layout.rank();
  if (rank == 0) return;
  std::int64_t* const positions = cpu::first_element<std::int64_t>(out);
  const std::int64_t row_stride = out.layout->strides[0];
  const std::int64_t column_stride = out.layout->strides[1];
  cpu::parallel_for(0, blocks, 2, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      std::int64_t row = before[static_cast<std::size_t>(b)];
      if (row == before[static_cast<std::size_t>(b) + 1]) continue;
      for_each_mask(nest, data, mask_of, b * block, std::min(count, (b + 1) * block),
                    [&](std::int64_t first, const std::uint8_t* mask, std::int64_t length) {
                      for (std::int64_t i = 0; i < length; ++i) {
                        if (mask[i] == 0) continue;
                        std::int64_t rest = first + i;
                        for (std::size_t d = rank; d-- > 0;) {
                          const std::int64_t size = layout.shape[d];
                          const std::int64_t quotient = d == 0 ? 0 : rest / size;
                          positions[row * row_stride + static_cast<std::int64_t>(d) * column_stride] =
                              rest - quotient * size;
                          rest = quotient;
                        }
                        ++row;
                      }
                    });
    }
  });
}

}  // namespace rustorch
