// The loops that carry a formula of the op table over contiguous arrays. Compiled once per target.

#if defined(RUSTORCH_COMPUTE_SIMD_KERNEL_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RUSTORCH_COMPUTE_SIMD_KERNEL_LOOPS_INL_H_
#undef RUSTORCH_COMPUTE_SIMD_KERNEL_LOOPS_INL_H_
#else
#define RUSTORCH_COMPUTE_SIMD_KERNEL_LOOPS_INL_H_
#endif

#include <cstring>

#include "rustorch/compute/simd/dialect-inl.h"
#include "rustorch/compute/simd/kernel_table.h"
#include "rustorch/compute/simd/targets.h"

HWY_BEFORE_NAMESPACE();
namespace rustorch::simd {
namespace HWY_NAMESPACE {

/// Bytes from which a loop is taken to stream through memory. Tiles of programs are shorter.
constexpr std::size_t streaming_bytes = 65536;

/// Asks for the memory that a loop will reach a few hundred nanoseconds later: what a core asks for by itself
/// while it computes a function is too little to keep its share of the memory busy. (Arithmetic of two
/// operands leaves it time enough, and became slower.)
template <bool written = false, class T>
HWY_INLINE void prefetch_ahead(const T* p) {
  __builtin_prefetch(p + 1024 / sizeof(T), written ? 1 : 0);
}

/// Real and complex numbers, a register (or two) at a time. The last elements go through a buffer and the
/// same loop, so that every formula is compiled once and elements do not depend on where they stand.
template <class Formula, class Number>
void run_vectors(const void* x, const void* y, const void* z, void* out, std::size_t n) {
  using T = typename Number::Part;
  const hn::ScalableTag<T> d;
  constexpr std::size_t parts = Number::parts;
  const std::size_t step = hn::Lanes(d) * parts;
  HWY_ALIGN T buffers[4][hn::MaxLanes(d) * parts];
  const T* px = static_cast<const T*>(x);
  const T* py = static_cast<const T*>(y);
  const T* pz = static_cast<const T*>(z);
  T* po = static_cast<T*>(out);
  n *= parts;
  std::size_t whole = n / step * step;
  const std::size_t rest = n - whole;
  const bool streams = Formula::arity == 1 && n * sizeof(T) >= streaming_bytes;
  while (true) {
    for (std::size_t i = 0; i < whole; i += step) {
      if (streams && i % (64 / sizeof(T)) == 0) {  // once a cache line
        prefetch_ahead(px + i);
        prefetch_ahead<true>(po + i);
      }
      const Number a = Number::load(px + i);
      Number b = a;
      Number c = a;
      if constexpr (Formula::arity >= 2) b = Number::load(py + i);
      if constexpr (Formula::arity >= 3) c = Number::load(pz + i);
      Formula::apply(a, b, c).store(po + i);
    }
    if (rest == 0) return;
    if (po == buffers[3]) {
      std::memcpy(static_cast<T*>(out) + (n - rest), buffers[3], rest * sizeof(T));
      return;
    }
    // Lanes without an element repeat one, because a lane of garbage could be slow (NaN, subnormals).
    const auto stage = [&](const T*& p, T* buffer) HWY_ATTR {
      for (std::size_t i = 0; i < step; i += parts) std::memcpy(buffer + i, p + whole, parts * sizeof(T));
      std::memcpy(buffer, p + whole, rest * sizeof(T));
      p = buffer;
    };
    stage(px, buffers[0]);
    if constexpr (Formula::arity >= 2) stage(py, buffers[1]);
    if constexpr (Formula::arity >= 3) stage(pz, buffers[2]);
    po = buffers[3];
    whole = step;
  }
}

/// Integers, element by element for the compiler to vectorize.
template <class Formula, class Number>
void run_elements(const void* x, const void* y, const void* z, void* out, std::size_t n) {
  const Number* px = static_cast<const Number*>(x);
  const Number* py = static_cast<const Number*>(y);
  const Number* pz = static_cast<const Number*>(z);
  Number* po = static_cast<Number*>(out);
  RUSTORCH_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < n; ++i) {
    const Number a = px[i];
    Number b = a;
    Number c = a;
    if constexpr (Formula::arity >= 2) b = py[i];
    if constexpr (Formula::arity >= 3) c = pz[i];
    po[i] = Formula::apply(a, b, c);
  }
}

/// The kernels of one op, for the compute types that its domain has.
template <class Formula, OpDomain domain>
constexpr KernelRow kernels_of(std::string_view name) {
  KernelRow row{};
  row.name = name;
  if constexpr (domain_has(domain, DType::int32)) row.int32 = &run_elements<Formula, Integer<std::int32_t>>;
  if constexpr (domain_has(domain, DType::int64)) row.int64 = &run_elements<Formula, Integer<std::int64_t>>;
  if constexpr (domain_has(domain, DType::float32)) row.float32 = &run_vectors<Formula, Vector<float>>;
  if constexpr (domain_has(domain, DType::float64)) row.float64 = &run_vectors<Formula, Vector<double>>;
  if constexpr (domain_has(domain, DType::complex64)) row.complex64 = &run_vectors<Formula, Complex<float>>;
  if constexpr (domain_has(domain, DType::complex128))
    row.complex128 = &run_vectors<Formula, Complex<double>>;
  return row;
}

// One row of the table as a type: its formula over any number type of the dialect.
#define RUSTORCH_FORMULA(name, operands, domain, result, ...)                                     \
  struct name##_formula {                                                                         \
    static constexpr int arity = operands;                                                        \
    template <class X>                                                                            \
    static HWY_INLINE X apply([[maybe_unused]] X x, [[maybe_unused]] X y, [[maybe_unused]] X z) { \
      [[maybe_unused]] constexpr Literal<X> lit;                                                  \
      return __VA_ARGS__;                                                                         \
    }                                                                                             \
  };
#define RUSTORCH_KERNELS(name, operands, domain, result, ...) \
  kernels_of<name##_formula, OpDomain::domain>(#name),

}  // namespace HWY_NAMESPACE
}  // namespace rustorch::simd
HWY_AFTER_NAMESPACE();

#endif
