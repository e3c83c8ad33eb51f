#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/softmax_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "rustorch/backends/cpu/row_math-inl.h"
#include "rustorch/backends/cpu/softmax_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

// Rows are read three times; all but the longest stay in the second-level cache meanwhile. A row with NaN or
// +inf, or of -inf alone, becomes NaN by itself: x - max is NaN somewhere, so the sum is.
template <class T>
void forward_row(const void* x_data, void* y_data, std::size_t n, bool logarithm) {
  const hn::ScalableTag<T> d;
  const T* const x = static_cast<const T*>(x_data);
  T* const y = static_cast<T*>(y_data);
  const T top = largest(x, n);
  const auto shift = hn::Set(d, top);
  if (logarithm) {
    const double sum = sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
      return exp_of_nonpositive<T>(hn::Sub(access.load(x + i), shift));
    });
    const auto log_sum = hn::Set(d, static_cast<T>(std::log(sum)));
    for_each_vector<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
      access.store(hn::Sub(hn::Sub(access.load(x + i), shift), log_sum), y + i);
    });
    return;
  }
  const double sum = sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    const auto e = exp_of_nonpositive<T>(hn::Sub(access.load(x + i), shift));
    access.store(e, y + i);
    return e;
  });
  const auto scale = hn::Set(d, static_cast<T>(1.0 / sum));
  for_each_vector<T>(n, [&](std::size_t i, const auto& access)
                            HWY_ATTR { access.store(hn::Mul(access.load(y + i), scale), y + i); });
}

template <class T>
void forward_columns(const void* x_data, std::ptrdiff_t x_stride, void* y_data, std::ptrdiff_t y_stride,
                     std::size_t n, std::size_t width, bool logarithm) {
  const T* const x = static_cast<const T*>(x_data);
  T* const y = static_cast<T*>(y_data);
  const auto row = [](auto* data, std::size_t r, std::ptrdiff_t stride)
                       HWY_ATTR { return data + static_cast<std::ptrdiff_t>(r) * stride; };
  T top[SoftmaxLoops::max_width], sum[SoftmaxLoops::max_width];
  for (std::size_t j = 0; j < width; ++j) {
    top[j] = -std::numeric_limits<T>::infinity();
    sum[j] = 0;
  }
  for (std::size_t r = 0; r < n; ++r) {
    const T* const from = row(x, r, x_stride);
    for_each_vector<T>(width, [&](std::size_t j, const auto& access) HWY_ATTR {
      access.store(hn::Max(access.load(top + j), access.load(from + j)), top + j);
    });
  }
  for (std::size_t r = 0; r < n; ++r) {
    const T* const from = row(x, r, x_stride);
    T* const to = row(y, r, y_stride);
    for_each_vector<T>(width, [&](std::size_t j, const auto& access) HWY_ATTR {
      const auto distance = hn::Sub(access.load(from + j), access.load(top + j));
      const auto e = exp_of_nonpositive<T>(distance);
      access.store(logarithm ? distance : e, to + j);
      access.store(hn::Add(access.load(sum + j), e), sum + j);
    });
  }
  for (std::size_t j = 0; j < width; ++j) sum[j] = logarithm ? std::log(sum[j]) : T(1) / sum[j];
  for (std::size_t r = 0; r < n; ++r) {
    T* const to = row(y, r, y_stride);
    for_each_vector<T>(width, [&](std::size_t j, const auto& access) HWY_ATTR {
      const auto value = access.load(to + j);
      const auto last = access.load(sum + j);
      access.store(logarithm ? hn::Sub(value, last) : hn::Mul(value, last), to + j);
    });
  }
}

template <class T>
void backward_row(const void* y_data, const void* dy_data, void* dx_data, std::size_t n, bool logarithm) {
  const hn::ScalableTag<T> d;
  const T* const y = static_cast<const T*>(y_data);
  const T* const dy = static_cast<const T*>(dy_data);
  T* const dx = static_cast<T*>(dx_data);
  if (logarithm) {  // dx = dy - e^y Σ dy
    const double sum =
        sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR { return access.load(dy + i); });
    const auto total = hn::Set(d, static_cast<T>(sum));
    for_each_vector<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
      const auto e = exp_of_nonpositive<T>(access.load(y + i));
      access.store(hn::Sub(access.load(dy + i), hn::Mul(e, total)), dx + i);
    });
    return;
  }
  const double sum =
      sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {  // dx = y (dy - Σ y dy)
        return hn::Mul(access.load(y + i), access.load(dy + i));
      });
  const auto total = hn::Set(d, static_cast<T>(sum));
  for_each_vector<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    access.store(hn::Mul(access.load(y + i), hn::Sub(access.load(dy + i), total)), dx + i);
  });
}

template <class T>
void backward_columns(const void* y_data, std::ptrdiff_t y_stride, const void* dy_data,
                      std::ptrdiff_t dy_stride, void* dx_data, std::ptrdiff_t dx_stride, std::size_t n,
                      std::size_t width, bool logarithm) {
  const auto row = [](auto* data, std::size_t r, std::ptrdiff_t stride)
                       HWY_ATTR { return data + static_cast<std::ptrdiff_t>(r) * stride; };
  T sum[SoftmaxLoops::max_width];
  for (std::size_t j = 0; j < width; ++j) sum[j] = 0;
  for (std::size_t r = 0; r < n; ++r) {
    const T* const y = row(static_cast<const T*>(y_data), r, y_stride);
    const T* const dy = row(static_cast<const T*>(dy_data), r, dy_stride);
    for_each_vector<T>(width, [&](std::size_t j, const auto& access) HWY_ATTR {
      const auto gradient = access.load(dy + j);
      const auto term = logarithm ? gradient : hn::Mul(access.load(y + j), gradient);
      access.store(hn::Add(access.load(sum + j), term), sum + j);
    });
  }
  for (std::size_t r = 0; r < n; ++r) {
    const T* const y = row(static_cast<const T*>(y_data), r, y_stride);
    const T* const dy = row(static_cast<const T*>(dy_data), r, dy_stride);
    T* const dx = row(static_cast<T*>(dx_data), r, dx_stride);
    for_each_vector<T>(width, [&](std::size_t j, const auto& access) HWY_ATTR {
      const auto value = access.load(y + j);
      const auto gradient = access.load(dy + j);
      const auto total = access.load(sum + j);
      const auto result = logarithm ? hn::Sub(gradient, hn::Mul(exp_of_nonpositive<T>(value), total))
                                    : hn::Mul(value, hn::Sub(gradient, total));
      access.store(result, dx + j);
    });
  }
}

template <class T>
constexpr SoftmaxLoops loops_of{&forward_row<T>, &forward_columns<T>, &backward_row<T>, &backward_columns<T>};

}  // namespace

const SoftmaxLoops* softmax_table(bool double_precision) {
  return double_precision ? &loops_of<double> : &loops_of<float>;
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(softmax_table);
const SoftmaxLoops& softmax_loops(bool double_precision) {
  return *RUSTORCH_DISPATCH(softmax_table)(double_precision);
}

}  // namespace rustorch::cpu
#endif
