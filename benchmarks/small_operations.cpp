// What one operation on 16 floats costs: the way from the call to the kernel and back. Run beside LibTorch by
// benchmarks/small_operations.sh, which takes the same names from small_operations_libtorch.cpp.
#include <benchmark/benchmark.h>
#include <rustorch/rustorch.h>

namespace {

using namespace rustorch;

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
    a.set_grad({});
    b.set_grad({});
  }
}
BENCHMARK(mul_sum_backward);

void allocate_and_free(benchmark::State& state) {
  MemoryAllocator& allocator = cpu_allocator();
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = allocator.allocate(bytes);
    benchmark::DoNotOptimize(block);
    allocator.deallocate(block, bytes);
  }
}
BENCHMARK(allocate_and_free)->Arg(64)->Arg(4096)->Arg(65536);

}  // namespace

BENCHMARK_MAIN();
