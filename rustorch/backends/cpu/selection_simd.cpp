#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/selection_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>

#include "rustorch/backends/cpu/selection_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class T, bool largest>
void strip_extremes(const T* HWY_RESTRICT elements, std::int64_t rows, T* HWY_RESTRICT best) {
  constexpr auto lanes = static_cast<std::size_t>(SelectionKernels<T>::lanes);
  std::array<T, lanes> extreme;
  std::copy_n(elements, lanes, extreme.begin());
  for (std::int64_t row = 1; row < rows; ++row) {
    const T* const from = elements + row * SelectionKernels<T>::lanes;
    for (std::size_t i = 0; i < lanes; ++i) {
      const bool wins = largest ? extreme[i] > from[i] : extreme[i] < from[i];
      extreme[i] = wins ? extreme[i] : from[i];
    }
  }
  std::copy_n(extreme.begin(), lanes, best);
}

template <class T>
void extremes(const T* elements, std::int64_t strips, std::int64_t rows, bool largest, T* best) {
  constexpr std::int64_t lanes = SelectionKernels<T>::lanes;
  for (std::int64_t strip = 0; strip < strips; ++strip, elements += rows * lanes, best += lanes) {
    largest ? strip_extremes<T, true>(elements, rows, best) : strip_extremes<T, false>(elements, rows, best);
  }
}

template <class T, bool largest>
std::int64_t passed_over_by(const T* elements, std::int64_t n, T last) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto limit = hn::Set(d, last);
  const auto stays = [&](std::int64_t i) HWY_ATTR {
    const auto x = hn::LoadU(d, elements + i);
    return largest ? hn::Le(x, limit) : hn::Ge(x, limit);
  };
  std::int64_t i = 0;
  while (i + 4 * lanes <= n && hn::AllTrue(d, hn::And(hn::And(stays(i), stays(i + lanes)),
                                                      hn::And(stays(i + 2 * lanes), stays(i + 3 * lanes))))) {
    i += 4 * lanes;
  }
  for (; i + lanes <= n; i += lanes) {
    const std::intptr_t first = hn::FindFirstTrue(d, hn::Not(stays(i)));
    if (first >= 0) return i + first;
  }
  while (i < n && (largest ? elements[i] <= last : elements[i] >= last)) ++i;
  return i;
}

template <class T>
std::int64_t passed_over(const T* elements, std::int64_t n, T last, bool largest) {
  return largest ? passed_over_by<T, true>(elements, n, last) : passed_over_by<T, false>(elements, n, last);
}

}  // namespace

const SelectionKernels<float>& float_kernels() {
  static constexpr SelectionKernels<float> kernels{&extremes<float>, &passed_over<float>};
  return kernels;
}
const SelectionKernels<double>& double_kernels() {
  static constexpr SelectionKernels<double> kernels{&extremes<double>, &passed_over<double>};
  return kernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(float_kernels);
HWY_EXPORT(double_kernels);
const SelectionKernels<float>& selection_kernels(float) { return RUSTORCH_DISPATCH(float_kernels)(); }
const SelectionKernels<double>& selection_kernels(double) { return RUSTORCH_DISPATCH(double_kernels)(); }

}  // namespace rustorch::cpu
#endif
