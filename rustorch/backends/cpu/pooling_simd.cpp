#include "rustorch/backends/cpu/pooling.h"

#include <limits>
#include <type_traits>

#include "rustorch/compute/simd/targets.h"
#include "rustorch/core/is_nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/pooling_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Whether `value` takes the place of the largest value so far.
template <class T>
HWY_INLINE bool wins(T value, T largest) {
  if constexpr (std::is_floating_point_v<T>) {
    return (value > largest) | is_nan(value);  // not ||: a branch here is a guess
  } else {
    return value > largest;
  }
}

/// No winners are wanted: a type without storage.
struct Nothing {};

template <class W>
W* winner_row(const WindowRun& run, std::int64_t window) {
  return static_cast<W*>(run.winners) + window * run.winner_window;
}

/// Any strides: one result after the other.
template <class T, class W>
void max_strided(const WindowRun& run) {
  for (std::int64_t channel = 0; channel < run.channels; ++channel) {
    const T* from = static_cast<const T*>(run.large) + channel * run.large_channel;
    T* to = static_cast<T*>(run.small) + channel * run.small_channel;
    for (std::int64_t window = 0; window < run.windows;
         ++window, from += run.large_window, to += run.small_window) {
      T largest = from[run.offsets[0]];
      std::int64_t winner = 0;
      for (std::int64_t cell = 1; cell < run.cells; ++cell) {
        const T value = from[run.offsets[cell]];
        const bool better = wins(value, largest);
        largest = better ? value : largest;
        winner = better ? cell : winner;
      }
      *to = largest;
      if constexpr (!std::is_same_v<W, Nothing>) {
        winner_row<W>(run, window)[channel * run.winner_channel] = static_cast<W>(run.positions[winner]);
      }
    }
  }
}

/// Channels next to each other, any type: cell by cell over all channels, in loops that the compiler
/// vectorizes.
template <class T, class W>
void max_channels(const WindowRun& run) {
  for (std::int64_t window = 0; window < run.windows; ++window) {
    const T* from = static_cast<const T*>(run.large) + window * run.large_window;
    T* HWY_RESTRICT to = static_cast<T*>(run.small) + window * run.small_window;
    const T* first = from + run.offsets[0];
    for (std::int64_t channel = 0; channel < run.channels; ++channel) to[channel] = first[channel];
    if constexpr (!std::is_same_v<W, Nothing>) {
      W* HWY_RESTRICT winner = winner_row<W>(run, window);
      for (std::int64_t channel = 0; channel < run.channels; ++channel)
        winner[channel] = static_cast<W>(run.positions[0]);
      for (std::int64_t cell = 1; cell < run.cells; ++cell) {
        const T* HWY_RESTRICT values = from + run.offsets[cell];
        const W position = static_cast<W>(run.positions[cell]);
        for (std::int64_t channel = 0; channel < run.channels; ++channel) {
          const bool better = wins(values[channel], to[channel]);
          to[channel] = better ? values[channel] : to[channel];
          winner[channel] = better ? position : winner[channel];
        }
      }
    } else {
      for (std::int64_t cell = 1; cell < run.cells; ++cell) {
        const T* HWY_RESTRICT values = from + run.offsets[cell];
        for (std::int64_t channel = 0; channel < run.channels; ++channel) {
          to[channel] = wins(values[channel], to[channel]) ? values[channel] : to[channel];
        }
      }
    }
  }
}

template <class DI, class W>
HWY_INLINE void store_winners(DI di, hn::Vec<DI> winner, W* to) {
  if constexpr (std::is_same_v<W, std::uint8_t>) {
    const hn::Rebind<std::uint8_t, DI> bytes;
    hn::StoreU(hn::DemoteTo(bytes, winner), bytes, to);
  } else if constexpr (std::is_same_v<W, std::int32_t>) {
    hn::StoreU(winner, di, to);
  }
}

/// float32 with channels next to each other: one pass over the cells with the largest value and its number in
/// registers. `fixed_cells`, if not 0, is the number of cells, for the common 2x2.
template <int fixed_cells, class W>
HWY_INLINE void max_vector(const WindowRun& run, const float* from, std::int64_t channel, float* to,
                           W* winners) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  auto largest = hn::LoadU(d, from + run.offsets[0] + channel);
  auto winner = hn::Set(di, run.positions[0]);
  const auto visit = [&](std::int64_t cell) HWY_ATTR {
    const auto value = hn::LoadU(d, from + run.offsets[cell] + channel);
    const auto better = hn::Or(hn::Gt(value, largest), hn::IsNaN(value));
    largest = hn::IfThenElse(better, value, largest);
    if constexpr (!std::is_same_v<W, Nothing>) {
      winner = hn::IfThenElse(hn::RebindMask(di, better), hn::Set(di, run.positions[cell]), winner);
    }
  };
  if constexpr (fixed_cells != 0) {
#pragma GCC unroll 8
    for (std::int64_t cell = 1; cell < fixed_cells; ++cell) visit(cell);
  } else {
    for (std::int64_t cell = 1; cell < run.cells; ++cell) visit(cell);
  }
  hn::StoreU(largest, d, to + channel);
  if constexpr (!std::is_same_v<W, Nothing>) store_winners(di, winner, winners + channel);
}

template <int fixed_cells, class W>
void max_float(const WindowRun& run) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  for (std::int64_t window = 0; window < run.windows; ++window) {
    const float* from = static_cast<const float*>(run.large) + window * run.large_window;
    float* to = static_cast<float*>(run.small) + window * run.small_window;
    W* winners = nullptr;
    if constexpr (!std::is_same_v<W, Nothing>) winners = winner_row<W>(run, window);
    std::int64_t channel = 0;
    for (; channel + lanes <= run.channels; channel += lanes) {
      max_vector<fixed_cells>(run, from, channel, to, winners);
    }
    // The last channels once more in a whole vector that ends with them.
    if (channel < run.channels) max_vector<fixed_cells>(run, from, run.channels - lanes, to, winners);
  }
}

/// Windows without any cell (all of it padding).
template <class T, class W>
void max_of_nothing(const WindowRun& run) {
  constexpr T lowest =
      std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  for (std::int64_t window = 0; window < run.windows; ++window) {
    T* to = static_cast<T*>(run.small) + window * run.small_window;
    for (std::int64_t channel = 0; channel < run.channels; ++channel) {
      to[channel * run.small_channel] = lowest;
      if constexpr (!std::is_same_v<W, Nothing>)
        winner_row<W>(run, window)[channel * run.winner_channel] = W{0};
    }
  }
}

/// float32 in plain order: a vector of neighbouring windows of one channel, `most_lanes` or less.
template <std::size_t most_lanes, class W>
HWY_INLINE void max_windows(const WindowRun& run, std::int64_t channel, std::int64_t& window) {
  const hn::CappedTag<float, most_lanes> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto steps = hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(run.large_window)));
  for (; window + lanes <= run.windows; window += lanes) {
    const float* from =
        static_cast<const float*>(run.large) + channel * run.large_channel + window * run.large_window;
    const auto load = [&](std::int64_t cell) HWY_ATTR {
      const float* first = from + run.offsets[cell];
      return run.large_window == 1 ? hn::LoadU(d, first) : hn::GatherIndex(d, first, steps);
    };
    auto largest = load(0);
    auto winner = hn::Set(di, run.positions[0]);
    for (std::int64_t cell = 1; cell < run.cells; ++cell) {
      const auto value = load(cell);
      const auto better = hn::Or(hn::Gt(value, largest), hn::IsNaN(value));
      largest = hn::IfThenElse(better, value, largest);
      winner = hn::IfThenElse(hn::RebindMask(di, better), hn::Set(di, run.positions[cell]), winner);
    }
    hn::StoreU(largest, d, static_cast<float*>(run.small) + channel * run.small_channel + window);
    if constexpr (!std::is_same_v<W, Nothing>) {
      store_winners(di, winner, static_cast<W*>(run.winners) + channel * run.winner_channel + window);
    }
  }
}

template <class W>
void max_lines(const WindowRun& run) {
  for (std::int64_t channel = 0; channel < run.channels; ++channel) {
    std::int64_t window = 0;
    max_windows<HWY_MAX_BYTES / sizeof(float), W>(run, channel, window);
    max_windows<8, W>(run, channel, window);
    max_windows<4, W>(run, channel, window);
    max_windows<1, W>(run, channel, window);
  }
}

template <class T, class W>
void max_any(const WindowRun& run) {
  if (run.cells == 0) return max_of_nothing<T, W>(run);
  if constexpr (std::is_same_v<T, float>) {
    constexpr std::int64_t farthest_gather = std::int64_t{1} << 26;
    const bool lines = (run.small_window == 1 || run.windows == 1) && run.large_window < farthest_gather &&
                       (std::is_same_v<W, Nothing> || run.winner_window == 1 || run.windows == 1);
    if (lines && (run.large_channel != 1 || run.channels == 1)) return max_lines<W>(run);
  }
  const bool adjacent = run.large_channel == 1 && run.small_channel == 1 &&
                        (run.winner_channel == 1 || std::is_same_v<W, Nothing>);
  if (!adjacent || run.channels == 1) return max_strided<T, W>(run);
  if constexpr (std::is_same_v<T, float>) {
    if (run.channels >= static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<float>()))) {
      return run.cells == 4 ? max_float<4, W>(run) : max_float<0, W>(run);
    }
  }
  max_channels<T, W>(run);
}

template <class T>
void max_typed(DType winner_dtype, const WindowRun& run) {
  if (run.winners == nullptr) return max_any<T, Nothing>(run);
  if (winner_dtype == DType::uint8) return max_any<T, std::uint8_t>(run);
  max_any<T, std::int32_t>(run);
}

void max_pool(DType dtype, DType winner_dtype, const WindowRun& run) {
  switch (dtype) {
    case DType::float32:
      return max_typed<float>(winner_dtype, run);
    case DType::float64:
      return max_typed<double>(winner_dtype, run);
    case DType::uint8:
      return max_typed<std::uint8_t>(winner_dtype, run);
    case DType::int8:
      return max_typed<std::int8_t>(winner_dtype, run);
    case DType::int16:
      return max_typed<std::int16_t>(winner_dtype, run);
    case DType::int32:
      return max_typed<std::int32_t>(winner_dtype, run);
    default:
      return max_typed<std::int64_t>(winner_dtype, run);
  }
}

template <class T>
void average_typed(const WindowRun& run) {
  const T scale = static_cast<T>(run.scale);
  if (run.large_channel == 1 && run.small_channel == 1 && run.channels > 1) {
    for (std::int64_t window = 0; window < run.windows; ++window) {
      const T* from = static_cast<const T*>(run.large) + window * run.large_window;
      T* HWY_RESTRICT to = static_cast<T*>(run.small) + window * run.small_window;
      for (std::int64_t channel = 0; channel < run.channels; ++channel) to[channel] = T{0};
      for (std::int64_t cell = 0; cell < run.cells; ++cell) {
        const T* HWY_RESTRICT values = from + run.offsets[cell];
        for (std::int64_t channel = 0; channel < run.channels; ++channel) to[channel] += values[channel];
      }
      for (std::int64_t channel = 0; channel < run.channels; ++channel) to[channel] *= scale;
    }
    return;
  }
  for (std::int64_t channel = 0; channel < run.channels; ++channel) {
    const T* from = static_cast<const T*>(run.large) + channel * run.large_channel;
    T* to = static_cast<T*>(run.small) + channel * run.small_channel;
    for (std::int64_t window = 0; window < run.windows;
         ++window, from += run.large_window, to += run.small_window) {
      T sum{0};
      for (std::int64_t cell = 0; cell < run.cells; ++cell) sum += from[run.offsets[cell]];
      *to = sum * scale;
    }
  }
}

void average_pool(DType dtype, const WindowRun& run) {
  return dtype == DType::float32 ? average_typed<float>(run) : average_typed<double>(run);
}

template <bool add, class T>
HWY_INLINE void deliver(T value, T& cell) {
  if constexpr (add) {
    cell += value;
  } else {
    cell = value;
  }
}

template <class T, class W, bool add>
void max_backward_typed(const WindowRun& run) {
  if (run.large_channel == 1 && run.small_channel == 1 && run.winner_channel == 1 && run.channels > 1) {
    for (std::int64_t window = 0; window < run.windows; ++window) {
      T* to = static_cast<T*>(run.large) + window * run.large_window;
      const T* HWY_RESTRICT from = static_cast<const T*>(run.small) + window * run.small_window;
      const W* HWY_RESTRICT winner = winner_row<W>(run, window);
      for (std::int64_t cell = 0; cell < run.cells; ++cell) {
        T* HWY_RESTRICT values = to + run.offsets[cell];
        const W position = static_cast<W>(run.positions[cell]);
        for (std::int64_t channel = 0; channel < run.channels; ++channel) {
          deliver<add>(winner[channel] == position ? from[channel] : T{0}, values[channel]);
        }
      }
    }
    return;
  }
  for (std::int64_t channel = 0; channel < run.channels; ++channel) {
    T* to = static_cast<T*>(run.large) + channel * run.large_channel;
    const T* from = static_cast<const T*>(run.small) + channel * run.small_channel;
    for (std::int64_t window = 0; window < run.windows;
         ++window, to += run.large_window, from += run.small_window) {
      const W winner = winner_row<W>(run, window)[channel * run.winner_channel];
      for (std::int64_t cell = 0; cell < run.cells; ++cell) {
        deliver<add>(winner == static_cast<W>(run.positions[cell]) ? *from : T{0}, to[run.offsets[cell]]);
      }
    }
  }
}

/// float32 by one pass over the channels: the winners are widened once for all cells.
template <class W, bool add>
void max_backward_float(const WindowRun& run) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<W, decltype(d)> dw;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t window = 0; window < run.windows; ++window) {
    float* to = static_cast<float*>(run.large) + window * run.large_window;
    const float* from = static_cast<const float*>(run.small) + window * run.small_window;
    const W* winners = winner_row<W>(run, window);
    std::int64_t channel = 0;
    for (; channel + lanes <= run.channels; channel += lanes) {
      const auto value = hn::LoadU(d, from + channel);
      hn::Vec<decltype(di)> winner;
      if constexpr (sizeof(W) == 1) {
        winner = hn::PromoteTo(di, hn::LoadU(dw, winners + channel));
      } else {
        winner = hn::LoadU(di, winners + channel);
      }
      for (std::int64_t cell = 0; cell < run.cells; ++cell) {
        float* target = to + run.offsets[cell] + channel;
        const auto won = hn::RebindMask(d, hn::Eq(winner, hn::Set(di, run.positions[cell])));
        auto share = hn::IfThenElseZero(won, value);
        if constexpr (add) share = hn::Add(share, hn::LoadU(d, target));
        hn::StoreU(share, d, target);
      }
    }
    for (; channel < run.channels; ++channel) {
      for (std::int64_t cell = 0; cell < run.cells; ++cell) {
        const bool won = winners[channel] == static_cast<W>(run.positions[cell]);
        deliver<add>(won ? from[channel] : 0.0f, to[run.offsets[cell] + channel]);
      }
    }
  }
}

template <class T, class W>
void max_backward_any(bool add, const WindowRun& run) {
  if constexpr (std::is_same_v<T, float>) {
    const bool adjacent = run.large_channel == 1 && run.small_channel == 1 && run.winner_channel == 1;
    if (adjacent && run.channels >= static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<float>()))) {
      return add ? max_backward_float<W, true>(run) : max_backward_float<W, false>(run);
    }
  }
  return add ? max_backward_typed<T, W, true>(run) : max_backward_typed<T, W, false>(run);
}

void max_pool_backward(DType dtype, DType winner_dtype, bool add, const WindowRun& run) {
  if (dtype == DType::float32) {
    return winner_dtype == DType::uint8 ? max_backward_any<float, std::uint8_t>(add, run)
                                        : max_backward_any<float, std::int32_t>(add, run);
  }
  return winner_dtype == DType::uint8 ? max_backward_any<double, std::uint8_t>(add, run)
                                      : max_backward_any<double, std::int32_t>(add, run);
}

template <class T, bool add>
void average_backward_typed(const WindowRun& run) {
  const T scale = static_cast<T>(run.scale);
  if (run.large_channel == 1 && run.small_channel == 1 && run.channels > 1) {
    for (std::int64_t window = 0; window < run.windows; ++window) {
      T* to = static_cast<T*>(run.large) + window * run.large_window;
      const T* HWY_RESTRICT from = static_cast<const T*>(run.small) + window * run.small_window;
      for (std::int64_t cell = 0; cell < run.cells; ++cell) {
        T* HWY_RESTRICT values = to + run.offsets[cell];
        for (std::int64_t channel = 0; channel < run.channels; ++channel) {
          deliver<add>(from[channel] * scale, values[channel]);
        }
      }
    }
    return;
  }
  for (std::int64_t channel = 0; channel < run.channels; ++channel) {
    T* to = static_cast<T*>(run.large) + channel * run.large_channel;
    const T* from = static_cast<const T*>(run.small) + channel * run.small_channel;
    for (std::int64_t window = 0; window < run.windows;
         ++window, to += run.large_window, from += run.small_window) {
      for (std::int64_t cell = 0; cell < run.cells; ++cell)
        deliver<add>(*from * scale, to[run.offsets[cell]]);
    }
  }
}

void average_pool_backward(DType dtype, bool add, const WindowRun& run) {
  if (dtype == DType::float32) {
    return add ? average_backward_typed<float, true>(run) : average_backward_typed<float, false>(run);
  }
  return add ? average_backward_typed<double, true>(run) : average_backward_typed<double, false>(run);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(max_pool);
void max_pool(DType dtype, DType winner_dtype, const WindowRun& run) {
  RUSTORCH_DISPATCH(max_pool)(dtype, winner_dtype, run);
}

HWY_EXPORT(average_pool);
void average_pool(DType dtype, const WindowRun& run) { RUSTORCH_DISPATCH(average_pool)(dtype, run); }

HWY_EXPORT(max_pool_backward);
void max_pool_backward(DType dtype, DType winner_dtype, bool add, const WindowRun& run) {
  RUSTORCH_DISPATCH(max_pool_backward)(dtype, winner_dtype, add, run);
}

HWY_EXPORT(average_pool_backward);
void average_pool_backward(DType dtype, bool add, const WindowRun& run) {
  RUSTORCH_DISPATCH(average_pool_backward)(dtype, add, run);
}

}  // namespace rustorch::cpu
#endif
