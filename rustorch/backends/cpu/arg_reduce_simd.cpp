#include "rustorch/compute/simd/targets.h"
#include "rustorch/core/is_nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/arg_reduce_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rustorch/backends/cpu/arg_reduce_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

constexpr std::size_t block = 4096;      // elements whose extreme is found before its place is looked for
constexpr std::size_t short_block = 32;  // so few are compared one by one
constexpr std::size_t column_block = 512;
constexpr std::size_t most_rows = 1u << 30;  // that are counted in 32 bits

/// Whether b comes before a, which was found earlier: strictly better, or the first NaN.
template <class T, bool largest>
HWY_INLINE bool beats(T b, T a) {
  const bool open = !is_nan(a);
  return ((largest ? b > a : b < a) | is_nan(b)) & open;
}
template <class T, bool largest, class V>
HWY_INLINE auto beats_lanes(V b, V a) {
  const auto better = largest ? hn::Gt(b, a) : hn::Lt(b, a);
  if constexpr (hwy::IsFloat<T>()) {
    // Not Ne(b, b): Highway's Ne is false for NaN on some targets.
    return hn::And(hn::Or(better, hn::IsNaN(b)), hn::Eq(a, a));
  } else {
    return better;
  }
}

/// Where `wanted`, which is there, stands first; any NaN is as good as another.
template <class T>
HWY_INLINE std::size_t first_place(const T* x, T wanted) {
  const hn::ScalableTag<T> d;
  const std::size_t step = hn::Lanes(d);
  const auto target = hn::Set(d, wanted);
  std::size_t i = 0;
  if (!is_nan(wanted)) {
    while (hn::AllFalse(d, hn::Eq(hn::LoadU(d, x + i), target))) i += step;
    while (x[i] != wanted) ++i;
  } else if constexpr (hwy::IsFloat<T>()) {
    while (hn::AllFalse(d, hn::IsNaN(hn::LoadU(d, x + i)))) i += step;
    while (!is_nan(x[i])) ++i;
  }
  return i;
}

template <class T, bool largest>
void row(const void* data, std::size_t n, std::int64_t first, void* best_data, std::int64_t* index_data) {
  const hn::ScalableTag<T> d;
  const T* const x = static_cast<const T*>(data);
  T best = *static_cast<T*>(best_data);
  std::int64_t index = *index_data;
  std::size_t i = 0;
  if (index < 0 && n > 0) {
    best = x[0];
    index = first;
    i = 1;
  }
  const std::size_t step = hn::Lanes(d);
  while (n - i >= short_block && n - i >= 4 * step) {
    const std::size_t count = HWY_MIN(block, n - i) / (4 * step) * (4 * step);
    const T* const from = x + i;
    auto a0 = hn::LoadU(d, from), a1 = hn::LoadU(d, from + step);
    auto a2 = hn::LoadU(d, from + 2 * step), a3 = hn::LoadU(d, from + 3 * step);
    const auto both = [](auto a, auto b)
                          HWY_ATTR { return hn::IfThenElse(beats_lanes<T, largest>(b, a), b, a); };
    for (std::size_t j = 4 * step; j < count; j += 4 * step) {
      a0 = both(a0, hn::LoadU(d, from + j));
      a1 = both(a1, hn::LoadU(d, from + j + step));
      a2 = both(a2, hn::LoadU(d, from + j + 2 * step));
      a3 = both(a3, hn::LoadU(d, from + j + 3 * step));
    }
    T lanes[hn::MaxLanes(hn::ScalableTag<T>())];
    hn::StoreU(both(both(a0, a1), both(a2, a3)), d, lanes);
    T extreme = lanes[0];
    for (std::size_t l = 1; l < step; ++l)
      extreme = beats<T, largest>(lanes[l], extreme) ? lanes[l] : extreme;
    if (beats<T, largest>(extreme, best)) {
      const std::size_t at = first_place(from, extreme);
      best = from[at];
      index = first + static_cast<std::int64_t>(i + at);
    }
    i += count;
  }
  for (; i < n; ++i) {
    if (beats<T, largest>(x[i], best)) {
      best = x[i];
      index = first + static_cast<std::int64_t>(i);
    }
  }
  *static_cast<T*>(best_data) = best;
  *index_data = index;
}

template <class T, bool largest>
void columns(const void* data, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n, std::int64_t first,
             void* best_data, std::int64_t* index) {
  using Count = hwy::MakeSigned<T>;  // indices in lanes as wide as the elements
  const hn::ScalableTag<T> d;
  const hn::ScalableTag<Count> dc;
  const std::size_t step = hn::Lanes(d);
  const T* const x = static_cast<const T*>(data);
  T* const best = static_cast<T*>(best_data);
  if (n == 0 || rows == 0) return;
  Count place[column_block];
  for (std::size_t start = 0; start < rows; start += most_rows) {
    const std::size_t count = HWY_MIN(most_rows, rows - start);
    for (std::size_t c = 0; c < n; c += column_block) {
      const std::size_t width = HWY_MIN(column_block, n - c);
      const T* from = x + static_cast<std::ptrdiff_t>(start) * row_stride + c;
      T* const top = best + c;
      for (std::size_t j = 0; j < width; ++j) {
        place[j] = -1;
        if (index[c + j] < 0) {
          place[j] = 0;
          top[j] = from[j];
        }
      }
      for (std::size_t r = 0; r < count; ++r, from += row_stride) {
        const auto here = hn::Set(dc, static_cast<Count>(r));
        std::size_t j = 0;
        for (; j + step <= width; j += step) {
          const auto a = hn::LoadU(d, top + j);
          const auto b = hn::LoadU(d, from + j);
          const auto better = beats_lanes<T, largest>(b, a);
          hn::StoreU(hn::IfThenElse(better, b, a), d, top + j);
          const auto at = hn::IfThenElse(hn::RebindMask(dc, better), here, hn::LoadU(dc, place + j));
          hn::StoreU(at, dc, place + j);
        }
        for (; j < width; ++j) {
          if (beats<T, largest>(from[j], top[j])) {
            top[j] = from[j];
            place[j] = static_cast<Count>(r);
          }
        }
      }
      for (std::size_t j = 0; j < width; ++j) {
        if (place[j] >= 0) {
          index[c + j] = first + static_cast<std::int64_t>(start) + static_cast<std::int64_t>(place[j]);
        }
      }
    }
  }
}

template <class T, bool largest>
void merge(void* best, std::int64_t* index, const void* other, std::int64_t other_index) {
  if (other_index < 0) return;
  T& mine = *static_cast<T*>(best);
  const T theirs = *static_cast<const T*>(other);
  if (*index < 0 || beats<T, largest>(theirs, mine)) {
    mine = theirs;
    *index = other_index;
  }
}

template <class T>
ArgReduceLoops loops_of(ArgReduceOp op) {
  if (op == ArgReduceOp::max) return {&row<T, true>, &columns<T, true>, &merge<T, true>};
  return {&row<T, false>, &columns<T, false>, &merge<T, false>};
}

}  // namespace

ArgReduceLoops arg_reduce_loops(ArgReduceOp op, DType run) {
  switch (run) {
    case DType::int32:
      return loops_of<std::int32_t>(op);
    case DType::int64:
      return loops_of<std::int64_t>(op);
    case DType::float32:
      return loops_of<float>(op);
    default:
      return loops_of<double>(op);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(arg_reduce_loops);
ArgReduceLoops arg_reduce_loops(ArgReduceOp op, DType run) {
  return RUSTORCH_DISPATCH(arg_reduce_loops)(op, run);
}

}  // namespace rustorch::cpu
#endif
