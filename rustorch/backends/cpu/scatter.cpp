#include <complex>
#include <cstring>
#include <type_traits>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/indexing.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/core/is_nan.h"

namespace rustorch {
namespace {

using cpu::IndexedLoops;

constexpr std::int64_t grain = 16384;  // elements that are worth a thread

/// Elements that are only moved: a type of the right size, whatever they mean.
template <std::size_t Size>
struct Bytes {
  std::byte bytes[Size];
};

template <ScatterMode mode, class T>
T combine(T old, T value) {
  if constexpr (mode == ScatterMode::write) {
    return value;
  } else if constexpr (is_reduced_precision(dtype_of<T>)) {
    return T(combine<mode, float>(static_cast<float>(old), static_cast<float>(value)));
  } else if constexpr (std::is_same_v<T, bool>) {
    constexpr bool either = mode == ScatterMode::add || mode == ScatterMode::max;
    return either ? (old || value) : (old && value);
  } else if constexpr (mode == ScatterMode::max || mode == ScatterMode::min) {
    if constexpr (std::is_floating_point_v<T>) {
      if (is_nan(old)) return old;
      if (is_nan(value)) return value;
    }
    return (mode == ScatterMode::max ? value > old : value < old) ? value : old;
  } else if constexpr (std::is_integral_v<T>) {
    // Unsigned arithmetic wraps; 16-bit operands would be promoted to int, whose overflow is undefined.
    using Unsigned = std::make_unsigned_t<T>;
    const auto a = static_cast<std::uint64_t>(static_cast<Unsigned>(old));
    const auto b = static_cast<std::uint64_t>(static_cast<Unsigned>(value));
    return static_cast<T>(mode == ScatterMode::add ? a + b : a * b);
  } else {
    return mode == ScatterMode::add ? old + value : old * value;
  }
}

/// How one element type and mode is scattered: single elements, and whole runs.
struct Kernels {
  void (*elements)(void* base, const std::int64_t* offsets, const void* source, std::int64_t source_offset,
                   std::int64_t stride, std::int64_t count);
  void (*run)(void* base, std::int64_t base_offset, std::int64_t base_stride, const void* source,
              std::int64_t source_offset, std::int64_t source_stride, std::int64_t count);
};

template <ScatterMode mode, class T>
Kernels make_kernels() {
  return {[](void* base, const std::int64_t* offsets, const void* source, std::int64_t source_offset,
             std::int64_t stride, std::int64_t count) {
            T* const to = static_cast<T*>(base);
            const T* const from = static_cast<const T*>(source) + source_offset;
            for (std::int64_t i = 0; i < count; ++i) {
              to[offsets[i]] = combine<mode, T>(to[offsets[i]], from[i * stride]);
            }
          },
          [](void* base, std::int64_t base_offset, std::int64_t base_stride, const void* source,
             std::int64_t source_offset, std::int64_t source_stride, std::int64_t count) {
            T* const to = static_cast<T*>(base) + base_offset;
            const T* const from = static_cast<const T*>(source) + source_offset;
            if (base_stride == 1 && source_stride == 1) {
              for (std::int64_t i = 0; i < count; ++i) to[i] = combine<mode, T>(to[i], from[i]);
              return;
            }
            for (std::int64_t i = 0; i < count; ++i) {
              T& element = to[i * base_stride];
              element = combine<mode, T>(element, from[i * source_stride]);
            }
          }};
}

template <class T>
Kernels kernels_of_type(ScatterMode mode, const char* op) {
  switch (mode) {
    case ScatterMode::add:
      return make_kernels<ScatterMode::add, T>();
    case ScatterMode::multiply:
      return make_kernels<ScatterMode::multiply, T>();
    default:
      break;
  }
  if constexpr (is_complex(dtype_of<T>)) {
    fail(ErrorCode::dtype_mismatch, "op {} cannot order complex numbers ({})", op, dtype_of<T>);
  } else {
    return mode == ScatterMode::max ? make_kernels<ScatterMode::max, T>()
                                    : make_kernels<ScatterMode::min, T>();
  }
}

Kernels kernels_for(ScatterMode mode, DType dtype, const char* op) {
  if (mode != ScatterMode::write) {
    return visit_dtype(dtype,
                       [&](auto tag) { return kernels_of_type<typename decltype(tag)::type>(mode, op); });
  }
  switch (item_size(dtype)) {
    case 1:
      return make_kernels<ScatterMode::write, Bytes<1>>();
    case 2:
      return make_kernels<ScatterMode::write, Bytes<2>>();
    case 4:
      return make_kernels<ScatterMode::write, Bytes<4>>();
    case 8:
      return make_kernels<ScatterMode::write, Bytes<8>>();
    default:
      return make_kernels<ScatterMode::write, Bytes<16>>();
  }
}

class Scatterer {
 public:
  Scatterer(const Scatter& work, const IndexedLoops& loops)
      : work_(work),
        loops_(loops),
        kernels_(kernels_for(work.mode, work.base.dtype, work.op)),
        base_(first_byte(work.base)),
        source_(first_byte(work.source)) {}

  /// Scatters the part of the outer loops that `outer` holds, which starts at offsets `from_base` and
  /// `from_source`, and the inner range [begin, end).
  void run(const IndexedLoops::Nest& outer, const IndexedLoops::Nest::Offsets& from, std::int64_t begin,
           std::int64_t end) const {
    const bool single = loops_.inner.rank() == 0;
    const std::int64_t base_step = loops_.inner.inner_stride(IndexedLoops::base);
    const std::int64_t source_step = loops_.inner.inner_stride(IndexedLoops::elements);
    std::array<std::int64_t, cpu::index_tile> offsets;
    outer.for_each_run(0, outer.count(), [&](IndexedLoops::Nest::Offsets at, std::int64_t length) {
      for (std::size_t k = 0; k < outer.operands(); ++k) at[k] += from[k];
      const std::int64_t stride = outer.inner_stride(IndexedLoops::elements);
      for (std::int64_t start = 0; start < length; start += cpu::index_tile) {
        const std::int64_t count = std::min(cpu::index_tile, length - start);
        cpu::indexed_offsets(outer, at, start, count, work_.indices, work_.op, offsets.data());
        const std::int64_t element = at[IndexedLoops::elements] + start * stride;
        if (single) {
          kernels_.elements(base_, offsets.data(), source_, element, stride, count);
          continue;
        }
        for (std::int64_t i = 0; i < count; ++i) {
          loops_.inner.for_each_run(begin, end, [&](const IndexedLoops::Nest::Offsets& in, std::int64_t run) {
            kernels_.run(base_, offsets[static_cast<std::size_t>(i)] + in[IndexedLoops::base], base_step,
                         source_, element + i * stride + in[IndexedLoops::elements], source_step, run);
          });
        }
      }
    });
  }

 private:
  const Scatter& work_;
  const IndexedLoops& loops_;
  Kernels kernels_;
  void* base_;
  const void* source_;
};

/// The largest outer dim that the base moves along: threads may share its range.
std::optional<std::size_t> dim_to_split(const IndexedLoops::Nest& outer) {
  std::optional<std::size_t> best;
  for (std::size_t d = 0; d < outer.rank(); ++d) {
    if (outer.stride(IndexedLoops::base, d) == 0) continue;
    if (!best || outer.size(d) > outer.size(*best)) best = d;
  }
  return best;
}

}  // namespace

void CpuBackend::scatter(const Scatter& work) {
  const IndexedLoops loops(work.source, work.base, work.indices, work.op);
  const std::int64_t outer = loops.outer.count();
  const std::int64_t inner = loops.inner.count();
  if (outer == 0 || inner == 0) return;
  const Scatterer scatterer(work, loops);
  // All indices are checked before the first element is written: a failed scatter changes nothing.
  cpu::parallel_for(0, outer, grain, [&](std::int64_t begin, std::int64_t end) {
    cpu::for_each_index_tile(loops.outer, begin, end, work.indices, work.op,
                             [](std::int64_t, std::int64_t, const std::int64_t*, std::int64_t) {});
  });
  const bool large = outer * inner >= 2 * grain && positions_are_apart(work.base, work.indices);
  const std::optional<std::size_t> split = large ? dim_to_split(loops.outer) : std::nullopt;
  if (split && loops.outer.size(*split) >= inner) {
    const std::int64_t size = loops.outer.size(*split);
    const std::int64_t per_step = outer / size * inner;
    cpu::parallel_for(0, size, std::max<std::int64_t>(1, grain / per_step),
                      [&](std::int64_t begin, std::int64_t end) {
                        IndexedLoops::Nest part = loops.outer;
                        part.set_size(*split, end - begin);
                        IndexedLoops::Nest::Offsets from{};
                        for (std::size_t k = 0; k < part.operands(); ++k)
                          from[k] = begin * part.stride(k, *split);
                        scatterer.run(part, from, 0, inner);
                      });
  } else {
    cpu::parallel_for(
        0, inner, large ? std::max<std::int64_t>(1, grain / outer) : inner,
        [&](std::int64_t begin, std::int64_t end) { scatterer.run(loops.outer, {}, begin, end); });
  }
}

}  // namespace rustorch
