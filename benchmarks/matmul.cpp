// Matrix products: squares of all sizes, the transposed forms, and those of the main job. items_per_second is
// FLOP/s (two for each multiplication and addition).
#include "api.h"

namespace {

using api::randn;
using api::Tensor;

void measure(benchmark::State& state, const Tensor& a, const Tensor& b) {
  for (auto _ : state) benchmark::DoNotOptimize(a.matmul(b));
  state.SetItemsProcessed(state.iterations() * 2 * a.numel() * b.size(-1));
}

void square(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  measure(state, randn({n, n}), randn({n, n}));
}
BENCHMARK(square)->RangeMultiplier(2)->Range(8, 2048)->Arg(100)->Arg(200)->Arg(500)->Arg(1000)->UseRealTime();

void square_with_transposed_b(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  measure(state, randn({n, n}), randn({n, n}).t());
}
BENCHMARK(square_with_transposed_b)->Arg(32)->Arg(100)->Arg(256)->Arg(1024)->UseRealTime();

void square_with_transposed_a(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  measure(state, randn({n, n}).t(), randn({n, n}));
}
BENCHMARK(square_with_transposed_a)->Arg(32)->Arg(100)->Arg(256)->Arg(1024)->UseRealTime();

void square_bfloat16(benchmark::State& state) {
  const std::int64_t n = state.range(0);
#ifdef RUSTORCH_BENCHMARK_LIBTORCH
  const auto brief = torch::kBFloat16;
#else
  const auto brief = rustorch::bfloat16;
#endif
  measure(state, randn({n, n}).to(brief), randn({n, n}).to(brief));
}
BENCHMARK(square_bfloat16)->Arg(32)->Arg(256)->Arg(1024)->UseRealTime();

void main_job_forward(benchmark::State& state) { measure(state, randn({128, 3136}), randn({128, 3136}).t()); }
BENCHMARK(main_job_forward)->UseRealTime();

void main_job_input_gradient(benchmark::State& state) {
  measure(state, randn({128, 128}), randn({128, 3136}));
}
BENCHMARK(main_job_input_gradient)->UseRealTime();

void main_job_weight_gradient(benchmark::State& state) {
  measure(state, randn({128, 128}).t(), randn({128, 3136}));
}
BENCHMARK(main_job_weight_gradient)->UseRealTime();

void skinny(benchmark::State& state) { measure(state, randn({4096, 64}), randn({64, 32})); }
BENCHMARK(skinny)->UseRealTime();

void one_row(benchmark::State& state) { measure(state, randn({1, 1024}), randn({1024, 1024})); }
BENCHMARK(one_row)->UseRealTime();

void one_row_of_linear(benchmark::State& state) { measure(state, randn({1, 1024}), randn({1024, 1024}).t()); }
BENCHMARK(one_row_of_linear)->UseRealTime();

void matrix_times_vector(benchmark::State& state) { measure(state, randn({1024, 1024}), randn({1024, 1})); }
BENCHMARK(matrix_times_vector)->UseRealTime();

void attention_scores(benchmark::State& state) {
  measure(state, randn({64, 128, 64}), randn({64, 128, 64}).transpose(1, 2));
}
BENCHMARK(attention_scores)->UseRealTime();

void batch_of_small(benchmark::State& state) { measure(state, randn({1024, 8, 8}), randn({1024, 8, 8})); }
BENCHMARK(batch_of_small)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
