#include "rustorch/compute/simd/targets.h"
#include "rustorch/core/is_nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/scan_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

#include "rustorch/backends/cpu/scan_kernels.h"

// Plain loops, which the compiler vectorizes across columns; within a row each element waits for the one
// before.

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;  // NOLINT(misc-unused-alias-decls): not all targets use it
namespace {

template <class T>
struct StateOf {
  using type = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;
};
template <class T>
struct StateOf<std::complex<T>> {
  using type = std::complex<double>;
};

struct Sum {
  static constexpr double neutral = 0;
  template <class S, class T>
  static HWY_INLINE S apply(S state, T x) {
    if constexpr (std::is_integral_v<S>) {
      return static_cast<S>(static_cast<std::uint64_t>(state) + static_cast<std::uint64_t>(x));
    } else if constexpr (std::is_floating_point_v<S>) {
      return state + static_cast<S>(x);
    } else {
      return S(state.real() + static_cast<double>(x.real()), state.imag() + static_cast<double>(x.imag()));
    }
  }
};
struct Product {
  static constexpr double neutral = 1;
  template <class S, class T>
  static HWY_INLINE S apply(S state, T x) {
    if constexpr (std::is_integral_v<S>) {
      return static_cast<S>(static_cast<std::uint64_t>(state) * static_cast<std::uint64_t>(x));
    } else if constexpr (std::is_floating_point_v<S>) {
      return state * static_cast<S>(x);
    } else {
      const double re = static_cast<double>(x.real()), im = static_cast<double>(x.imag());
      return S(state.real() * re - state.imag() * im, state.real() * im + state.imag() * re);
    }
  }
};
struct LogSumExp {
  static constexpr double neutral = -std::numeric_limits<double>::infinity();
  template <class T>
  static HWY_INLINE double apply(double state, T value) {
    const double x = static_cast<double>(value);
    const double high = state > x ? state : x;
    const double low = state > x ? x : state;
    if (is_nan(state) || is_nan(x)) return state + x;  // NaN
    // Equal infinities have no difference; the smaller one of two different ones does not count.
    if (std::isinf(high) || low == -std::numeric_limits<double>::infinity()) return high;
    return high + std::log1p(std::exp(low - high));
  }
};

template <class Op, class T>
void start(void* states, std::int64_t*, std::size_t n) {
  using S = typename StateOf<T>::type;
  for (std::size_t i = 0; i < n; ++i) static_cast<S*>(states)[i] = static_cast<S>(Op::neutral);
}

template <class T, class S>
HWY_INLINE T result_of(S state) {
  return static_cast<T>(state);
}

template <class Op, class T>
void scan_row(void* data, std::size_t n, std::int64_t, void* state_data, std::int64_t*, std::int64_t*) {
  using S = typename StateOf<T>::type;
  T* const x = static_cast<T*>(data);
  S state = *static_cast<S*>(state_data);
  for (std::size_t i = 0; i < n; ++i) {
    state = Op::apply(state, x[i]);
    x[i] = result_of<T>(state);
  }
  *static_cast<S*>(state_data) = state;
}

template <class Op, class T>
void scan_rows(const ScanRows& rows, std::size_t n, void* state_data) {
  using S = typename StateOf<T>::type;
  constexpr std::size_t count = ScanLoops::rows_at_once;
  const T* const in = static_cast<const T*>(rows.in);
  T* const out = static_cast<T*>(rows.out);
  S states[count];
  for (std::size_t row = 0; row < count; ++row) states[row] = static_cast<S*>(state_data)[row];
  for (std::size_t i = 0; i < n; ++i) {
#pragma GCC unroll 4
    for (std::size_t row = 0; row < count; ++row) {
      const auto r = static_cast<std::int64_t>(row), at = static_cast<std::int64_t>(i);
      states[row] = Op::apply(states[row], in[r * rows.in_pitch + at]);
      out[r * rows.out_pitch + at] = result_of<T>(states[row]);
    }
  }
  for (std::size_t row = 0; row < count; ++row) static_cast<S*>(state_data)[row] = states[row];
}

// The compiler's own vectors, which every instruction set has at this size. It converts them in halves,
// though, where one instruction does.
using Floats [[gnu::vector_size(16)]] = float;
using Doubles [[gnu::vector_size(32)]] = double;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
HWY_INLINE void convert(const Floats& from, Doubles& to) {
  to = hn::PromoteTo(hn::Simd<double, 4, 0>(), hn::Vec128<float>{from}).raw;
}
HWY_INLINE void convert(const Doubles& from, Floats& to) {
  to = hn::DemoteTo(hn::Simd<float, 4, 0>(), hn::Vec256<double>{from}).raw;
}
#else
HWY_INLINE void convert(const Floats& from, Doubles& to) { to = __builtin_convertvector(from, Doubles); }
HWY_INLINE void convert(const Doubles& from, Floats& to) { to = __builtin_convertvector(from, Floats); }
#endif

/// Four rows of floats as vectors of one element of each: blocks of 4 x 4 are turned on the way in and out.
template <class Op>
void scan_rows_of_floats(const ScanRows& where, std::size_t n, void* state_data) {
  static_assert(ScanLoops::rows_at_once == 4);
  const auto* in = static_cast<const float*>(where.in);
  auto* out = static_cast<float*>(where.out);
  Doubles states;
  std::memcpy(&states, state_data, sizeof(states));
  for (; n >= 4; n -= 4, in += 4, out += 4) {
    Floats rows[4], columns[4];
    for (int row = 0; row < 4; ++row) std::memcpy(&rows[row], in + row * where.in_pitch, sizeof(Floats));
    const auto turn = [](const Floats(&from)[4], Floats(&to)[4]) HWY_ATTR {
      const Floats low01 = __builtin_shufflevector(from[0], from[1], 0, 4, 1, 5);
      const Floats high01 = __builtin_shufflevector(from[0], from[1], 2, 6, 3, 7);
      const Floats low23 = __builtin_shufflevector(from[2], from[3], 0, 4, 1, 5);
      const Floats high23 = __builtin_shufflevector(from[2], from[3], 2, 6, 3, 7);
      to[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
      to[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
      to[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
      to[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    };
    turn(rows, columns);
    for (Floats& column : columns) {
      Doubles value;
      convert(column, value);
      states = std::is_same_v<Op, Sum> ? states + value : states * value;
      convert(states, column);
    }
    turn(columns, rows);
    for (int row = 0; row < 4; ++row) std::memcpy(out + row * where.out_pitch, &rows[row], sizeof(Floats));
  }
  std::memcpy(state_data, &states, sizeof(states));
  scan_rows<Op, float>({in, where.in_pitch, out, where.out_pitch}, n, state_data);
}

template <class Op, class T>
void scan_columns(void* data, std::size_t rows, std::size_t n, std::int64_t, void* state_data, std::int64_t*,
                  std::int64_t*) {
  using S = typename StateOf<T>::type;
  T* HWY_RESTRICT x = static_cast<T*>(data);
  S* HWY_RESTRICT states = static_cast<S*>(state_data);
  for (std::size_t r = 0; r < rows; ++r, x += n) {
    for (std::size_t j = 0; j < n; ++j) {
      states[j] = Op::apply(states[j], x[j]);
      x[j] = result_of<T>(states[j]);
    }
  }
}

/// Whether x takes over from the extreme so far: the last of equal values does, and so does every NaN.
template <class T, bool largest>
HWY_INLINE bool takes_over(T x, T best) {
  return (largest ? x >= best : x <= best) | is_nan(x);
}

template <class T>
void start_extreme(void* states, std::int64_t* where, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    static_cast<T*>(states)[i] = T(0);
    where[i] = -1;
  }
}

template <class T, bool largest>
void extreme_row(void* data, std::size_t n, std::int64_t first, void* state, std::int64_t* where,
                 std::int64_t* indices) {
  T* const x = static_cast<T*>(data);
  T best = *static_cast<T*>(state);
  std::int64_t place = *where;
  for (std::size_t i = 0; i < n; ++i) {
    if (place < 0 || takes_over<T, largest>(x[i], best)) {
      best = x[i];
      place = first + static_cast<std::int64_t>(i);
    }
    x[i] = best;
    if (indices != nullptr) indices[i] = place;
  }
  *static_cast<T*>(state) = best;
  *where = place;
}

template <class T, bool largest>
void extreme_columns(void* data, std::size_t rows, std::size_t n, std::int64_t first, void* state,
                     std::int64_t* HWY_RESTRICT where, std::int64_t* HWY_RESTRICT indices) {
  T* HWY_RESTRICT x = static_cast<T*>(data);
  T* HWY_RESTRICT best = static_cast<T*>(state);
  for (std::size_t r = 0; r < rows; ++r, x += n) {
    const std::int64_t here = first + static_cast<std::int64_t>(r);
    for (std::size_t j = 0; j < n; ++j) {
      const bool takes = (where[j] < 0) | takes_over<T, largest>(x[j], best[j]);
      best[j] = takes ? x[j] : best[j];
      where[j] = takes ? here : where[j];
      x[j] = best[j];
    }
    if (indices != nullptr) {
      for (std::size_t j = 0; j < n; ++j) indices[r * n + j] = where[j];
    }
  }
}

template <class Op, class T>
ScanLoops loops_of() {
  if constexpr (std::is_same_v<T, float> && !std::is_same_v<Op, LogSumExp>) {
    return {sizeof(double), &start<Op, T>, &scan_row<Op, T>, &scan_columns<Op, T>, &scan_rows_of_floats<Op>};
  }
  return {sizeof(typename StateOf<T>::type), &start<Op, T>, &scan_row<Op, T>, &scan_columns<Op, T>,
          &scan_rows<Op, T>};
}
template <class T>
ScanLoops extreme_loops(ScanOp op) {
  if (op == ScanOp::max)
    return {sizeof(T), &start_extreme<T>, &extreme_row<T, true>, &extreme_columns<T, true>, nullptr};
  return {sizeof(T), &start_extreme<T>, &extreme_row<T, false>, &extreme_columns<T, false>, nullptr};
}
template <class Op>
ScanLoops arithmetic_loops(DType run) {
  switch (run) {
    case DType::int64:
      return loops_of<Op, std::int64_t>();
    case DType::float32:
      return loops_of<Op, float>();
    case DType::float64:
      return loops_of<Op, double>();
    case DType::complex64:
      return loops_of<Op, std::complex<float>>();
    case DType::complex128:
      return loops_of<Op, std::complex<double>>();
    default:
      return {};
  }
}

}  // namespace

ScanLoops scan_loops(ScanOp op, DType run) {
  switch (op) {
    case ScanOp::sum:
      return arithmetic_loops<Sum>(run);
    case ScanOp::prod:
      return arithmetic_loops<Product>(run);
    case ScanOp::log_sum_exp:
      if (run == DType::float32) return loops_of<LogSumExp, float>();
      if (run == DType::float64) return loops_of<LogSumExp, double>();
      return {};
    default:
      break;
  }
  switch (run) {
    case DType::int32:
      return extreme_loops<std::int32_t>(op);
    case DType::int64:
      return extreme_loops<std::int64_t>(op);
    case DType::float32:
      return extreme_loops<float>(op);
    case DType::float64:
      return extreme_loops<double>(op);
    default:
      return {};
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(scan_loops);
ScanLoops scan_loops(ScanOp op, DType run) { return RUSTORCH_DISPATCH(scan_loops)(op, run); }

}  // namespace rustorch::cpu
#endif
