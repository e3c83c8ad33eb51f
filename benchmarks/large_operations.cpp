// Operations on tensors of 64 MB, whose floor is the memory: bytes_per_second counts what must be read and
// written at least once. copy is the yardstick.
#include "api.h"

namespace {

using api::randn;
using api::Tensor;

constexpr std::int64_t side = 4096;  // 4096² floats are 64 MB

/// Runs `operation` and counts `passes` times 64 MB.
template <class Operation>
void measure(benchmark::State& state, double passes, const Operation& operation) {
  for (auto _ : state) benchmark::DoNotOptimize(computed(operation()));
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<double>(state.iterations()) * passes *
                                                    static_cast<double>(side * side * 4)));
}

Tensor matrix() { return randn({side, side}); }

void copy(benchmark::State& state) {
  const Tensor x = matrix();
  Tensor y = matrix();
  measure(state, 2, [&] { return y.copy_(x); });
}
void add(benchmark::State& state) {
  const Tensor x = matrix(), y = matrix();
  measure(state, 3, [&] { return x + y; });
}
void add_into(benchmark::State& state) {
  Tensor x = matrix();
  const Tensor y = matrix();
  measure(state, 3, [&] { return x += y; });
}
void add_row(benchmark::State& state) {
  const Tensor x = matrix(), y = randn({side});
  measure(state, 2, [&] { return x + y; });
}
void add_column(benchmark::State& state) {
  const Tensor x = matrix(), y = randn({side, 1});
  measure(state, 2, [&] { return x + y; });
}
void exp(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return x.exp(); });
}
void tanh(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return x.tanh(); });
}
void gelu(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return api::gelu(x); });
}
void gelu_op_by_op(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return 0.5 * x * (1 + api::erf(x * 0.70710678118654752)); });
}
void chain_of_five(benchmark::State& state) {
  const Tensor x = matrix(), y = matrix();
  measure(state, 3, [&] { return ((x + y) * 2 - x) * y + 1; });
}
void softmax(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return x.softmax(1); });
}
void layer_norm(benchmark::State& state) {
  const Tensor x = matrix(), weight = randn({side}), bias = randn({side});
  measure(state, 2, [&] { return api::layer_norm(x, {side}, weight, bias); });
}
void transpose_copy(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return x.t().contiguous(); });
}
void cumsum(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return x.cumsum(1); });
}
void cat(benchmark::State& state) {
  const Tensor x = randn({side / 2, side}), y = randn({side / 2, side});
  measure(state, 2, [&] { return api::cat({x, y}, 0); });
}
void sum(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 1, [&] { return x.sum(); });
}
void sum_of_rows(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 1, [&] { return x.sum(1); });
}
void sum_of_columns(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 1, [&] { return x.sum(0); });
}
void argmax_of_rows(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 1, [&] { return x.argmax(1); });
}
void to_bfloat16(benchmark::State& state) {
  const Tensor x = matrix();
#ifdef RUSTORCH_BENCHMARK_LIBTORCH
  measure(state, 1.5, [&] { return x.to(torch::kBFloat16); });
#else
  measure(state, 1.5, [&] { return x.to(rustorch::bfloat16); });
#endif
}
void topk_of_rows(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 1, [&] { return x.topk(32); });
}
void sort_of_rows(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return x.sort(1); });
}
void index_select_rows(benchmark::State& state) {
  const Tensor x = matrix(), index = api::randperm(side);
  measure(state, 2, [&] { return x.index_select(0, index); });
}
void index_select_columns(benchmark::State& state) {
  const Tensor x = matrix(), index = api::randperm(side);
  measure(state, 2, [&] { return x.index_select(1, index); });
}
void where(benchmark::State& state) {
  const Tensor x = matrix(), y = matrix(), mask = x > 0;
  measure(state, 3.25, [&] { return api::where(mask, x, y); });
}
void flip(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return x.flip({1}); });
}
void tril(benchmark::State& state) {
  const Tensor x = matrix();
  measure(state, 2, [&] { return x.tril(); });
}
void gather(benchmark::State& state) {
  const Tensor x = matrix(), index = std::get<1>(x.sort(1));
  measure(state, 4, [&] { return x.gather(1, index); });
}

BENCHMARK(copy)->UseRealTime();
BENCHMARK(add)->UseRealTime();
BENCHMARK(add_into)->UseRealTime();
BENCHMARK(add_row)->UseRealTime();
BENCHMARK(add_column)->UseRealTime();
BENCHMARK(exp)->UseRealTime();
BENCHMARK(tanh)->UseRealTime();
BENCHMARK(gelu)->UseRealTime();
BENCHMARK(gelu_op_by_op)->UseRealTime();
BENCHMARK(chain_of_five)->UseRealTime();
BENCHMARK(softmax)->UseRealTime();
BENCHMARK(layer_norm)->UseRealTime();
BENCHMARK(transpose_copy)->UseRealTime();
BENCHMARK(cumsum)->UseRealTime();
BENCHMARK(cat)->UseRealTime();
BENCHMARK(sum)->UseRealTime();
BENCHMARK(sum_of_rows)->UseRealTime();
BENCHMARK(sum_of_columns)->UseRealTime();
BENCHMARK(argmax_of_rows)->UseRealTime();
BENCHMARK(to_bfloat16)->UseRealTime();
BENCHMARK(topk_of_rows)->UseRealTime();
BENCHMARK(sort_of_rows)->UseRealTime();
BENCHMARK(index_select_rows)->UseRealTime();
BENCHMARK(index_select_columns)->UseRealTime();
BENCHMARK(where)->UseRealTime();
BENCHMARK(flip)->UseRealTime();
BENCHMARK(tril)->UseRealTime();
BENCHMARK(gather)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
