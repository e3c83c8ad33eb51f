// What the row kernels (softmax, layer norm, cross entropy) share, for files that are compiled once per
// target (compute/simd/targets.h).

#if defined(RUSTORCH_BACKENDS_CPU_ROW_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_BACKENDS_CPU_ROW_MATH_INL_H_
#undef RUSTORCH_BACKENDS_CPU_ROW_MATH_INL_H_
#else
#define RUSTORCH_BACKENDS_CPU_ROW_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include <limits>

#include "rustorch/compute/simd/arch/features-inl.h"
#include "rustorch/compute/simd/ops/transcendental/exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// How a loop body reads and writes: whole vectors, or the last part of one (what lies beyond reads as zero).
template <class T>
struct WholeVector {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  HWY_INLINE V load(const T* from) const { return hn::LoadU(D(), from); }
  HWY_INLINE void store(V value, T* to) const { hn::StoreU(value, D(), to); }
  HWY_INLINE V keep(V value, V) const { return value; }
};
template <class T>
struct PartOfVector {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  explicit HWY_INLINE PartOfVector(std::size_t n) : count(n), mask(hn::FirstN(D(), n)) {}
  std::size_t count;
  hn::Mask<D> mask;
  // Without such instructions Highway's functions touch all lanes.
  HWY_INLINE V load(const T* from) const {
    if constexpr (simd::HWY_NAMESPACE::has_masked_memory) return hn::MaskedLoad(mask, D(), from);
    T lanes[hn::MaxLanes(D())] = {};
    for (std::size_t i = 0; i < count; ++i) lanes[i] = from[i];
    return hn::LoadU(D(), lanes);
  }
  HWY_INLINE void store(V value, T* to) const {
    if constexpr (simd::HWY_NAMESPACE::has_masked_memory) return hn::BlendedStore(value, mask, D(), to);
    T lanes[hn::MaxLanes(D())];
    hn::StoreU(value, D(), lanes);
    for (std::size_t i = 0; i < count; ++i) to[i] = lanes[i];
  }
  HWY_INLINE V keep(V value, V otherwise) const { return hn::IfThenElse(mask, value, otherwise); }
};

/// Calls body(i, access) for vectors of elements [i, i + lanes) up to n.
template <class T, class Body>
HWY_INLINE void for_each_vector(std::size_t n, const Body& body) {
  const std::size_t step = hn::Lanes(hn::ScalableTag<T>());
  std::size_t i = 0;
  for (; i + step <= n; i += step) body(i, WholeVector<T>{});
  if (i < n) body(i, PartOfVector<T>(n - i));
}

/// Folds the vectors that make(i, access) gives over n elements, four accumulators at a time, from `start`,
/// which is neutral.
template <class T, class Fold, class Make>
HWY_INLINE hn::Vec<hn::ScalableTag<T>> fold_vectors(std::size_t n, T start, const Fold& fold,
                                                    const Make& make) {
  const hn::ScalableTag<T> d;
  const std::size_t step = hn::Lanes(d);
  const auto neutral = hn::Set(d, start);
  auto a0 = neutral, a1 = neutral, a2 = neutral, a3 = neutral;
  const WholeVector<T> whole;
  std::size_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    a0 = fold(a0, make(i, whole));
    a1 = fold(a1, make(i + step, whole));
    a2 = fold(a2, make(i + 2 * step, whole));
    a3 = fold(a3, make(i + 3 * step, whole));
  }
  for (; i + step <= n; i += step) a0 = fold(a0, make(i, whole));
  if (i < n) {
    const PartOfVector<T> part(n - i);
    a1 = fold(a1, part.keep(make(i, part), neutral));
  }
  return fold(fold(a0, a1), fold(a2, a3));
}

constexpr std::size_t sum_block = 8192;  // elements that are summed in T before they are added in double

/// The sum of what make(i, access) gives.
template <class T, class Make>
HWY_INLINE double sum_vectors(std::size_t n, const Make& make) {
  const hn::ScalableTag<T> d;
  const auto add = [](auto a, auto b) HWY_ATTR { return hn::Add(a, b); };
  double sum = 0;
  for (std::size_t start = 0; start < n; start += sum_block) {
    const auto from = [&](std::size_t i, const auto& access) HWY_ATTR { return make(start + i, access); };
    const auto block = fold_vectors<T>(HWY_MIN(sum_block, n - start), T(0), add, from);
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, block)));
  }
  return sum;
}

/// The sums of v and of v² over the vectors v that make(i, access) gives.
template <class T, class Make>
HWY_INLINE void sum_with_squares(std::size_t n, const Make& make, double& sum, double& squares) {
  const hn::ScalableTag<T> d;
  const std::size_t step = hn::Lanes(d);
  sum = squares = 0;
  for (std::size_t start = 0; start < n; start += sum_block) {
    const std::size_t end = HWY_MIN(n, start + sum_block);
    auto s0 = hn::Zero(d), s1 = s0, q0 = s0, q1 = s0;
    const WholeVector<T> whole;
    std::size_t i = start;
    for (; i + 2 * step <= end; i += 2 * step) {
      const auto v0 = make(i, whole);
      const auto v1 = make(i + step, whole);
      s0 = hn::Add(s0, v0);
      s1 = hn::Add(s1, v1);
      q0 = hn::MulAdd(v0, v0, q0);
      q1 = hn::MulAdd(v1, v1, q1);
    }
    const auto add_last = [&](std::size_t at, const auto& access) HWY_ATTR {
      const auto v = access.keep(make(at, access), hn::Zero(d));
      s0 = hn::Add(s0, v);
      q0 = hn::MulAdd(v, v, q0);
    };
    if (i + step <= end) {
      add_last(i, whole);
      i += step;
    }
    if (i < end) add_last(i, PartOfVector<T>(end - i));
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1))));
    squares += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(q0, q1))));
  }
}

/// The largest element; of a row with NaN it may be any.
template <class T>
HWY_INLINE T largest(const T* x, std::size_t n) {
  const auto best = fold_vectors<T>(
      n, -std::numeric_limits<T>::infinity(), [](auto a, auto b) HWY_ATTR { return hn::Max(a, b); },
      [&](std::size_t i, const auto& access) HWY_ATTR { return access.load(x + i); });
  return hn::GetLane(hn::MaxOfLanes(hn::ScalableTag<T>(), best));
}

/// e^x for x up to about 1, as probabilities need it: results below the normal range are 0, NaN stays.
template <class T>
HWY_INLINE hn::Vec<hn::ScalableTag<T>> exp_of_nonpositive(hn::Vec<hn::ScalableTag<T>> x_lanes) {
  namespace simd = rustorch::simd::HWY_NAMESPACE;
  using V = simd::Vector<T>;
  const V x{x_lanes};
  const simd::ReducedExponent<T> reduced(x);
  const V one = V::literal(1);
  const V of_rest = one + simd::expm1_of_small<T>(reduced.r);
  // A product, because only the exponent of numbers may be added to. Not "x ≥ limit": NaN must come through.
  const V y = of_rest * simd::raise<T>(one, reduced.shifted_n);
  return simd::select(x < simd::by_type<T>(-87.33654, -708.39641), V::literal(0), y).v;
}

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::cpu
HWY_AFTER_NAMESPACE();

#endif  // include guard, per target
