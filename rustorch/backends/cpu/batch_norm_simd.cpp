#include "rustorch/backends/cpu/batch_norm.h"

#include <algorithm>

#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/batch_norm_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Rows (and elements of a line) whose sums are kept in the dtype before they join the total in double: few
/// enough to lose nothing, and read twice from the first-level cache.
inline constexpr std::int64_t block_rows = 128;
inline constexpr std::int64_t block_elements = 1024;
/// Vectors of channels that are summed side by side.
inline constexpr int strip = 4;

/// Sums over the rows of a block of channels that fill `vectors` vectors.
template <int vectors, class D>
struct RowSums {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;

  /// The mean of a block, and around it the sum of distances (what rounding the mean left) and of their
  /// squares.
  static HWY_INLINE void moments(const T* from, std::int64_t row_stride, std::int64_t rows,
                                 std::int64_t lanes, T* means, T* rests, T* squares) {
    const D d;
    V sum[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[v] = hn::Zero(d);
    const T* row = from;
    for (std::int64_t i = 0; i < rows; ++i, row += row_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[v] = hn::Add(sum[v], hn::LoadU(d, row + v * lanes));
    }
    V mean[vectors], rest[vectors], square[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      mean[v] = hn::Div(sum[v], hn::Set(d, static_cast<T>(rows)));
      rest[v] = square[v] = hn::Zero(d);
    }
    row = from;
    for (std::int64_t i = 0; i < rows; ++i, row += row_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const V distance = hn::Sub(hn::LoadU(d, row + v * lanes), mean[v]);
        rest[v] = hn::Add(rest[v], distance);
        square[v] = hn::MulAdd(distance, distance, square[v]);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      hn::StoreU(mean[v], d, means + v * lanes);
      hn::StoreU(rest[v], d, rests + v * lanes);
      hn::StoreU(square[v], d, squares + v * lanes);
    }
  }

  static HWY_INLINE void gradients(const T* from, std::int64_t row_stride, const T* gradient,
                                   std::int64_t gradient_stride, std::int64_t rows, std::int64_t lanes,
                                   const T* means, T* sums, T* products) {
    const D d;
    V sum[vectors], product[vectors], mean[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      sum[v] = product[v] = hn::Zero(d);
      mean[v] = hn::LoadU(d, means + v * lanes);
    }
    for (std::int64_t i = 0; i < rows; ++i, from += row_stride, gradient += gradient_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const V g = hn::LoadU(d, gradient + v * lanes);
        sum[v] = hn::Add(sum[v], g);
        product[v] = hn::MulAdd(g, hn::Sub(hn::LoadU(d, from + v * lanes), mean[v]), product[v]);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      hn::StoreU(sum[v], d, sums + v * lanes);
      hn::StoreU(product[v], d, products + v * lanes);
    }
  }
};

/// Calls f.template operator()<vectors, D>(channel) for strips that cover all channels: strips of vectors,
/// single vectors, then single lanes.
template <class T, class F>
HWY_INLINE void for_strips(std::int64_t channels, const F& f) {
  using Wide = hn::ScalableTag<T>;
  using Single = hn::CappedTag<T, 1>;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Wide()));
  std::int64_t channel = 0;
  for (; channel + strip * lanes <= channels; channel += strip * lanes)
    f.template operator()<strip, Wide>(channel);
  for (; channel + 2 * lanes <= channels; channel += 2 * lanes) f.template operator()<2, Wide>(channel);
  for (; channel + lanes <= channels; channel += lanes) f.template operator()<1, Wide>(channel);
  for (; channel < channels; ++channel) f.template operator()<1, Single>(channel);
}

inline constexpr std::int64_t strip_capacity = HWY_MAX_BYTES / sizeof(float) * strip;

/// What joining a block of elements to those before it takes, for all channels alike.
struct BlockWeights {
  BlockWeights(std::int64_t before, std::int64_t here)
      : count(static_cast<double>(here)),
        inverse_count(1 / count),
        share(count / static_cast<double>(before + here)),
        weight(static_cast<double>(before) * share) {}

  /// Adds a block's mean, sum of distances from that mean, and sum of their squares.
  template <class T>
  HWY_INLINE void add(Moments& total, T mean, T rest, T squares) const {
    const double shift = static_cast<double>(rest) * inverse_count;
    const double distance = static_cast<double>(mean) + shift - total.mean;
    total.mean += distance * share;
    total.squares += static_cast<double>(squares) - shift * shift * count + distance * distance * weight;
  }

  double count, inverse_count, share, weight;
};

template <class T>
void row_moments_typed(const NormRows& part, Moments* moments) {
  const T* input = static_cast<const T*>(part.input);
  for (std::int64_t channel = 0; channel < part.channels; ++channel) moments[channel] = {};
  for (std::int64_t begin = 0; begin < part.rows; begin += block_rows) {
    const std::int64_t rows = std::min(block_rows, part.rows - begin);
    const BlockWeights weights(begin, rows);
    const auto strip_moments = [&]<int vectors, class D>(std::int64_t channel) HWY_ATTR {
      const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
      T means[strip_capacity], rests[strip_capacity], squares[strip_capacity];
      RowSums<vectors, D>::moments(input + begin * part.input_row + channel, part.input_row, rows, lanes,
                                   means, rests, squares);
      for (std::int64_t i = 0; i < vectors * lanes; ++i) {
        weights.add(moments[channel + i], means[i], rests[i], squares[i]);
      }
    };
    for_strips<T>(part.channels, strip_moments);
  }
}

void row_moments(DType dtype, const NormRows& part, Moments* moments) {
  dtype == DType::float32 ? row_moments_typed<float>(part, moments)
                          : row_moments_typed<double>(part, moments);
}

template <class T>
void row_gradient_sums_typed(const NormRows& part, const T* means, GradientSums* sums) {
  const T* input = static_cast<const T*>(part.input);
  const T* gradient = static_cast<const T*>(part.gradient);
  for (std::int64_t channel = 0; channel < part.channels; ++channel) sums[channel] = {};
  for (std::int64_t begin = 0; begin < part.rows; begin += block_rows) {
    const std::int64_t rows = std::min(block_rows, part.rows - begin);
    const auto strip_sums = [&]<int vectors, class D>(std::int64_t channel) HWY_ATTR {
      const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
      T gradients[strip_capacity], products[strip_capacity];
      RowSums<vectors, D>::gradients(input + begin * part.input_row + channel, part.input_row,
                                     gradient + begin * part.gradient_row + channel, part.gradient_row, rows,
                                     lanes, means + channel, gradients, products);
      for (std::int64_t i = 0; i < vectors * lanes; ++i) {
        sums[channel + i].gradient += static_cast<double>(gradients[i]);
        sums[channel + i].product += static_cast<double>(products[i]);
      }
    };
    for_strips<T>(part.channels, strip_sums);
  }
}

void row_gradient_sums(DType dtype, const NormRows& part, const void* means, GradientSums* sums) {
  if (dtype == DType::float32) return row_gradient_sums_typed(part, static_cast<const float*>(means), sums);
  row_gradient_sums_typed(part, static_cast<const double*>(means), sums);
}

/// The sum of f(i) over a block, vectors first: f gets a tag and an index and returns a vector.
template <class T, class F>
HWY_INLINE T sum_block(std::int64_t count, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> single;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    sum0 = hn::Add(sum0, f(d, i));
    sum1 = hn::Add(sum1, f(d, i + lanes));
    sum2 = hn::Add(sum2, f(d, i + 2 * lanes));
    sum3 = hn::Add(sum3, f(d, i + 3 * lanes));
  }
  for (; i + lanes <= count; i += lanes) sum0 = hn::Add(sum0, f(d, i));
  T sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  for (; i < count; ++i) sum += hn::GetLane(f(single, i));
  return sum;
}

template <class T>
Moments line_moments_typed(const T* input, std::int64_t count) {
  Moments total;
  for (std::int64_t begin = 0; begin < count; begin += block_elements) {
    const std::int64_t elements = std::min(block_elements, count - begin);
    const T* from = input + begin;
    const auto value = [&](auto d, std::int64_t i) HWY_ATTR { return hn::LoadU(d, from + i); };
    const T mean = sum_block<T>(elements, value) / static_cast<T>(elements);
    const auto distance = [&](auto d, std::int64_t i)
                              HWY_ATTR { return hn::Sub(hn::LoadU(d, from + i), hn::Set(d, mean)); };
    const auto square = [&](auto d, std::int64_t i) HWY_ATTR {
      const auto apart = hn::Sub(hn::LoadU(d, from + i), hn::Set(d, mean));
      return hn::Mul(apart, apart);
    };
    BlockWeights(begin, elements)
        .add(total, mean, sum_block<T>(elements, distance), sum_block<T>(elements, square));
  }
  return total;
}

Moments line_moments(DType dtype, const void* input, std::int64_t count) {
  return dtype == DType::float32 ? line_moments_typed(static_cast<const float*>(input), count)
                                 : line_moments_typed(static_cast<const double*>(input), count);
}

template <class T>
GradientSums line_gradient_sums_typed(const T* input, const T* gradient, std::int64_t count, T mean) {
  GradientSums total;
  for (std::int64_t begin = 0; begin < count; begin += block_elements) {
    const std::int64_t elements = std::min(block_elements, count - begin);
    const auto value = [&](auto d, std::int64_t i) HWY_ATTR { return hn::LoadU(d, gradient + begin + i); };
    const auto product = [&](auto d, std::int64_t i) HWY_ATTR {
      return hn::Mul(hn::LoadU(d, gradient + begin + i),
                     hn::Sub(hn::LoadU(d, input + begin + i), hn::Set(d, mean)));
    };
    total.gradient += static_cast<double>(sum_block<T>(elements, value));
    total.product += static_cast<double>(sum_block<T>(elements, product));
  }
  return total;
}

GradientSums line_gradient_sums(DType dtype, const void* input, const void* gradient, std::int64_t count,
                                double mean) {
  if (dtype == DType::float32) {
    return line_gradient_sums_typed(static_cast<const float*>(input), static_cast<const float*>(gradient),
                                    count, static_cast<float>(mean));
  }
  return line_gradient_sums_typed(static_cast<const double*>(input), static_cast<const double*>(gradient),
                                  count, mean);
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(row_moments);
void row_moments(DType dtype, const NormRows& part, Moments* moments) {
  RUSTORCH_DISPATCH(row_moments)(dtype, part, moments);
}

HWY_EXPORT(row_gradient_sums);
void row_gradient_sums(DType dtype, const NormRows& part, const void* means, GradientSums* sums) {
  RUSTORCH_DISPATCH(row_gradient_sums)(dtype, part, means, sums);
}

HWY_EXPORT(line_moments);
Moments line_moments(DType dtype, const void* input, std::int64_t count) {
  return RUSTORCH_DISPATCH(line_moments)(dtype, input, count);
}

HWY_EXPORT(line_gradient_sums);
GradientSums line_gradient_sums(DType dtype, const void* input, const void* gradient, std::int64_t count,
                                double mean) {
  return RUSTORCH_DISPATCH(line_gradient_sums)(dtype, input, gradient, count, mean);
}

}  // namespace rustorch::cpu
#endif
