#include "rustorch/backends/gpu/probe_trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "rustorch/backends/gpu/dialect.h"
#include "rustorch/backends/gpu/kernel_source.h"
#include "rustorch/core/half.h"
#include "rustorch/error/error.h"
#include "rustorch/memory/format_bytes.h"

namespace rustorch::gpu {
namespace {

using Words = std::vector<std::uint32_t>;

constexpr std::uint32_t threads_of_group = 256;
constexpr std::uint32_t elements = 4 * threads_of_group;

/// As kernels/probes.h declares it.
struct Parameters {
  std::int64_t count, missing;
};

/// Words that lie all over the range (Weyl's sequence, mixed).
std::uint32_t mixed(std::uint32_t i) {
  std::uint32_t word = (i + 1) * 2654435761u;
  word ^= word >> 15;
  return word * 2246822519u;
}

ProbeResult judge(std::size_t first_wrong, std::string detail = {}) {
  constexpr auto none = static_cast<std::size_t>(-1);
  if (first_wrong == none) return {ProbeOutcome::works, std::move(detail)};
  return {ProbeOutcome::wrong, fmt::format("element {} of the trial", first_wrong)};
}

/// The first index for which `is_right` is false; -1 if there is none.
template <class IsRight>
std::size_t first_wrong(std::size_t count, const IsRight& is_right) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_right(i)) return i;
  }
  return static_cast<std::size_t>(-1);
}

/// Equal with the sign of zero, or both NaN.
template <class Number>
bool same(Number a, Number b) {
  if constexpr (std::is_floating_point_v<Number>) {
    return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
  } else {
    return a == b;
  }
}

float as_float(std::uint32_t bits) { return std::bit_cast<float>(bits); }

template <class T>
T element_of(const Words& words, std::size_t index) {
  T value;
  std::memcpy(&value, reinterpret_cast<const std::byte*>(words.data()) + index * sizeof(T), sizeof(T));
  return value;
}

/// A trial: what goes in, how many words come out, and what is made of them.
struct Trial {
  Words in;
  std::size_t out_words = elements;
  std::uint32_t groups = elements / threads_of_group;
  std::function<ProbeResult(const Words& out)> judge;
};

/// Numbers at the borders of a 16-bit format, halfway between two of its numbers, and all over the range.
Words storage_inputs() {
  Words in = {0x00000000u, 0x80000000u, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x477fefffu, 0x477ff000u,
              0x38800000u, 0x387fffffu, 0x33000000u, 0x33000001u, 0x3f801000u, 0x3f803000u, 0x3f808000u,
              0x3f818000u, 0x7f7fffffu, 0x00000001u, 0x007fffffu, 0xc77ff000u, 0xb8000001u};
  for (std::uint32_t i = 0; in.size() < elements; ++i) {
    // Half of them in the range of float16.
    in.push_back(i % 2 == 0 ? mixed(i) : (mixed(i) & 0x81ffffffu) | (0x36000000u + (i % 16 << 24)));
  }
  return in;
}

template <class Stored>
Trial storage_trial() {
  Trial trial{storage_inputs(), elements / 2 + elements, elements / threads_of_group, {}};
  trial.judge = [in = trial.in](const Words& out) {
    return judge(first_wrong(elements, [&](std::size_t i) {
      const float expected = Stored(as_float(in[i]));
      const float stored = std::bit_cast<Stored>(element_of<std::uint16_t>(out, i));
      return same(stored, expected) && same(as_float(out[elements / 2 + i]), expected);
    }));
  };
  return trial;
}

Trial float16_arithmetic_trial() {
  Trial trial;
  for (std::uint32_t i = 0; i < elements; ++i) trial.in.push_back(mixed(i));
  trial.judge = [in = trial.in](const Words& out) {
    const auto number = [](std::uint32_t word) {
      return half_bits_to_float(static_cast<std::uint16_t>(word & 0xffffu));
    };
    return judge(first_wrong(elements, [&](std::size_t i) {
      const float a = number(in[i]), b = number(in[i] >> 16);
      return same<float>(number(out[i]), Half(a * b)) && same<float>(number(out[i] >> 16), Half(a + b));
    }));
  };
  return trial;
}

/// Pairs of 64-bit numbers in, four results of each out.
template <class Number, class Make, class Expected>
Trial pairs_trial(const Make& make, const Expected& expected) {
  Trial trial;
  std::vector<Number> pairs;
  for (std::uint32_t i = 0; i < 2 * elements; ++i) pairs.push_back(make(i));
  trial.in.resize(2 * pairs.size());
  std::memcpy(trial.in.data(), pairs.data(), pairs.size() * sizeof(Number));
  trial.out_words = std::size_t{8} * elements;
  trial.judge = [pairs, expected](const Words& out) {
    return judge(first_wrong(elements, [&](std::size_t i) {
      const std::array<Number, 4> wanted = expected(pairs[2 * i], pairs[2 * i + 1]);
      return first_wrong(4, [&](std::size_t k) {
               return same(element_of<Number>(out, 4 * i + k), wanted[k]);
             }) == static_cast<std::size_t>(-1);
    }));
  };
  return trial;
}

Trial float64_trial() {
  return pairs_trial<double>(
      [](std::uint32_t i) {
        const double part = 1.0 + mixed(2 * i) * 0x1p-32 + mixed(2 * i + 1) * 0x1p-52;
        return std::ldexp(i % 3 == 0 ? -part : part, static_cast<int>(mixed(i) % 64) - 32);
      },
      [](double a, double b) {
        const double product = a * b;
        return std::array<double, 4>{a + b, product, a / b, product + a};
      });
}

Trial int64_trial() {
  return pairs_trial<std::int64_t>(
      [](std::uint32_t i) {
        const auto bits = (std::uint64_t{mixed(2 * i)} << 32) | mixed(2 * i + 1);
        const std::int64_t number = static_cast<std::int64_t>(bits) >> (i % 48);
        return number == 0 ? 1 : number;  // divisors are among them
      },
      [](std::int64_t a, std::int64_t b) {
        const auto product =
            static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
        // The one quotient that overflows is not among them.
        return std::array<std::int64_t, 4>{product, a / b, a >> (b & 63), a < b ? 1 : 0};
      });
}

Trial atomic_add_trial() {
  Trial trial{{0}, elements + 1, elements / threads_of_group, {}};
  trial.judge = [](const Words& out) {
    return judge(first_wrong(out.size(), [&](std::size_t i) { return out[i] == (i == 0 ? elements : 1u); }));
  };
  return trial;
}

Trial atomic_compare_exchange_trial() {
  Trial trial{{}, 1, elements / threads_of_group, {}};
  float sum = 0;  // exact, so the order does not matter
  for (std::uint32_t i = 0; i < elements; ++i) {
    const auto value = static_cast<float>(i % 7 + 1);
    sum += value;
    trial.in.push_back(std::bit_cast<std::uint32_t>(value));
  }
  trial.judge = [sum](const Words& out) { return judge(as_float(out[0]) == sum ? std::size_t(-1) : 0); };
  return trial;
}

Trial subgroups_trial() {
  Trial trial{{0}, std::size_t{7} * threads_of_group, 1, {}};
  trial.judge = [](const Words& out) {
    const auto exchanges = [&](std::uint32_t bit) {
      return first_wrong(threads_of_group, [&](std::size_t lane) {
        return out[bit * threads_of_group + lane] == (static_cast<std::uint32_t>(lane) ^ (1u << bit));
      });
    };
    std::uint32_t bits = 0;
    while (bits < 6 && exchanges(bits) == static_cast<std::size_t>(-1)) ++bits;
    const std::uint32_t width = 1u << bits;
    if (width < 32) return judge(bits * threads_of_group + exchanges(bits));  // kernels count on 32
    return judge(first_wrong(threads_of_group,
                             [&](std::size_t lane) {
                               return lane % width == width - 1 ||
                                      out[std::size_t{6} * threads_of_group + lane] == lane + 1;
                             }),
                 fmt::format("{} threads", width));
  };
  return trial;
}

/// Words of local memory that are tried; no kernel takes more.
std::uint32_t local_words(const DeviceFacts& facts) {
  constexpr std::uint64_t most_bytes = 64 << 10;
  return static_cast<std::uint32_t>(
      std::clamp(facts.local_memory_bytes, std::uint64_t{sizeof(std::uint32_t)}, most_bytes) /
      sizeof(std::uint32_t));
}

Trial local_memory_trial(std::uint32_t words) {
  Trial trial{{2654435761u}, threads_of_group, 1, {}};
  trial.judge = [words](const Words& out) {
    return judge(first_wrong(threads_of_group,
                             [&](std::size_t thread) {
                               const auto id = static_cast<std::uint32_t>(thread);
                               const std::uint32_t rounds =
                                   (words + threads_of_group - 1 - id) / threads_of_group;
                               return out[thread] == rounds;
                             }),
                 format_bytes(std::uint64_t{words} * sizeof(std::uint32_t)));
  };
  return trial;
}

Trial trial_of(Probe probe, const DeviceFacts& facts) {
  switch (probe) {
    case Probe::float16_storage:
      return storage_trial<Half>();
    case Probe::float16_arithmetic:
      return float16_arithmetic_trial();
    case Probe::bfloat16_storage:
      return storage_trial<BFloat16>();
    case Probe::float64:
      return float64_trial();
    case Probe::int64:
      return int64_trial();
    case Probe::atomic_add:
      return atomic_add_trial();
    case Probe::atomic_compare_exchange:
      return atomic_compare_exchange_trial();
    case Probe::subgroups:
      return subgroups_trial();
    case Probe::local_memory:
      return local_memory_trial(local_words(facts));
    case Probe::products:
      break;
  }
  fail(ErrorCode::internal, "probe {} has no trial of its own", to_string(probe));
}

std::string_view what_is_missing(Probe probe) {
  switch (probe) {
    case Probe::float16_arithmetic:
      return "the compiler has no arithmetic in 16 bits";
    case Probe::float64:
      return "the compiler has none";
    default:
      return "the kernels' dialect has none on this API";
  }
}

/// A buffer of the device for the time of a trial.
class DeviceWords {
 public:
  DeviceWords(KernelExecutor& executor, const Words& words) : executor_(executor) {
    handle_ = executor_.allocate(words.size() * sizeof(std::uint32_t));
    RUSTORCH_CHECK(handle_ != nullptr, out_of_memory, "no device memory for a trial");
    executor_.write(handle_, 0, words.data(), words.size() * sizeof(std::uint32_t));
  }
  ~DeviceWords() { executor_.release(handle_); }
  DeviceWords(const DeviceWords&) = delete;
  DeviceWords& operator=(const DeviceWords&) = delete;
  BufferHandle handle() const noexcept { return handle_; }

 private:
  KernelExecutor& executor_;
  BufferHandle handle_ = nullptr;
};

}  // namespace

std::string probe_source(Probe probe, const DeviceFacts& facts) {
  KernelSource source("probes.h", DType::int32);
  source.define("PROBE", static_cast<int>(probe));
  if (probe == Probe::local_memory) source.define("WORDS", static_cast<int>(local_words(facts)));
  return source.text();
}

ProbeResult run_trial(Probe probe, KernelExecutor& executor) {
  const Trial trial = trial_of(probe, executor.facts());
  const std::unique_ptr<Module> module =
      executor.compile(dialect_source(executor, probe_source(probe, executor.facts())));
  const std::unique_ptr<Kernel> kernel = executor.kernel(*module, "probe");
  Words out(trial.out_words + 1, 0);  // the last word: it is not offered
  const DeviceWords in_there(executor, trial.in), out_there(executor, out);
  const Parameters parameters{elements, static_cast<std::int64_t>(trial.out_words)};
  const std::array<KernelArgument, 3> arguments = {
      {{in_there.handle()}, {out_there.handle()}, {nullptr, &parameters, sizeof parameters}}};
  executor.launch(*kernel, {trial.groups, 1, 1, threads_of_group}, arguments);
  executor.read(out_there.handle(), 0, out.data(), out.size() * sizeof(std::uint32_t));
  if (out.back() != 0) return {ProbeOutcome::not_offered, std::string(what_is_missing(probe))};
  out.pop_back();
  return trial.judge(out);
}

}  // namespace rustorch::gpu
