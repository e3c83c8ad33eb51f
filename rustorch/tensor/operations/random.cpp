#include "rustorch/tensor/operations/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "rustorch/backends/runtime.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/reduction.h"

namespace rustorch {
namespace {

std::mutex& generator_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Which random numbers: the parameters of Generate.
struct Distribution {
  GenerateKind kind = GenerateKind::uniform;
  double a = 0, b = 1;
  std::int64_t ia = 0, ib = 0;
};

/// Fills `out` with the default generator's next numbers.
void generate(Tensor& out, const Distribution& numbers) {
  const auto elements = static_cast<std::uint64_t>(out.numel());
  if (elements == 0) return;
  Generate work{.kind = numbers.kind,
                .out = out.view_for_write(),
                .a = numbers.a,
                .b = numbers.b,
                .ia = numbers.ia,
                .ib = numbers.ib};
  {
    const std::lock_guard lock(generator_mutex());
    work.seed = default_generator().seed();
    work.offset = default_generator().reserve(elements);
  }
  backend_for(out.device()).generate(work);
}

void check_floating(const char* op, DType dtype) {
  RUSTORCH_CHECK(is_floating_point(dtype), dtype_mismatch,
                 "{}: random reals need a floating-point dtype, not {}", op, dtype);
}

void check_deviation(const char* op, double std) {
  RUSTORCH_CHECK(std >= 0, invalid_argument, "{}: the standard deviation {} is negative", op, std);
}

void check_probability(const char* op, double p) {
  RUSTORCH_CHECK(p >= 0 && p <= 1, invalid_argument, "{}: the probability {} is not in [0, 1]", op, p);
}

/// Real random numbers in a layout; a complex dtype gets them in both parts.
Tensor random_reals(const char* op, Layout layout, const TensorOptions& options, Distribution numbers) {
  const DType dtype = options.dtype.value_or(default_dtype());
  if (!is_complex(dtype)) check_floating(op, dtype);
  // Both parts of a complex number together have the variance of a real one.
  if (is_complex(dtype) && numbers.kind == GenerateKind::normal) numbers.b *= std::sqrt(0.5);
  Tensor result = allocate(layout, dtype, options.device.value_or(default_device()));
  generate(result, numbers);
  if (options.requires_grad) result.requires_grad_();
  return result;
}

Layout new_layout(const char* op, const Shape& shape) {
  for (const std::int64_t size : shape) {
    RUSTORCH_CHECK(size >= 0, invalid_argument, "{}: shape {} holds a negative size", op, shape);
  }
  return Layout::contiguous(shape);
}

TensorOptions like(const Tensor& x, TensorOptions options) {
  if (!options.dtype) options.dtype = x.dtype();
  if (!options.device) options.device = x.device();
  return options;
}

/// [low, high) must hold a number, and all of them must fit the dtype.
void check_bounds(const char* op, std::int64_t low, std::int64_t high, DType dtype) {
  RUSTORCH_CHECK(low < high, invalid_argument, "{}: no integer lies in [{}, {})", op, low, high);
  RUSTORCH_CHECK(!is_complex(dtype), dtype_mismatch, "{}: random integers of dtype {}", op, dtype);
  if (is_floating_point(dtype)) return;
  visit_dtype(dtype, [&]<class T>(TypeTag<T>) {
    if constexpr (std::is_integral_v<T>) {
      RUSTORCH_CHECK(low >= static_cast<std::int64_t>(std::numeric_limits<T>::min()) &&
                         high - 1 <= static_cast<std::int64_t>(std::numeric_limits<T>::max()),
                     invalid_argument, "{}: integers in [{}, {}) do not fit into {}", op, low, high, dtype);
    }
  });
}

/// An in-place fill: what was there before, and its history, is gone.
Tensor& generate_in_place(const char* op, Tensor& x, const Distribution& numbers) {
  check_in_place(x, op);
  if (!in_place_needs_gradient(x, {})) {
    generate(x, numbers);
    return x;
  }
  Tensor fresh = allocate(Layout::dense_like(x.shape(), x.layout()), x.dtype(), x.device());
  generate(fresh, numbers);
  return assign_in_place(x, fresh);
}

/// Random numbers on the host, whatever the device: [0, 1).
std::vector<double> host_uniform(std::int64_t count) {
  Tensor numbers = allocate(Layout::contiguous({count}), DType::float64, Device());
  generate(numbers, {.kind = GenerateKind::uniform});
  return numbers.to_vector<double>();
}

/// Checks the weights of one row and gives their sum.
double total_weight(std::span<const double> weights) {
  double total = 0;
  for (const double weight : weights) {
    RUSTORCH_CHECK(weight >= 0 && std::isfinite(weight), invalid_argument,
                   "multinomial: the weight {} is negative or not finite", weight);
    total += weight;
  }
  RUSTORCH_CHECK(total > 0, invalid_argument, "multinomial: the weights of a row add up to 0");
  return total;
}

void draw_with_replacement(std::span<const double> weights, double total, std::span<const double> uniform,
                           std::span<std::int64_t> drawn) {
  std::vector<double> sums(weights.size());
  std::partial_sum(weights.begin(), weights.end(), sums.begin());
  // Rounding may carry a draw past the last weight: it goes to the last that is not 0.
  const auto last = std::find_if(weights.rbegin(), weights.rend(), [](double weight) { return weight > 0; });
  const std::int64_t largest = weights.rend() - last - 1;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const auto place = std::upper_bound(sums.begin(), sums.end(), uniform[i] * total);
    drawn[i] = std::min<std::int64_t>(place - sums.begin(), largest);
  }
}

/// A race: each index arrives after an exponentially distributed time, sooner with a larger weight.
void draw_without_replacement(std::span<const double> weights, std::span<const double> uniform,
                              std::span<std::int64_t> drawn) {
  std::vector<double> arrival(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    arrival[i] =
        weights[i] == 0 ? std::numeric_limits<double>::infinity() : -std::log1p(-uniform[i]) / weights[i];
  }
  std::vector<std::int64_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  const auto taken = order.begin() + static_cast<std::ptrdiff_t>(drawn.size());
  std::partial_sort(order.begin(), taken, order.end(), [&](std::int64_t a, std::int64_t b) {
    const double first = arrival[static_cast<std::size_t>(a)];
    const double second = arrival[static_cast<std::size_t>(b)];
    return first != second ? first < second : a < b;
  });
  std::copy(order.begin(), taken, drawn.begin());
}

/// x · mask · scale in one pass; its gradient is the same of the gradient.
Tensor masked_scale(const Tensor& x, const Tensor& mask, double scale) {
  const DType compute = compute_dtype(x.dtype());
  Program program;
  const Program::Register value = program.input(x.dtype(), compute);
  const Program::Register kept = program.input(mask.dtype(), compute);
  const Program::Register factor = program.scalar(scale, compute);
  program.output(program.apply(Op::mul, program.apply(Op::mul, value, kept), factor), x.dtype());
  const Tensor inputs[] = {x, mask};
  return with_gradient(
      run_program(program, inputs, "dropout"), "dropout", {&x},
      [mask = Saved(mask), scale](const Tensor& g) { return masked_scale(g, *mask, scale); });
}

}  // namespace

std::uint64_t Generator::reserve(std::uint64_t elements) noexcept {
  const std::uint64_t first = offset_;
  offset_ += elements;  // a block each: no kind of number takes more
  return first;
}

Generator& default_generator() {
  static Generator generator;
  return generator;
}

void manual_seed(std::uint64_t seed) {
  const std::lock_guard lock(generator_mutex());
  default_generator().set_state(seed, 0);
}

Tensor rand(const Shape& shape, const TensorOptions& options) {
  return random_reals("rand", new_layout("rand", shape), options, {.kind = GenerateKind::uniform});
}

Tensor randn(const Shape& shape, const TensorOptions& options) {
  return random_reals("randn", new_layout("randn", shape), options, {.kind = GenerateKind::normal});
}

Tensor rand_like(const Tensor& x, const TensorOptions& options) {
  return random_reals("rand_like", Layout::dense_like(x.shape(), x.layout()), like(x, options),
                      {.kind = GenerateKind::uniform});
}

Tensor randn_like(const Tensor& x, const TensorOptions& options) {
  return random_reals("randn_like", Layout::dense_like(x.shape(), x.layout()), like(x, options),
                      {.kind = GenerateKind::normal});
}

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, const TensorOptions& options) {
  const DType dtype = options.dtype.value_or(DType::int64);
  check_bounds("randint", low, high, dtype);
  Tensor result = allocate(new_layout("randint", shape), dtype, options.device.value_or(default_device()));
  generate(result, {.kind = GenerateKind::integers, .ia = low, .ib = high});
  if (options.requires_grad) result.requires_grad_();
  return result;
}

Tensor randint(std::int64_t high, const Shape& shape, const TensorOptions& options) {
  return randint(0, high, shape, options);
}

Tensor randperm(std::int64_t n, const TensorOptions& options) {
  RUSTORCH_CHECK(n >= 0, invalid_argument, "randperm: a permutation of {} numbers", n);
  Tensor words = allocate(Layout::contiguous({n}), DType::int64, Device());
  generate(words, {.kind = GenerateKind::integers, .ia = 0, .ib = std::numeric_limits<std::int64_t>::max()});
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const std::span<const std::int64_t> random = words.data<std::int64_t>();
  for (std::size_t left = order.size(); left > 1; --left) {  // Fisher-Yates
    std::swap(order[left - 1], order[static_cast<std::size_t>(random[left - 1]) % left]);
  }
  return tensor(order, options);
}

Tensor normal(double mean, double std, const Shape& shape, const TensorOptions& options) {
  check_deviation("normal", std);
  check_floating("normal", options.dtype.value_or(default_dtype()));
  return random_reals("normal", new_layout("normal", shape), options,
                      {.kind = GenerateKind::normal, .a = mean, .b = std});
}

Tensor normal(const Tensor& mean, const Tensor& std) {
  const NoGrad no_grad;
  common_device("normal", {&mean, &std});
  const DType dtype = promote_types(mean.dtype(), std.dtype());
  check_floating("normal", dtype);
  if (std.numel() != 0) check_deviation("normal", std.min().item<double>());
  Tensor noise = allocate(Layout::contiguous(broadcast_shapes(mean.shape(), std.shape(), "normal")), dtype,
                          mean.device());
  generate(noise, {.kind = GenerateKind::normal});
  return addcmul(mean.to(dtype), std.to(dtype), noise);
}

Tensor bernoulli(const Tensor& p) {
  check_floating("bernoulli", p.dtype());
  if (p.numel() != 0) {
    const Tensor detached = p.detach();
    check_probability("bernoulli", detached.min().item<double>());
    check_probability("bernoulli", detached.max().item<double>());
  }
  const DType compute = compute_dtype(p.dtype());
  Tensor uniform = allocate(Layout::dense_like(p.shape(), p.layout()), compute, p.device());
  generate(uniform, {.kind = GenerateKind::uniform});
  Program program;
  const Program::Register number = program.input(compute);
  const Program::Register probability = program.input(p.dtype(), compute);
  program.output(program.apply(Op::lt, number, probability), p.dtype());
  const Tensor inputs[] = {uniform, p};
  // What was drawn does not change with p by a small step: the gradient is zero.
  return with_gradient(run_program(program, inputs, "bernoulli"), "bernoulli", {&p},
                       [](const Tensor&) { return Tensor(); });
}

Tensor multinomial(const Tensor& p, std::int64_t samples, bool replacement) {
  check_floating("multinomial", p.dtype());
  RUSTORCH_CHECK(p.rank() == 1 || p.rank() == 2, invalid_argument,
                 "multinomial: weights are a vector or rows of a matrix, not of shape {}", p.shape());
  const std::int64_t categories = p.size(-1);
  const std::int64_t rows = p.rank() == 2 ? p.size(0) : 1;
  RUSTORCH_CHECK(samples > 0, invalid_argument, "multinomial: {} samples", samples);
  RUSTORCH_CHECK(categories > 0, invalid_argument, "multinomial: there is nothing to draw from (shape {})",
                 p.shape());
  if (!replacement && samples > categories) {
    fail_with_suggestion(ErrorCode::invalid_argument, "draw with replacement = true",
                         "multinomial: {} samples without replacement from {} categories", samples,
                         categories);
  }
  // On the host, so that the same seed draws the same on every device.
  const std::vector<double> weights = p.to_vector<double>();
  const std::int64_t numbers = replacement ? samples : categories;
  const std::vector<double> uniform = host_uniform(rows * numbers);
  std::vector<std::int64_t> drawn(static_cast<std::size_t>(rows * samples));
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto part = [row](auto& of, std::int64_t width) {
      return std::span(of).subspan(static_cast<std::size_t>(row * width), static_cast<std::size_t>(width));
    };
    const double total = total_weight(part(weights, categories));
    if (replacement) {
      draw_with_replacement(part(weights, categories), total, part(uniform, numbers), part(drawn, samples));
    } else {
      draw_without_replacement(part(weights, categories), part(uniform, numbers), part(drawn, samples));
    }
  }
  const Tensor result = tensor(drawn, {.device = p.device()});
  return p.rank() == 2 ? result.view({rows, samples}) : result;
}

Tensor dropout(const Tensor& x, double p, bool training) {
  check_probability("dropout", p);
  if (!training || p == 0 || x.numel() == 0) return x;
  RUSTORCH_CHECK(is_differentiable(x.dtype()), dtype_mismatch,
                 "dropout: scales by 1 / (1 - p), and takes floating-point or complex tensors, not {}",
                 x.dtype());
  Tensor mask = allocate(Layout::dense_like(x.shape(), x.layout()), DType::bool_, x.device());
  generate(mask, {.kind = GenerateKind::bernoulli, .a = 1 - p});
  return masked_scale(x, mask, p == 1 ? 0.0 : 1 / (1 - p));
}

Tensor& Tensor::uniform_(double from, double to) {
  check_floating("uniform_", dtype());
  RUSTORCH_CHECK(from <= to, invalid_argument, "uniform_: no number lies in [{}, {})", from, to);
  return generate_in_place("uniform_", *this, {.kind = GenerateKind::uniform, .a = from, .b = to});
}
Tensor& Tensor::normal_(double mean, double std) {
  check_floating("normal_", dtype());
  check_deviation("normal_", std);
  return generate_in_place("normal_", *this, {.kind = GenerateKind::normal, .a = mean, .b = std});
}
Tensor& Tensor::bernoulli_(double p) {
  check_probability("bernoulli_", p);
  return generate_in_place("bernoulli_", *this, {.kind = GenerateKind::bernoulli, .a = p});
}
Tensor& Tensor::random_(std::int64_t low, std::int64_t high) {
  check_bounds("random_", low, high, dtype());
  return generate_in_place("random_", *this, {.kind = GenerateKind::integers, .ia = low, .ib = high});
}

}  // namespace rustorch
