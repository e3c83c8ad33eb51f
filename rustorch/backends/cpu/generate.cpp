#include <cmath>
#include <cstring>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/generate_kernels.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/backends/philox.h"
#include "rustorch/compute/simd/kernels.h"

namespace rustorch {
namespace {

constexpr std::int64_t tile = 1024;  // real numbers made at a time; whole blocks of words
constexpr std::int64_t grain = 16;   // tiles that are worth a thread

/// The high half of a 64 × 64 bit product.
std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a_low = a & 0xFFFFFFFFu, a_high = a >> 32;
  const std::uint64_t b_low = b & 0xFFFFFFFFu, b_high = b >> 32;
  const std::uint64_t middle = a_high * b_low + (a_low * b_low >> 32);
  const std::uint64_t other = a_low * b_high + (middle & 0xFFFFFFFFu);
  return a_high * b_high + (middle >> 32) + (other >> 32);
}

/// Makes tiles of the real numbers of one work: in a natural dtype, then in that of the result.
class Generator {
 public:
  Generator(const Generate& work, DType dtype) : work_(work), dtype_(dtype), loops_(cpu::generate_loops()) {
    natural_ = natural_dtype();
    if (natural_ != dtype) convert_ = simd::conversion_kernel(natural_, dtype);
    if (work.kind == GenerateKind::uniform) {
      largest_ = largest_uniform(work.a, work.b, dtype);
    }
  }

  /// Elements [first, first + n) to `out`; `first` is a multiple of 4 and n ≤ tile.
  void run(std::int64_t first, std::int64_t n, void* out) {
    // All numbers are made in whole blocks, so the last tile may need more room than it has.
    const std::int64_t whole = (n + 3) / 4 * 4;
    void* const target = convert_ == nullptr && whole == n ? out : numbers_.data();
    make(first, static_cast<std::size_t>(whole), target);
    if (convert_ != nullptr) {
      convert_(target, out, static_cast<std::size_t>(n));
    } else if (target != out) {
      std::memcpy(out, target, static_cast<std::size_t>(n) * item_size(dtype_));
    }
  }

 private:
  DType natural_dtype() const {
    switch (work_.kind) {
      case GenerateKind::sequence:
        return is_integral(dtype_) || dtype_ == DType::bool_ ? DType::int64 : DType::float64;
      case GenerateKind::uniform:
      case GenerateKind::normal:
        RUSTORCH_CHECK(is_floating_point(dtype_), dtype_mismatch, "{} random numbers cannot be {}",
                       work_.kind == GenerateKind::uniform ? "uniform" : "normal", dtype_);
        return dtype_ == DType::float64 ? DType::float64 : DType::float32;
      case GenerateKind::integers:
        return DType::int64;
      case GenerateKind::bernoulli:
        return DType::bool_;
    }
    return dtype_;
  }

  void make(std::int64_t first, std::size_t n, void* out) {
    if (work_.kind == GenerateKind::sequence) return make_sequence(first, n, out);
    const bool two = philox_takes_two_words(work_.kind, dtype_);
    const std::size_t per_block = two ? 2 : 4;
    loops_.philox(work_.seed, work_.offset + static_cast<std::uint64_t>(first) / per_block, n / per_block,
                  words_.data());
    const std::uint32_t* const words = words_.data();
    switch (work_.kind) {
      case GenerateKind::uniform:
        if (two) {
          loops_.uniform_double(words, n, work_.a, work_.b - work_.a, largest_, static_cast<double*>(out));
        } else {
          const int bits = dtype_ == DType::float32 ? 24 : dtype_ == DType::float16 ? 11 : 8;
          loops_.uniform_float(words, n, 32 - bits, std::ldexp(1.0f, -bits), static_cast<float>(work_.a),
                               static_cast<float>(work_.b - work_.a), static_cast<float>(largest_),
                               static_cast<float*>(out));
        }
        break;
      case GenerateKind::normal:
        if (two) {
          loops_.normal_double(words, n, work_.a, work_.b, static_cast<double*>(out));
        } else {
          loops_.normal_float(words, n, static_cast<float>(work_.a), static_cast<float>(work_.b),
                              static_cast<float*>(out));
        }
        break;
      case GenerateKind::integers: {
        const std::uint64_t start = static_cast<std::uint64_t>(work_.ia);
        const std::uint64_t range = static_cast<std::uint64_t>(work_.ib) - start;
        auto* const integers = static_cast<std::int64_t*>(out);
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint64_t both = (std::uint64_t{words[2 * i + 1]} << 32) | words[2 * i];
          integers[i] = static_cast<std::int64_t>(start + multiply_high(both, range));
        }
        break;
      }
      case GenerateKind::bernoulli: {
        loops_.bernoulli(words, n, bernoulli_threshold(work_.a), static_cast<std::uint8_t*>(out));
        break;
      }
      case GenerateKind::sequence:
        break;
    }
  }

  void make_sequence(std::int64_t first, std::size_t n, void* out) {
    if (natural_ == DType::float64) {
      loops_.sequence(work_.a, work_.b, first, n, static_cast<double*>(out));
      return;
    }
    const auto start = static_cast<std::uint64_t>(static_cast<std::int64_t>(work_.a));
    const auto step = static_cast<std::uint64_t>(static_cast<std::int64_t>(work_.b));
    auto* const integers = static_cast<std::int64_t*>(out);
    for (std::size_t i = 0; i < n; ++i) {
      integers[i] = static_cast<std::int64_t>(start + (static_cast<std::uint64_t>(first) + i) * step);
    }
  }

  const Generate& work_;
  DType dtype_, natural_;
  const cpu::GenerateLoops& loops_;
  simd::ConversionKernel convert_ = nullptr;
  double largest_ = 0;
  alignas(64) std::array<std::uint32_t, 2 * tile> words_;
  alignas(64) std::array<std::byte, 8 * tile> numbers_;
};

}  // namespace

void CpuBackend::generate(const Generate& work) {
  const Layout& layout = *work.out.layout;
  const std::int64_t elements = layout.element_count();
  if (elements == 0) return;
  // Random complex numbers are pairs of random real ones.
  const bool pairs =
      is_complex(work.out.dtype) && (work.kind == GenerateKind::uniform || work.kind == GenerateKind::normal);
  const DType dtype = pairs ? real_dtype(work.out.dtype) : work.out.dtype;
  const std::int64_t parts = pairs ? 2 : 1;
  const std::int64_t count = elements * parts;
  const auto part_size = static_cast<std::int64_t>(item_size(dtype));
  const std::size_t element_size = item_size(work.out.dtype);

  LoopNest<1> nest;
  for (std::size_t d = 0; d < layout.rank(); ++d) nest.append(layout.shape[d], {layout.strides[d]});
  nest.coalesce();  // keeps the row-major order
  const std::int64_t stride = nest.inner_stride(0);
  const bool adjacent = nest.rank() == 0 || (nest.rank() == 1 && stride == 1);
  std::byte* const out = first_byte(work.out);

  cpu::parallel_for(0, (count + tile - 1) / tile, grain, [&](std::int64_t begin, std::int64_t end) {
    Generator generator(work, dtype);
    alignas(64) std::array<std::byte, 16 * tile> made;
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t first = t * tile;
      const std::int64_t n = std::min(tile, count - first);
      if (adjacent) {
        generator.run(first, n, out + first * part_size);
        continue;
      }
      generator.run(first, n, made.data());
      const std::byte* from = made.data();
      nest.for_each_run(first / parts, (first + n) / parts, [&](const auto& at, std::int64_t length) {
        const auto run = static_cast<std::size_t>(length);
        simd::scatter_strided(from, out + at[0] * static_cast<std::int64_t>(element_size), stride,
                              element_size, run);
        from += run * element_size;
      });
    }
  });
}

}  // namespace rustorch
