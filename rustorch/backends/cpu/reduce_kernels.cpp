#include "rustorch/backends/cpu/reduce_kernels.h"
#include "rustorch/core/is_nan.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <limits>

namespace rustorch::cpu {
namespace {

std::string_view name_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "sum";
    case ReduceOp::prod:
      return "prod";
    case ReduceOp::max:
      return "max";
    case ReduceOp::min:
      return "min";
    case ReduceOp::all:
      return "all";
    case ReduceOp::any:
      return "any";
    case ReduceOp::variance:
      return "variance";
  }
  return "";
}

template <class State>
void set_state(ReduceKernels& kernels, State identity) {
  static_assert(sizeof(State) <= ReduceKernels::max_state_bytes);
  kernels.state_bytes = sizeof(State);
  std::memcpy(kernels.identity, &identity, sizeof(State));
  kernels.start = [](const void* from, void* states, std::size_t n) {
    std::fill_n(static_cast<State*>(states), n, *static_cast<const State*>(from));
  };
}

/// Adds merge and finish for a state that is merged by `Merge(into, from)` and read by `Read(state,
/// correction)`.
template <class State, class Value, auto Merge, auto Read>
void set_ends(ReduceKernels& kernels) {
  kernels.value = dtype_of<Value>;
  kernels.merge = [](void* states, const void* others, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
      Merge(static_cast<State*>(states)[i], static_cast<const State*>(others)[i]);
  };
  kernels.finish = [](const void* states, std::size_t n, [[maybe_unused]] double correction, void* values) {
    for (std::size_t i = 0; i < n; ++i) {
      static_cast<Value*>(values)[i] = Read(static_cast<const State*>(states)[i], correction);
    }
  };
}

template <class T>
void set_sum(ReduceKernels& kernels) {
  if constexpr (std::is_integral_v<T>) {
    set_state(kernels, std::int64_t{0});
    set_ends<std::int64_t, std::int64_t,
             [](std::int64_t& into, std::int64_t from) {
               into = static_cast<std::int64_t>(static_cast<std::uint64_t>(into) +
                                                static_cast<std::uint64_t>(from));
             },
             [](std::int64_t state, double) { return state; }>(kernels);
  } else if constexpr (is_complex(dtype_of<T>)) {
    set_state(kernels, ComplexSumState{});
    set_ends<ComplexSumState, T,
             [](ComplexSumState& into, const ComplexSumState& from) {
               into.real.add(from.real.sum);
               into.real.error += from.real.error;
               into.imaginary.add(from.imaginary.sum);
               into.imaginary.error += from.imaginary.error;
             },
             [](const ComplexSumState& state, double) {
               using Part = typename T::value_type;
               return T(static_cast<Part>(state.real.value()), static_cast<Part>(state.imaginary.value()));
             }>(kernels);
  } else {
    set_state(kernels, SumState{});
    set_ends<SumState, T,
             [](SumState& into, const SumState& from) {
               into.add(from.sum);
               into.error += from.error;
             },
             [](const SumState& state, double) { return static_cast<T>(state.value()); }>(kernels);
  }
}

/// Products of floats are kept in double, of complex numbers in complex double.
template <class T>
void set_prod(ReduceKernels& kernels) {
  if constexpr (std::is_integral_v<T>) {
    set_state(kernels, std::int64_t{1});
    set_ends<std::int64_t, std::int64_t,
             [](std::int64_t& into, std::int64_t from) {
               into = static_cast<std::int64_t>(static_cast<std::uint64_t>(into) *
                                                static_cast<std::uint64_t>(from));
             },
             [](std::int64_t state, double) { return state; }>(kernels);
  } else {
    using State = std::conditional_t<is_complex(dtype_of<T>), std::complex<double>, double>;
    set_state(kernels, State(1));
    set_ends<State, T, [](State& into, const State& from) { into *= from; },
             [](const State& state, double) { return T(state); }>(kernels);
  }
}

template <class T, bool largest>
void set_extreme(ReduceKernels& kernels, DType dtype) {
  // The least (or greatest) value of the dtype itself: converted back from T it must still be that.
  visit_dtype(dtype, [&](auto tag) {
    using Element = typename decltype(tag)::type;
    if constexpr (is_floating_point(dtype_of<Element>)) {
      constexpr T infinity = std::numeric_limits<T>::infinity();
      set_state(kernels, largest ? -infinity : infinity);
    } else if constexpr (!is_complex(dtype_of<Element>)) {
      using Limits = std::numeric_limits<Element>;
      set_state(kernels, static_cast<T>(largest ? Limits::lowest() : Limits::max()));
    }
  });
  constexpr auto merge = [](T& into, T from) {
    const bool wins = largest ? from > into : from < into;
    if (wins || is_nan(from)) into = is_nan(into) ? into : from;
  };
  set_ends<T, T, merge, [](T state, double) { return state; }>(kernels);
}

void set_truth(ReduceKernels& kernels, bool all) {
  set_state(kernels, all);
  if (all) {
    set_ends<bool, bool, [](bool& into, bool from) { into = into && from; },
             [](bool state, double) { return state; }>(kernels);
  } else {
    set_ends<bool, bool, [](bool& into, bool from) { into = into || from; },
             [](bool state, double) { return state; }>(kernels);
  }
}

template <class T>
void set_variance(ReduceKernels& kernels) {
  set_state(kernels, VarianceState{});
  set_ends<VarianceState, T,
           [](VarianceState& into, const VarianceState& from) {
             into.merge(from.count, from.mean, from.squares);
           },
           [](const VarianceState& state, double correction) {
             const double divisor = std::max(0.0, state.count - correction);
             return static_cast<T>(state.squares / divisor);  // 0 / 0 is NaN, as wanted
           }>(kernels);
}

template <class T>
void set_kernels(ReduceKernels& kernels, ReduceOp op, DType dtype) {
  constexpr DType run = dtype_of<T>;
  if (op == ReduceOp::sum) return set_sum<T>(kernels);
  if (op == ReduceOp::prod) return set_prod<T>(kernels);
  if constexpr (!is_complex(run)) {
    if (op == ReduceOp::max) return set_extreme<T, true>(kernels, dtype);
    if (op == ReduceOp::min) return set_extreme<T, false>(kernels, dtype);
  }
  if constexpr (is_floating_point(run)) {
    if (op == ReduceOp::variance) return set_variance<T>(kernels);
  }
  fail(ErrorCode::dtype_mismatch, "op {} does not take {}", name_of(op), dtype);
}

}  // namespace

ReduceKernels reduce_kernels(ReduceOp op, DType dtype) {
  ReduceKernels kernels;
  if (op == ReduceOp::all || op == ReduceOp::any) {
    kernels.run = DType::bool_;
    set_truth(kernels, op == ReduceOp::all);
  } else {
    kernels.run = compute_dtype(dtype);
    switch (kernels.run) {
      case DType::int32:
        set_kernels<std::int32_t>(kernels, op, dtype);
        break;
      case DType::int64:
        set_kernels<std::int64_t>(kernels, op, dtype);
        break;
      case DType::float32:
        set_kernels<float>(kernels, op, dtype);
        break;
      case DType::float64:
        set_kernels<double>(kernels, op, dtype);
        break;
      case DType::complex64:
        set_kernels<std::complex<float>>(kernels, op, dtype);
        break;
      default:
        set_kernels<std::complex<double>>(kernels, op, dtype);
        break;
    }
  }
  kernels.loops = reduce_loops(op, kernels.run);
  return kernels;
}

}  // namespace rustorch::cpu
