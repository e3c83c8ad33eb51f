#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/layer_norm_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "rustorch/backends/cpu/layer_norm_kernels.h"
#include "rustorch/backends/cpu/row_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Statistics = LayerNormLoops::Statistics;

template <class T, bool has_weight, bool has_bias>
HWY_INLINE void normalize(const T* x, const T* weight, const T* bias, T* y, std::size_t n, T mean,
                          T inverse_std) {
  const hn::ScalableTag<T> d;
  const auto center = hn::Set(d, mean);
  const auto scale = hn::Set(d, inverse_std);
  for_each_vector<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    auto value = hn::Mul(hn::Sub(access.load(x + i), center), scale);
    if constexpr (has_weight) value = hn::Mul(value, access.load(weight + i));
    if constexpr (has_bias) value = hn::Add(value, access.load(bias + i));
    access.store(value, y + i);
  });
}

template <class T>
Statistics forward_row(const void* x_data, const void* weight_data, const void* bias_data, void* y_data,
                       std::size_t n, double epsilon) {
  const hn::ScalableTag<T> d;
  const T* const x = static_cast<const T*>(x_data);
  const T* const weight = static_cast<const T*>(weight_data);
  const T* const bias = static_cast<const T*>(bias_data);
  T* const y = static_cast<T*>(y_data);
  const auto count = static_cast<double>(n);
  // About the mean as a first sum gives it, rounded; the mean distance from there corrects both mean and
  // variance.
  const double sum =
      sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR { return access.load(x + i); });
  const T center = static_cast<T>(sum / count);
  const auto shift = hn::Set(d, center);
  double distances, squares;
  sum_with_squares<T>(
      n, [&](std::size_t i, const auto& access) HWY_ATTR { return hn::Sub(access.load(x + i), shift); },
      distances, squares);
  const double off = distances / count;
  const double mean = static_cast<double>(center) + off;
  const double variance = squares / count - off * off;
  const T rounded = static_cast<T>(mean);
  const double inverse_std = 1.0 / std::sqrt((variance < 0 ? 0.0 : variance) + epsilon);
  const T scale = static_cast<T>(inverse_std);
  if (weight != nullptr) {
    if (bias != nullptr) {
      normalize<T, true, true>(x, weight, bias, y, n, rounded, scale);
    } else {
      normalize<T, true, false>(x, weight, bias, y, n, rounded, scale);
    }
  } else if (bias != nullptr) {
    normalize<T, false, true>(x, weight, bias, y, n, rounded, scale);
  } else {
    normalize<T, false, false>(x, weight, bias, y, n, rounded, scale);
  }
  return {mean, inverse_std};
}

/// With g = dy · weight and x̂ the normalized x: dx = (g - mean(g) - x̂ · mean(g · x̂)) · inverse_std.
template <class T, bool has_weight>
HWY_INLINE void backward_input(const T* x, const T* dy, const T* weight, T mean, T inverse_std, T* dx,
                               std::size_t n) {
  const hn::ScalableTag<T> d;
  const auto center = hn::Set(d, mean);
  const auto scale = hn::Set(d, inverse_std);
  const auto gradient = [&](std::size_t i, const auto& access) HWY_ATTR {
    if constexpr (has_weight)
      return hn::Mul(access.load(dy + i), access.load(weight + i));
    else
      return access.load(dy + i);
  };
  const auto normalized = [&](std::size_t i, const auto& access)
                              HWY_ATTR { return hn::Mul(hn::Sub(access.load(x + i), center), scale); };
  const auto count = static_cast<double>(n);
  const double sum =
      sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR { return gradient(i, access); });
  const double product = sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    return hn::Mul(gradient(i, access), normalized(i, access));
  });
  const auto mean_gradient = hn::Set(d, static_cast<T>(sum / count));
  const auto mean_product = hn::Set(d, static_cast<T>(product / count));
  for_each_vector<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    const auto rest = hn::Sub(gradient(i, access), mean_gradient);
    access.store(hn::Mul(scale, hn::Sub(rest, hn::Mul(normalized(i, access), mean_product))), dx + i);
  });
}

template <class T>
void backward_row(const void* x_data, const void* dy_data, const void* weight_data, Statistics statistics,
                  void* dx_data, void* d_weight_data, void* d_bias_data, std::size_t n) {
  const hn::ScalableTag<T> d;
  const T* const x = static_cast<const T*>(x_data);
  const T* const dy = static_cast<const T*>(dy_data);
  const T* const weight = static_cast<const T*>(weight_data);
  T* const dx = static_cast<T*>(dx_data);
  T* const d_weight = static_cast<T*>(d_weight_data);
  T* const d_bias = static_cast<T*>(d_bias_data);
  const T mean = static_cast<T>(statistics.mean);
  const T inverse_std = static_cast<T>(statistics.inverse_std);
  if (dx != nullptr) {
    if (weight != nullptr) {
      backward_input<T, true>(x, dy, weight, mean, inverse_std, dx, n);
    } else {
      backward_input<T, false>(x, dy, weight, mean, inverse_std, dx, n);
    }
  }
  if (d_weight != nullptr) {
    const auto center = hn::Set(d, mean);
    const auto scale = hn::Set(d, inverse_std);
    for_each_vector<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
      const auto normalized = hn::Mul(hn::Sub(access.load(x + i), center), scale);
      access.store(hn::Add(access.load(d_weight + i), hn::Mul(access.load(dy + i), normalized)),
                   d_weight + i);
    });
  }
  if (d_bias != nullptr) {
    for_each_vector<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
      access.store(hn::Add(access.load(d_bias + i), access.load(dy + i)), d_bias + i);
    });
  }
}

template <class T>
constexpr LayerNormLoops loops_of{&forward_row<T>, &backward_row<T>};

}  // namespace

const LayerNormLoops* layer_norm_table(bool double_precision) {
  return double_precision ? &loops_of<double> : &loops_of<float>;
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(layer_norm_table);
const LayerNormLoops& layer_norm_loops(bool double_precision) {
  return *RUSTORCH_DISPATCH(layer_norm_table)(double_precision);
}

}  // namespace rustorch::cpu
#endif
