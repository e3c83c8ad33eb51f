#include "rustorch/compute/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rustorch/backends/cpu/cross_entropy_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rustorch/backends/cpu/cross_entropy_kernels.h"
#include "rustorch/backends/cpu/row_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

template <class T>
CrossEntropyLoops::Exponentials exponentials(const void* data, std::size_t n) {
  const T* const x = static_cast<const T*>(data);
  const T top = largest(x, n);
  const auto shift = hn::Set(hn::ScalableTag<T>(), top);
  const double sum = sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    return exp_of_nonpositive<T>(hn::Sub(access.load(x + i), shift));
  });
  return {static_cast<double>(top), sum};
}

template <class T>
double distances(const void* data, const void* weight_data, double top, std::size_t n) {
  const T* const x = static_cast<const T*>(data);
  const T* const weight = static_cast<const T*>(weight_data);
  const auto shift = hn::Set(hn::ScalableTag<T>(), static_cast<T>(top));
  if (weight == nullptr) {
    return sum_vectors<T>(
        n, [&](std::size_t i, const auto& access) HWY_ATTR { return hn::Sub(access.load(x + i), shift); });
  }
  return sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    return hn::Mul(access.load(weight + i), hn::Sub(access.load(x + i), shift));
  });
}

template <class T>
void backward_row(const void* data, const void* weight_data, double log_sum_exp, double probability_factor,
                  double weight_factor, void* dx_data, std::size_t n) {
  const hn::ScalableTag<T> d;
  const T* const x = static_cast<const T*>(data);
  const T* const weight = static_cast<const T*>(weight_data);
  T* const dx = static_cast<T*>(dx_data);
  const auto shift = hn::Set(d, static_cast<T>(log_sum_exp));
  // The logarithm was rounded to its dtype, which scales all e^(x - logarithm) alike: their sum tells by how
  // much.
  const double sum = sum_vectors<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    const auto e = exp_of_nonpositive<T>(hn::Sub(access.load(x + i), shift));
    access.store(e, dx + i);
    return e;
  });
  const auto scale = hn::Set(d, static_cast<T>(probability_factor / sum));
  if (weight_factor == 0) {
    for_each_vector<T>(n, [&](std::size_t i, const auto& access)
                              HWY_ATTR { access.store(hn::Mul(access.load(dx + i), scale), dx + i); });
    return;
  }
  const auto factor = hn::Set(d, static_cast<T>(weight_factor));
  for_each_vector<T>(n, [&](std::size_t i, const auto& access) HWY_ATTR {
    const auto smoothing = weight == nullptr ? factor : hn::Mul(factor, access.load(weight + i));
    access.store(hn::Sub(hn::Mul(access.load(dx + i), scale), smoothing), dx + i);
  });
}

template <class T>
constexpr CrossEntropyLoops loops_of{&exponentials<T>, &distances<T>, &backward_row<T>};

}  // namespace

const CrossEntropyLoops* cross_entropy_table(bool double_precision) {
  return double_precision ? &loops_of<double> : &loops_of<float>;
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rustorch::cpu {

HWY_EXPORT(cross_entropy_table);
const CrossEntropyLoops& cross_entropy_loops(bool double_precision) {
  return *RUSTORCH_DISPATCH(cross_entropy_table)(double_precision);
}

}  // namespace rustorch::cpu
#endif
