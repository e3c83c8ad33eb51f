#include <cstring>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/indexing.h"
#include "rustorch/backends/cpu/parallel.h"

namespace rustorch {
namespace {

using cpu::IndexedLoops;

constexpr std::int64_t grain = 16384;  // elements that are worth a thread

template <std::size_t Size>
void gather_elements(std::byte* out, std::int64_t out_stride, const std::byte* base,
                     const std::int64_t* offsets, std::int64_t count) {
  constexpr auto size = static_cast<std::int64_t>(Size);
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(out + i * out_stride * size, base + offsets[i] * size, Size);
  }
}

template <std::size_t Size>
void copy_strided(std::byte* out, std::int64_t out_stride, const std::byte* base, std::int64_t base_stride,
                  std::int64_t count) {
  constexpr auto size = static_cast<std::int64_t>(Size);
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(out + i * out_stride * size, base + i * base_stride * size, Size);
  }
}

template <std::size_t Size>
void gather_sized(const Gather& work, const IndexedLoops& loops) {
  constexpr auto size = static_cast<std::int64_t>(Size);
  std::byte* const out = first_byte(work.out);
  const std::byte* const base = first_byte(work.base);
  const std::int64_t outer = loops.outer.count();
  const std::int64_t inner = loops.inner.count();
  if (inner == 1) {
    cpu::parallel_for(0, outer, grain, [&](std::int64_t begin, std::int64_t end) {
      cpu::for_each_index_tile(
          loops.outer, begin, end, work.indices, work.op,
          [&](std::int64_t element, std::int64_t stride, const std::int64_t* offsets, std::int64_t count) {
            gather_elements<Size>(out + element * size, stride, base, offsets, count);
          });
    });
    return;
  }
  const std::int64_t out_step = loops.inner.inner_stride(IndexedLoops::elements);
  const std::int64_t base_step = loops.inner.inner_stride(IndexedLoops::base);
  const bool adjacent = out_step == 1 && base_step == 1;
  const auto move = [&](std::int64_t from, std::int64_t to, std::int64_t begin, std::int64_t end) {
    loops.inner.for_each_run(begin, end, [&](const IndexedLoops::Nest::Offsets& at, std::int64_t length) {
      std::byte* const target = out + (to + at[IndexedLoops::elements]) * size;
      const std::byte* const source = base + (from + at[IndexedLoops::base]) * size;
      if (adjacent) {
        std::memcpy(target, source, static_cast<std::size_t>(length) * Size);
      } else {
        copy_strided<Size>(target, out_step, source, base_step, length);
      }
    });
  };
  // Pieces whose elements lie apart, of neighbours in the result: the other way round, so that what is
  // written in one go is adjacent (columns of a matrix, chosen by one index for all rows).
  const std::int64_t outer_step = loops.outer.inner_stride(IndexedLoops::elements);
  const bool across = outer_step == 1 && out_step > outer_step;
  const auto move_across = [&](std::int64_t element, const std::int64_t* offsets, std::int64_t count,
                               std::int64_t begin, std::int64_t end) {
    loops.inner.for_each_run(begin, end, [&](const IndexedLoops::Nest::Offsets& at, std::int64_t length) {
      for (std::int64_t i = 0; i < length; ++i) {
        gather_elements<Size>(out + (element + at[IndexedLoops::elements] + i * out_step) * size, 1,
                              base + (at[IndexedLoops::base] + i * base_step) * size, offsets, count);
      }
    });
  };
  const auto move_range = [&](std::int64_t outer_begin, std::int64_t outer_end, std::int64_t begin,
                              std::int64_t end) {
    cpu::for_each_index_tile(
        loops.outer, outer_begin, outer_end, work.indices, work.op,
        [&](std::int64_t element, std::int64_t stride, const std::int64_t* offsets, std::int64_t count) {
          if (across) return move_across(element, offsets, count, begin, end);
          for (std::int64_t i = 0; i < count; ++i) move(offsets[i], element + i * stride, begin, end);
        });
  };
  if (!across && (outer >= inner || outer >= 256)) {
    cpu::parallel_for(0, outer, std::max<std::int64_t>(1, grain / inner),
                      [&](std::int64_t begin, std::int64_t end) { move_range(begin, end, 0, inner); });
  } else {  // few, but large pieces, or such as go across: each is split
    // What goes across reads one neighbourhood of the base again for each tile of indices: it shall stay in
    // the second-level cache.
    constexpr std::int64_t cache_bytes = 128 * 1024;
    const std::int64_t block = across ? std::max<std::int64_t>(1, cache_bytes / (outer * size)) : inner;
    cpu::parallel_for(0, inner, std::max<std::int64_t>(1, grain / outer),
                      [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t i = begin; i < end; i += block)
                          move_range(0, outer, i, std::min(end, i + block));
                      });
  }
}

}  // namespace

void CpuBackend::gather(const Gather& work) {
  const IndexedLoops loops(work.out, work.base, work.indices, work.op);
  if (loops.outer.count() == 0 || loops.inner.count() == 0) return;
  switch (item_size(work.out.dtype)) {
    case 1:
      return gather_sized<1>(work, loops);
    case 2:
      return gather_sized<2>(work, loops);
    case 4:
      return gather_sized<4>(work, loops);
    case 8:
      return gather_sized<8>(work, loops);
    default:
      return gather_sized<16>(work, loops);
  }
}

}  // namespace rustorch
