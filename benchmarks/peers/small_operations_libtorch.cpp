// LibTorch's side of benchmarks/small_operations.sh: the same names, the same work.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <cstdlib>

namespace {

void add(benchmark::State& state) {
  const torch::Tensor a = torch::randn({16}), b = torch::randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(add);

void add_in_place(benchmark::State& state) {
  torch::Tensor a = torch::randn({16});
  const torch::Tensor b = torch::randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a += b);
}
BENCHMARK(add_in_place);

void add_scalar(benchmark::State& state) {
  const torch::Tensor a = torch::randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a + 1.5);
}
BENCHMARK(add_scalar);

void add_row(benchmark::State& state) {
  const torch::Tensor a = torch::randn({4, 4}), b = torch::randn({4});
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(add_row);

void view(benchmark::State& state) {
  const torch::Tensor a = torch::randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a.view({4, 4}));
}
BENCHMARK(view);

void transpose(benchmark::State& state) {
  const torch::Tensor a = torch::randn({4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(a.transpose(0, 1));
}
BENCHMARK(transpose);

void select_row(benchmark::State& state) {
  const torch::Tensor a = torch::randn({4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(a[1]);
}
BENCHMARK(select_row);

void sum(benchmark::State& state) {
  const torch::Tensor a = torch::randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a.sum());
}
BENCHMARK(sum);

void matmul(benchmark::State& state) {
  const torch::Tensor a = torch::randn({4, 4}), b = torch::randn({4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(a.matmul(b));
}
BENCHMARK(matmul);

void mul_with_history(benchmark::State& state) {
  const torch::Tensor a = torch::randn({16}).requires_grad_(), b = torch::randn({16}).requires_grad_();
  for (auto _ : state) benchmark::DoNotOptimize(a * b);
}
BENCHMARK(mul_with_history);

void mul_sum_backward(benchmark::State& state) {
  torch::Tensor a = torch::randn({16}).requires_grad_(), b = torch::randn({16}).requires_grad_();
  for (auto _ : state) {
    (a * b).sum().backward();
    a.mutable_grad() = torch::Tensor();
    b.mutable_grad() = torch::Tensor();
  }
}
BENCHMARK(mul_sum_backward);

// LibTorch's CPU allocator asks posix_memalign for each block: that is its peer.
void allocate_and_free(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = nullptr;
    if (posix_memalign(&block, 64, bytes) != 0) state.SkipWithError("out of memory");
    benchmark::DoNotOptimize(block);
    std::free(block);
  }
}
BENCHMARK(allocate_and_free)->Arg(64)->Arg(4096)->Arg(65536);

}  // namespace

BENCHMARK_MAIN();
