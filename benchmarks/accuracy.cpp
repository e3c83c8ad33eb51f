// The largest errors of the functions of one operand, and of pow, atan2 and hypot, in units of the last
// place: float32 over every STRIDE-th of all bit patterns (--stride 1: every number), float64 over random
// samples of every kind. Prints JSON, which scripts/make-accuracy turns into docs/accuracy.md.
// RUSTORCH_CPU_ISA picks the instruction set.
//
//   benchmark_accuracy [--stride N] [--samples N] [--threads N] [--only NAME]
//
// The oracle of float32 is the C library in double or long double: its error there is below 1e-8 units of
// float32's last place. The oracle of float64 is the C library in 113 bits of mantissa.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "rustorch/compute/simd/kernels.h"
#include "rustorch/compute/simd/targets.h"
#include "rustorch/error/error.h"
#include "tests/compute/accuracy_reference.h"

namespace {

using namespace rustorch;
using accuracy::Function;
using accuracy::Wide;

struct Options {
  std::uint64_t stride = 61;
  std::uint64_t samples = 400'000;
  unsigned threads = 1;
  std::string only;
};

/// The worst that was seen, and how often a special value (NaN, infinity, the sign of zero) was wrong.
struct Worst {
  double error = 0;
  double x = 0, y = 0, got = 0, wanted = 0;
  std::uint64_t count = 0, wrong_specials = 0;
  double wrong_x = 0, wrong_y = 0;

  void add(const Worst& other) {
    if (other.error > error)
      error = other.error, x = other.x, y = other.y, got = other.got, wanted = other.wanted;
    if (wrong_specials == 0) wrong_x = other.wrong_x, wrong_y = other.wrong_y;
    count += other.count;
    wrong_specials += other.wrong_specials;
  }
};

constexpr std::size_t block = 4096;

template <class T, class Real>
void compare_block(const Function& f, const T* x, const T* y, std::size_t n, Worst& worst) {
  T out[block];
  simd::elementwise_kernel(f.op, dtype_of<T>)(x, y, nullptr, out, n);
  for (std::size_t i = 0; i < n; ++i) {
    const Real wanted = accuracy::reference<Real>(f, x[i], f.arity == 2 ? y[i] : T(0));
    const double error = accuracy::error_of<T, Real>(out[i], wanted);
    if (error < 0) {
      if (worst.wrong_specials++ == 0) worst.wrong_x = x[i], worst.wrong_y = y[i];
    } else if (error > worst.error) {
      worst = {error,
               x[i],
               y[i],
               out[i],
               static_cast<double>(wanted),
               worst.count,
               worst.wrong_specials,
               worst.wrong_x,
               worst.wrong_y};
    }
  }
  worst.count += n;
}

/// Blocks are numbered; `fill(number, x, y)` makes one and tells its length.
template <class T, class Real, class Fill>
Worst compare_blocks(const Function& f, std::uint64_t blocks, unsigned threads, const Fill& fill) {
  Worst worst;
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  const auto work = [&] {
    Worst mine;
    std::vector<T> x(block), y(block);
    for (std::uint64_t number; (number = next++) < blocks;) {
      const std::size_t n = fill(number, x.data(), y.data());
      compare_block<T, Real>(f, x.data(), y.data(), n, mine);
    }
    const std::lock_guard lock(mutex);
    worst.add(mine);
  };
  std::vector<std::thread> team;
  for (unsigned i = 1; i < threads; ++i) team.emplace_back(work);
  work();
  for (std::thread& thread : team) thread.join();
  return worst;
}

/// Numbers of every kind, for functions of two operands in pairs that suit them; and each special value with
/// each.
template <class T, class Real>
Worst compare_samples(const Function& f, const Options& options) {
  const std::vector<T> specials = accuracy::special_values<T>();
  std::vector<T> special_x, special_y;
  for (const T a : specials) {
    for (const T b : specials) special_x.push_back(a), special_y.push_back(b);
  }
  Worst worst;
  for (std::size_t i = 0; i < special_x.size(); i += block) {
    compare_block<T, Real>(f, &special_x[i], &special_y[i], std::min(block, special_x.size() - i), worst);
  }
  const auto fill = [&](std::uint64_t number, T* x, T* y) {
    accuracy::Sampler<T> sampler(number);
    for (std::size_t i = 0; i < block; ++i) sampler.next(f, x[i], y[i]);
    return block;
  };
  worst.add(compare_blocks<T, Real>(f, options.samples / block + 1, options.threads, fill));
  return worst;
}

/// Every stride-th bit pattern of all floats, and the samples.
Worst compare_floats(const Function& f, const Options& options) {
  using Real = double;
  Worst worst = f.wide_float() ? compare_samples<float, long double>(f, options)
                               : compare_samples<float, Real>(f, options);
  if (f.arity == 2) return worst;
  const std::uint64_t count = ((std::uint64_t{1} << 32) + options.stride - 1) / options.stride;
  const auto fill = [&](std::uint64_t number, float* x, float*) {
    const std::uint64_t start = number * block;
    const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(block, count - start));
    for (std::size_t i = 0; i < n; ++i) {
      const auto bits = static_cast<std::uint32_t>((start + i) * options.stride);
      std::memcpy(&x[i], &bits, sizeof bits);
    }
    return n;
  };
  const std::uint64_t blocks = (count + block - 1) / block;
  worst.add(f.wide_float() ? compare_blocks<float, long double>(f, blocks, options.threads, fill)
                           : compare_blocks<float, Real>(f, blocks, options.threads, fill));
  return worst;
}

std::string json(const Function& f, const char* dtype, double bound, const Worst& worst) {
  return fmt::format(
      R"({{"function": "{}", "dtype": "{}", "bound": {}, "error": {:.4f}, "x": "{:.17g}", "y": "{:.17g}", "got": "{:.17g}", )"
      R"("wanted": "{:.17g}", "count": {}, "wrong_specials": {}, "wrong_x": "{:.9g}", "wrong_y": "{:.9g}"}})",
      op_info(f.op).name, dtype, bound, worst.error, worst.x, worst.y, worst.got, worst.wanted, worst.count,
      worst.wrong_specials, worst.wrong_x, worst.wrong_y);
}

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const char* value = i + 1 < argc ? argv[++i] : "";
    if (name == "--stride") {
      options.stride = std::max(1ULL, std::strtoull(value, nullptr, 10));
    } else if (name == "--samples") {
      options.samples = std::strtoull(value, nullptr, 10);
    } else if (name == "--threads") {
      options.threads = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    } else if (name == "--only") {
      options.only = value;
    } else {
      fmt::print(stderr, "usage: {} [--stride N] [--samples N] [--threads N] [--only NAME]\n", argv[0]);
      std::exit(2);
    }
  }
  return options;
}

void tabulate(const Options& options) {
  fmt::print("{{\"isa\": \"{}\", \"stride\": {}, \"samples\": {}, \"rows\": [",
             to_string(simd::running_isa()), options.stride, options.samples);
  const char* separator = "\n";
  for (const Function& f : accuracy::functions) {
    if (!options.only.empty() && op_info(f.op).name != options.only) continue;
    fmt::print("{}{},\n", separator, json(f, "float32", f.bound<float>(), compare_floats(f, options)));
    fmt::print("{}", json(f, "float64", f.bound<double>(), compare_samples<double, Wide>(f, options)));
    separator = ",\n";
    std::fflush(stdout);
  }
  fmt::print("\n]}}\n");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    tabulate(options_of(argc, argv));
  } catch (const Error& error) {  // of an instruction set that this processor lacks
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
