// What one operation on 16 floats costs: the way from the call to the kernel and back.
#include <cstdlib>

#include "api.h"

namespace {

using api::randn;
using api::Tensor;

void add(benchmark::State& state) {
  const Tensor a = randn({16}), b = randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(add);

void add_in_place(benchmark::State& state) {
  Tensor a = randn({16});
  const Tensor b = randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a += b);
}
BENCHMARK(add_in_place);

void add_scalar(benchmark::State& state) {
  const Tensor a = randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a + 1.5);
}
BENCHMARK(add_scalar);

void add_row(benchmark::State& state) {
  const Tensor a = randn({4, 4}), b = randn({4});
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(add_row);

void view(benchmark::State& state) {
  const Tensor a = randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a.view({4, 4}));
}
BENCHMARK(view);

void transpose(benchmark::State& state) {
  const Tensor a = randn({4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(a.transpose(0, 1));
}
BENCHMARK(transpose);

void select_row(benchmark::State& state) {
  const Tensor a = randn({4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(a[1]);
}
BENCHMARK(select_row);

void sum(benchmark::State& state) {
  const Tensor a = randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(a.sum());
}
BENCHMARK(sum);

void matmul(benchmark::State& state) {
  const Tensor a = randn({4, 4}), b = randn({4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(a.matmul(b));
}
BENCHMARK(matmul);

void mul_with_history(benchmark::State& state) {
  const Tensor a = randn({16}).requires_grad_(), b = randn({16}).requires_grad_();
  for (auto _ : state) benchmark::DoNotOptimize(a * b);
}
BENCHMARK(mul_with_history);

void mul_sum_backward(benchmark::State& state) {
  Tensor a = randn({16}).requires_grad_(), b = randn({16}).requires_grad_();
  for (auto _ : state) {
    (a * b).sum().backward();
    clear_gradient(a);
    clear_gradient(b);
  }
}
BENCHMARK(mul_sum_backward);

#ifdef RUSTORCH_BENCHMARK_LIBTORCH
// LibTorch's CPU allocator asks posix_memalign for each block.
void* allocate(std::size_t bytes) {
  void* block = nullptr;
  return posix_memalign(&block, 64, bytes) == 0 ? block : nullptr;
}
void deallocate(void* block, std::size_t) { std::free(block); }
#else
void* allocate(std::size_t bytes) { return rustorch::cpu_allocator().allocate(bytes); }
void deallocate(void* block, std::size_t bytes) { rustorch::cpu_allocator().deallocate(block, bytes); }
#endif

void allocate_and_free(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = allocate(bytes);
    benchmark::DoNotOptimize(block);
    deallocate(block, bytes);
  }
}
BENCHMARK(allocate_and_free)->Arg(64)->Arg(4096)->Arg(65536);

}  // namespace

BENCHMARK_MAIN();
