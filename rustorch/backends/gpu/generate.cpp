#include <cmath>

#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/formula.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/philox.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// As kernels/generate.h declares it.
template <class Real>
struct Parameters {
  std::int64_t out_offset, count, ia;
  std::uint64_t range, seed, first_block;
  Real a, b, largest, unit;
};

/// The type that a work's numbers are made in.
DType made_in(const Generate& work, bool has_float64) {
  const DType dtype = work.out.dtype;
  switch (work.kind) {
    case GenerateKind::sequence:
      if (is_integral(dtype) || dtype == DType::bool_) return DType::int64;
      return has_float64 ? DType::float64 : DType::float32;
    case GenerateKind::uniform:
    case GenerateKind::normal:
      RUSTORCH_CHECK(is_floating_point(dtype), dtype_mismatch, "{} random numbers cannot be {}",
                     work.kind == GenerateKind::uniform ? "uniform" : "normal", dtype);
      return compute_dtype(dtype);
    case GenerateKind::integers:
      return DType::int64;
    case GenerateKind::bernoulli:
      return DType::int32;
  }
  return dtype;
}

/// Bits of a word that a uniform number of this dtype has.
int uniform_bits(DType dtype) {
  if (dtype == DType::float32) return 24;
  return dtype == DType::float16 ? 11 : 8;
}

template <class Real>
Parameters<Real> parameters_of(const Generate& work, std::int64_t out_offset, std::int64_t count) {
  Parameters<Real> parameters{};
  parameters.out_offset = out_offset;
  parameters.count = count;
  parameters.seed = work.seed;
  parameters.first_block = work.offset;
  parameters.a = static_cast<Real>(work.a);
  parameters.b = static_cast<Real>(work.b);
  switch (work.kind) {
    case GenerateKind::sequence:
      if (is_integral(work.out.dtype) || work.out.dtype == DType::bool_) {
        parameters.ia = static_cast<std::int64_t>(work.a);
        parameters.range = static_cast<std::uint64_t>(static_cast<std::int64_t>(work.b));
      }
      break;
    case GenerateKind::uniform:
      parameters.b = static_cast<Real>(work.b - work.a);
      parameters.largest = static_cast<Real>(largest_uniform(work.a, work.b, work.out.dtype));
      parameters.unit = static_cast<Real>(std::ldexp(1.0, -uniform_bits(work.out.dtype)));
      break;
    case GenerateKind::integers:
      parameters.ia = work.ia;
      parameters.range = static_cast<std::uint64_t>(work.ib) - static_cast<std::uint64_t>(work.ia);
      break;
    case GenerateKind::bernoulli:
      parameters.range = bernoulli_threshold(work.a);
      break;
    case GenerateKind::normal:
      break;
  }
  return parameters;
}

}  // namespace

void GpuBackend::generate(const Generate& asked) {
  // Random complex numbers are pairs of random real ones.
  const bool pairs = is_complex(asked.out.dtype) &&
                     (asked.kind == GenerateKind::uniform || asked.kind == GenerateKind::normal);
  Generate work = asked;
  if (pairs) work.out.dtype = real_dtype(asked.out.dtype);
  const std::int64_t parts = pairs ? 2 : 1, count = parts * asked.out.layout->element_count();
  if (count == 0) return;
  const DType made = made_in(work, executor_->facts().has_float64);
  const bool two_words = philox_takes_two_words(work.kind, work.out.dtype);
  const std::int64_t per_block = two_words && work.kind != GenerateKind::sequence ? 2 : 4;
  const std::int64_t blocks = (count + per_block - 1) / per_block;
  // A sequence's real numbers are stepped as on the CPU: product and sum rounded apart, in float64; where
  // there is none, with one rounding.
  const bool wide_reals = made == DType::float64;
  KernelSource source("generate.h", made);
  source.storage("OUT", work.out.dtype)
      .define("KIND", static_cast<int>(work.kind))
      .define("PER_BLOCK", per_block)
      .define("REAL_SEQUENCE", is_floating_point(made) ? 1 : 0)
      .define("WORD_SHIFT", 32 - uniform_bits(work.out.dtype))
      .define("WIDE_REALS", wide_reals ? 1 : 0)
      .wide_index(blocks > std::numeric_limits<std::int32_t>::max() / 2);
  DenseOutput out(*this, asked.out);
  const LaunchShape shape = launch_for(blocks, group_threads);
  if (wide_reals) {
    launch(source, "generate", shape, {out.buffer()},
           parameters_of<double>(work, parts * out.offset(), count));
  } else {
    launch(source, "generate", shape, {out.buffer()},
           parameters_of<float>(work, parts * out.offset(), count));
  }
  out.finish();
}

}  // namespace rustorch::gpu
