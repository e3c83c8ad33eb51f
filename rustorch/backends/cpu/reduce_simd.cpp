#include "rustorch/compute/simd/targets.h"
#include "rustorch/core/is_nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/reduce_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <complex>
#include <cstring>

#include "rustorch/backends/cpu/reduce_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

// Float runs are folded into a fixed number of lanes, whatever the width of vectors, and the lanes pairwise,
// so every instruction set gives the same bits. 256 bytes keep the latency of additions hidden.
template <class T>
constexpr std::size_t lane_count = 256 / sizeof(T);
// Elements that one set of lanes sums up before it goes to the state.
constexpr std::size_t block = 8192;
// Rows that columns are summed over before they go to the states, and columns at a time.
constexpr std::size_t row_block = 64;
constexpr std::size_t column_block = 1024;

struct Add {
  static constexpr bool idempotent = false;
  template <class D, class V>
  static HWY_INLINE V vector(D, V a, V b) {
    return hn::Add(a, b);
  }
  template <class T>
  static HWY_INLINE T scalar(T a, T b) {
    return a + b;
  }
};
/// A mask with the lanes that are NaN added; integers have none. (Highway's Ne is false for NaN on some
/// targets.)
template <class D, class V>
HWY_INLINE auto or_is_nan(D, hn::Mask<D> mask, V v) {
  if constexpr (hwy::IsFloat<hn::TFromD<D>>()) {
    return hn::Or(mask, hn::IsNaN(v));
  } else {
    return mask;
  }
}

// NaN wins: it is not less than anything, so it is asked for apart; an accumulator that is NaN stays.
struct Larger {
  static constexpr bool idempotent = true;
  template <class D, class V>
  static HWY_INLINE V vector(D d, V a, V b) {
    return hn::IfThenElse(or_is_nan(d, hn::Gt(b, a), b), b, a);
  }
  template <class T>
  static HWY_INLINE T scalar(T a, T b) {
    return ((b > a) | is_nan(b)) ? b : a;
  }
};
struct Smaller {
  static constexpr bool idempotent = true;
  template <class D, class V>
  static HWY_INLINE V vector(D d, V a, V b) {
    return hn::IfThenElse(or_is_nan(d, hn::Lt(b, a), b), b, a);
  }
  template <class T>
  static HWY_INLINE T scalar(T a, T b) {
    return ((b < a) | is_nan(b)) ? b : a;
  }
};

/// Folds `n` elements into lanes; element i goes to lane i modulo their number. What fills the last group is
/// `padding`.
template <class Fold, class T>
HWY_INLINE void fold_into_lanes(const T* x, std::size_t n, T padding, T* HWY_RESTRICT lanes) {
  const hn::ScalableTag<T> d;
  constexpr std::size_t step = hn::MaxLanes(hn::ScalableTag<T>());
  constexpr std::size_t vectors = lane_count<T> / step;
  hn::Vec<hn::ScalableTag<T>> acc[vectors];
  for (std::size_t v = 0; v < vectors; ++v) acc[v] = hn::LoadU(d, lanes + v * step);
  std::size_t i = 0;
  for (; i + lane_count<T> <= n; i += lane_count<T>) {
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[v] = Fold::vector(d, acc[v], hn::LoadU(d, x + i + v * step));
    }
  }
  if (i < n) {
    T rest[lane_count<T>];
    for (std::size_t l = 0; l < lane_count<T>; ++l) rest[l] = padding;
    std::memcpy(rest, x + i, (n - i) * sizeof(T));
    for (std::size_t v = 0; v < vectors; ++v) acc[v] = Fold::vector(d, acc[v], hn::LoadU(d, rest + v * step));
  }
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(acc[v], d, lanes + v * step);
}

/// Folds the lanes pairwise until `keep` are left.
template <class Fold, class T, std::size_t keep = 1>
HWY_INLINE void fold_lanes(T* lanes) {
  for (std::size_t half = lane_count<T> / 2; half >= keep; half /= 2) {
    for (std::size_t l = 0; l < half; ++l) lanes[l] = Fold::scalar(lanes[l], lanes[l + half]);
  }
}

constexpr std::size_t short_row = 16;  // rows up to this length are not worth the lanes

template <class T>
void sum_rows(const void* data, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n, void* states) {
  const T* x = static_cast<const T*>(data);
  for (std::size_t r = 0; r < rows; ++r, x += row_stride) {
    SumState& state = static_cast<SumState*>(states)[r];
    if (n <= short_row) {
      T parts[4] = {};  // side by side: an addition takes longer than it takes to start the next
      std::size_t i = 0;
      for (; i + 4 <= n; i += 4) {
        for (std::size_t l = 0; l < 4; ++l) parts[l] += x[i + l];
      }
      for (std::size_t l = 0; i < n; ++i, ++l) parts[l] += x[i];
      state.add(static_cast<double>((parts[0] + parts[1]) + (parts[2] + parts[3])));
      continue;
    }
    for (std::size_t i = 0; i < n; i += block) {
      T lanes[lane_count<T>] = {};
      fold_into_lanes<Add, T>(x + i, HWY_MIN(block, n - i), T(0), lanes);
      fold_lanes<Add, T>(lanes);
      state.add(static_cast<double>(lanes[0]));
    }
  }
}

// A row of complex numbers is a row of twice as many parts, in which even and odd lanes are never mixed.
template <class T>
void complex_sum_rows(const void* data, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                      void* states) {
  const T* x = static_cast<const T*>(data);
  for (std::size_t r = 0; r < rows; ++r, x += 2 * row_stride) {
    ComplexSumState& state = static_cast<ComplexSumState*>(states)[r];
    for (std::size_t i = 0; i < 2 * n; i += block) {
      T lanes[lane_count<T>] = {};
      fold_into_lanes<Add, T>(x + i, HWY_MIN(block, 2 * n - i), T(0), lanes);
      fold_lanes<Add, T, 2>(lanes);
      state.real.add(static_cast<double>(lanes[0]));
      state.imaginary.add(static_cast<double>(lanes[1]));
    }
  }
}

/// acc[j] ← x[r][j] for all rows. Narrow adjacent rows are taken several at a time, as one wide row.
template <class Fold, class T>
HWY_INLINE void fold_columns(const T* x, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                             T* HWY_RESTRICT acc) {
  const hn::ScalableTag<T> d;
  const std::size_t step = hn::Lanes(d);
  if (n < 32 && row_stride == static_cast<std::ptrdiff_t>(n) && rows >= 8) {
    const std::size_t group = 64 / n;
    T wide[64] = {};
    const std::size_t width = group * n;
    // What may be folded in again and again stands in for a neutral element.
    for (std::size_t j = 0; j < width; ++j) wide[j] = Fold::idempotent ? acc[j % n] : T(0);
    std::size_t r = 0;
    for (; r + group <= rows; r += group, x += width) {
      std::size_t j = 0;
      for (; j + step <= width; j += step) {
        hn::StoreU(Fold::vector(d, hn::LoadU(d, wide + j), hn::LoadU(d, x + j)), d, wide + j);
      }
      for (; j < width; ++j) wide[j] = Fold::scalar(wide[j], x[j]);
    }
    for (std::size_t j = 0; j < (rows - r) * n; ++j) wide[j] = Fold::scalar(wide[j], x[j]);
    for (std::size_t g = 0; g < group; ++g) {
      for (std::size_t j = 0; j < n; ++j) acc[j] = Fold::scalar(acc[j], wide[g * n + j]);
    }
    return;
  }
  std::size_t r = 0;
  for (; r + 4 <= rows; r += 4, x += 4 * row_stride) {
    const T* const x1 = x + row_stride;
    const T* const x2 = x1 + row_stride;
    const T* const x3 = x2 + row_stride;
    std::size_t j = 0;
    for (; j + step <= n; j += step) {
      const auto first = Fold::vector(d, hn::LoadU(d, x + j), hn::LoadU(d, x1 + j));
      const auto second = Fold::vector(d, hn::LoadU(d, x2 + j), hn::LoadU(d, x3 + j));
      hn::StoreU(Fold::vector(d, hn::LoadU(d, acc + j), Fold::vector(d, first, second)), d, acc + j);
    }
    for (; j < n; ++j) {
      acc[j] = Fold::scalar(acc[j], Fold::scalar(Fold::scalar(x[j], x1[j]), Fold::scalar(x2[j], x3[j])));
    }
  }
  for (; r < rows; ++r, x += row_stride) {
    std::size_t j = 0;
    for (; j + step <= n; j += step) {
      hn::StoreU(Fold::vector(d, hn::LoadU(d, acc + j), hn::LoadU(d, x + j)), d, acc + j);
    }
    for (; j < n; ++j) acc[j] = Fold::scalar(acc[j], x[j]);
  }
}

/// Sums columns of floats into consecutive SumStates; for complex numbers they are those of the parts.
template <class T>
HWY_INLINE void sum_columns_of(const T* x, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                               SumState* states) {
  T acc[column_block];
  for (std::size_t j = 0; j < n; j += column_block) {
    const std::size_t width = HWY_MIN(column_block, n - j);
    // Narrow blocks of rows are long: what counts is that few elements meet in one accumulator.
    const std::size_t height = width < 32 ? row_block * (64 / width) : row_block;
    for (std::size_t r = 0; r < rows; r += height) {
      for (std::size_t c = 0; c < width; ++c) acc[c] = 0;
      fold_columns<Add, T>(x + static_cast<std::ptrdiff_t>(r) * row_stride + j, HWY_MIN(height, rows - r),
                           row_stride, width, acc);
      for (std::size_t c = 0; c < width; ++c) states[j + c].add(static_cast<double>(acc[c]));
    }
  }
}

template <class T>
void sum_columns(const void* x, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n, void* states) {
  sum_columns_of(static_cast<const T*>(x), rows, row_stride, n, static_cast<SumState*>(states));
}
template <class T>
void complex_sum_columns(const void* x, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                         void* states) {
  static_assert(sizeof(ComplexSumState) == 2 * sizeof(SumState));
  sum_columns_of(static_cast<const T*>(x), rows, 2 * row_stride, 2 * n, static_cast<SumState*>(states));
}

template <class Fold, class T>
void extreme_rows(const void* data, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                  void* states) {
  const T* x = static_cast<const T*>(data);
  for (std::size_t r = 0; r < rows; ++r, x += row_stride) {
    T& state = static_cast<T*>(states)[r];
    T best = state;
    if (n <= short_row) {
      for (std::size_t i = 0; i < n; ++i) best = Fold::scalar(best, x[i]);
    } else {
      T lanes[lane_count<T>];
      for (std::size_t l = 0; l < lane_count<T>; ++l) lanes[l] = best;
      fold_into_lanes<Fold, T>(x, n, best, lanes);
      fold_lanes<Fold, T>(lanes);
      best = lanes[0];
    }
    state = best;
  }
}
template <class Fold, class T>
void extreme_columns(const void* x, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                     void* states) {
  T* const acc = static_cast<T*>(states);
  fold_columns<Fold, T>(static_cast<const T*>(x), rows, row_stride, n, acc);
}

// The rest are plain loops: integers may be added in any order, so the compiler vectorizes them, and products
// are rarely large.

struct Plus {
  template <class S, class T>
  static HWY_INLINE S apply(S a, T b) {
    return static_cast<S>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(static_cast<S>(b)));
  }
};
struct Times {
  template <class S, class T>
  static HWY_INLINE S apply(S a, T b) {
    if constexpr (std::is_integral_v<S>) {
      return static_cast<S>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(static_cast<S>(b)));
    } else if constexpr (std::is_floating_point_v<S>) {
      return a * static_cast<S>(b);
    } else {  // written out: the operator of std::complex calls the run-time library
      const double re = static_cast<double>(b.real()), im = static_cast<double>(b.imag());
      return S(a.real() * re - a.imag() * im, a.real() * im + a.imag() * re);
    }
  }
};
struct Both {
  static HWY_INLINE std::uint8_t apply(std::uint8_t a, std::uint8_t b) { return a & b; }
};
struct Either {
  static HWY_INLINE std::uint8_t apply(std::uint8_t a, std::uint8_t b) { return a | b; }
};

template <class Fold, class T, class State>
void plain_rows(const void* data, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n, void* states) {
  const T* x = static_cast<const T*>(data);
  for (std::size_t r = 0; r < rows; ++r, x += row_stride) {
    State acc = static_cast<State*>(states)[r];
    std::size_t i = 0;
    if constexpr (!std::is_integral_v<State>) {  // several products at once, in a fixed order
      if (n >= 16) {
        State parts[8];
        for (State& part : parts) part = State(1);
        for (; i + 8 <= n; i += 8) {
          for (std::size_t l = 0; l < 8; ++l) parts[l] = Fold::apply(parts[l], x[i + l]);
        }
        for (const State& part : parts) acc = Fold::apply(acc, part);
      }
    }
    for (; i < n; ++i) acc = Fold::apply(acc, x[i]);
    static_cast<State*>(states)[r] = acc;
  }
}
template <class Fold, class T, class State>
void plain_columns(const void* data, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                   void* states) {
  const T* HWY_RESTRICT x = static_cast<const T*>(data);
  State* HWY_RESTRICT acc = static_cast<State*>(states);
  for (std::size_t r = 0; r < rows; ++r, x += row_stride) {
    for (std::size_t j = 0; j < n; ++j) acc[j] = Fold::apply(acc[j], x[j]);
  }
}

/// Squared distances from `mean` and the distances themselves, lane by lane.
template <class T>
HWY_INLINE void fold_distances(const T* x, std::size_t n, T mean, T* HWY_RESTRICT lanes,
                               T* HWY_RESTRICT squares) {
  const hn::ScalableTag<T> d;
  constexpr std::size_t step = hn::MaxLanes(hn::ScalableTag<T>());
  constexpr std::size_t half = lane_count<T> / 2;
  constexpr std::size_t vectors = half / step > 0 ? half / step : 1;
  const auto center = hn::Set(d, mean);
  hn::Vec<hn::ScalableTag<T>> sum[vectors], square[vectors];
  for (std::size_t v = 0; v < vectors; ++v) sum[v] = square[v] = hn::Zero(d);
  const auto fold = [&](const T* from) HWY_ATTR {
    for (std::size_t v = 0; v < vectors; ++v) {
      const auto distance = hn::Sub(hn::LoadU(d, from + v * step), center);
      sum[v] = hn::Add(sum[v], distance);
      square[v] = hn::Add(square[v], hn::Mul(distance, distance));
    }
  };
  std::size_t i = 0;
  for (; i + half <= n; i += half) fold(x + i);
  if (i < n) {
    T rest[half];
    for (std::size_t l = 0; l < half; ++l) rest[l] = mean;
    std::memcpy(rest, x + i, (n - i) * sizeof(T));
    fold(rest);
  }
  for (std::size_t v = 0; v < vectors; ++v) {
    hn::StoreU(sum[v], d, lanes + v * step);
    hn::StoreU(square[v], d, squares + v * step);
  }
  for (std::size_t h = half / 2; h >= 1; h /= 2) {
    for (std::size_t l = 0; l < h; ++l) {
      lanes[l] += lanes[l + h];
      squares[l] += squares[l + h];
    }
  }
}

/// Merges a block of `n` elements, given their mean as rounded, and the sums of distances from it and their
/// squares.
HWY_INLINE void merge_block(VarianceState& state, double n, double mean, double distances, double squares) {
  state.merge(n, mean + distances / n, squares - distances * distances / n);
}

template <class T>
void variance_rows(const void* data, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                   void* states) {
  const T* x = static_cast<const T*>(data);
  for (std::size_t r = 0; r < rows; ++r, x += row_stride) {
    VarianceState& state = static_cast<VarianceState*>(states)[r];
    for (std::size_t i = 0; i < n; i += block) {
      const std::size_t count = HWY_MIN(block, n - i);
      T lanes[lane_count<T>] = {};
      T squares[lane_count<T>];
      fold_into_lanes<Add, T>(x + i, count, T(0), lanes);
      fold_lanes<Add, T>(lanes);
      const T mean = lanes[0] / static_cast<T>(count);
      fold_distances<T>(x + i, count, mean, lanes, squares);
      merge_block(state, static_cast<double>(count), static_cast<double>(mean), static_cast<double>(lanes[0]),
                  static_cast<double>(squares[0]));
    }
  }
}

template <class T>
void variance_columns(const void* data, std::size_t rows, std::ptrdiff_t row_stride, std::size_t n,
                      void* states) {
  constexpr std::size_t columns_at_once = column_block / 4;
  T mean[columns_at_once], distances[columns_at_once], squares[columns_at_once];
  const hn::ScalableTag<T> d;
  const std::size_t step = hn::Lanes(d);
  for (std::size_t j = 0; j < n; j += columns_at_once) {
    const std::size_t width = HWY_MIN(columns_at_once, n - j);
    VarianceState* const state = static_cast<VarianceState*>(states) + j;
    for (std::size_t r = 0; r < rows; r += row_block) {
      const std::size_t height = HWY_MIN(row_block, rows - r);
      const T* x = static_cast<const T*>(data) + static_cast<std::ptrdiff_t>(r) * row_stride + j;
      for (std::size_t c = 0; c < width; ++c) mean[c] = distances[c] = squares[c] = 0;
      fold_columns<Add, T>(x, height, row_stride, width, mean);
      for (std::size_t c = 0; c < width; ++c) mean[c] /= static_cast<T>(height);
      for (std::size_t i = 0; i < height; ++i, x += row_stride) {
        std::size_t c = 0;
        for (; c + step <= width; c += step) {
          const auto distance = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
          hn::StoreU(hn::Add(hn::LoadU(d, distances + c), distance), d, distances + c);
          hn::StoreU(hn::Add(hn::LoadU(d, squares + c), hn::Mul(distance, distance)), d, squares + c);
        }
        for (; c < width; ++c) {
          const T distance = x[c] - mean[c];
          distances[c] += distance;
          squares[c] += distance * distance;
        }
      }
      for (std::size_t c = 0; c < width; ++c) {
        merge_block(state[c], static_cast<double>(height), static_cast<double>(mean[c]),
                    static_cast<double>(distances[c]), static_cast<double>(squares[c]));
      }
    }
  }
}

template <class T>
ReduceLoops real_loops(ReduceOp op) {
  constexpr bool whole = std::is_integral_v<T>;
  switch (op) {
    case ReduceOp::sum:
      if constexpr (whole)
        return {&plain_rows<Plus, T, std::int64_t>, &plain_columns<Plus, T, std::int64_t>};
      else
        return {&sum_rows<T>, &sum_columns<T>};
    case ReduceOp::prod: {
      using State = std::conditional_t<whole, std::int64_t, double>;
      return {&plain_rows<Times, T, State>, &plain_columns<Times, T, State>};
    }
    case ReduceOp::max:
      return {&extreme_rows<Larger, T>, &extreme_columns<Larger, T>};
    case ReduceOp::min:
      return {&extreme_rows<Smaller, T>, &extreme_columns<Smaller, T>};
    case ReduceOp::variance:
      if constexpr (!whole) return {&variance_rows<T>, &variance_columns<T>};
      break;
    default:
      break;
  }
  return {};
}

template <class T>
ReduceLoops complex_loops(ReduceOp op) {
  using State = std::complex<double>;
  if (op == ReduceOp::sum) return {&complex_sum_rows<T>, &complex_sum_columns<T>};
  return {&plain_rows<Times, std::complex<T>, State>, &plain_columns<Times, std::complex<T>, State>};
}

}  // namespace

ReduceLoops reduce_loops(ReduceOp op, DType run) {
  switch (run) {
    case DType::int32:
      return real_loops<std::int32_t>(op);
    case DType::int64:
      return real_loops<std::int64_t>(op);
    case DType::float32:
      return real_loops<float>(op);
    case DType::float64:
      return real_loops<double>(op);
    case DType::complex64:
      return complex_loops<float>(op);
    case DType::complex128:
      return complex_loops<double>(op);
    default:
      break;
  }
  using Byte = std::uint8_t;
  if (op == ReduceOp::all) return {&plain_rows<Both, Byte, Byte>, &plain_columns<Both, Byte, Byte>};
  return {&plain_rows<Either, Byte, Byte>, &plain_columns<Either, Byte, Byte>};
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(reduce_loops);
ReduceLoops reduce_loops(ReduceOp op, DType run) { return RUSTORCH_DISPATCH(reduce_loops)(op, run); }

}  // namespace rustorch::cpu
#endif
