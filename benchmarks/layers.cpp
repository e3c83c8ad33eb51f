// The layers of the main job at its sizes (batch 128), forward alone and with backward, and the optimizer's
// step.
#include "api.h"

namespace {

using api::randn;
using api::Tensor;
namespace nn = api::nn;

/// Channels-last, as convolutions of both libraries leave their results where they choose to.
Tensor activations(std::int64_t channels, std::int64_t size) {
  Tensor x = randn({128, size, size, channels}).permute({0, 3, 1, 2});
  return x;
}

template <class Layer>
void measure(benchmark::State& state, Layer& layer, Tensor x) {
  const bool backward = state.range(0) != 0;
  x = x.detach().requires_grad_(backward);
  const Tensor gradient = api::ones_like(layer(x));
  for (auto _ : state) {
    Tensor y = layer(x);
    if (backward) {
      y.backward(gradient);
      clear_gradient(x);
    }
    benchmark::DoNotOptimize(computed(y));
  }
}

nn::Conv2d convolution(std::int64_t in_channels, std::int64_t out_channels) {
#ifdef RUSTORCH_BENCHMARK_LIBTORCH
  return nn::Conv2d(nn::Conv2dOptions(in_channels, out_channels, 3).padding(1));
#else
  return nn::Conv2d(in_channels, out_channels, {.kernel_size = 3, .padding = 1});
#endif
}

void convolution_1(benchmark::State& state) {
  nn::Conv2d layer = convolution(1, 32);
  const bool backward = state.range(0) != 0;
  const Tensor x = randn({128, 1, 28, 28});  // the data: no gradient
  const Tensor gradient = api::ones_like(layer(x));
  for (auto _ : state) {
    Tensor y = layer(x);
    if (backward) y.backward(gradient);
    benchmark::DoNotOptimize(computed(y));
  }
}
void convolution_2(benchmark::State& state) {
  nn::Conv2d layer = convolution(32, 64);
  measure(state, layer, activations(32, 14));
}
void batch_norm_1(benchmark::State& state) {
  nn::BatchNorm2d layer(32);
  measure(state, layer, activations(32, 28));
}
void batch_norm_2(benchmark::State& state) {
  nn::BatchNorm2d layer(64);
  measure(state, layer, activations(64, 14));
}
void relu_1(benchmark::State& state) {
  const auto layer = [](const Tensor& x) { return api::relu(x); };
  measure(state, layer, activations(32, 28));
}
void max_pool_1(benchmark::State& state) {
  nn::MaxPool2d layer(2);
  measure(state, layer, activations(32, 28));
}
void max_pool_2(benchmark::State& state) {
  nn::MaxPool2d layer(2);
  measure(state, layer, activations(64, 14));
}
void flatten(benchmark::State& state) {
  const auto layer = [](const Tensor& x) { return x.flatten(1); };
  measure(state, layer, activations(64, 7));
}
void linear_1(benchmark::State& state) {
  nn::Linear layer(3136, 128);
  measure(state, layer, randn({128, 3136}));
}
void dropout(benchmark::State& state) {
  nn::Dropout layer(0.25);
  measure(state, layer, randn({128, 128}));
}
void cross_entropy(benchmark::State& state) {
  const Tensor target = api::arange(128) % 10;
  const auto layer = [&](const Tensor& x) { return nn::functional::cross_entropy(x, target); };
  measure(state, layer, randn({128, 10}));
}
void adamw_step(benchmark::State& state) {
  nn::Linear layer(3136, 128);
  layer(randn({2, 3136})).sum().backward();
#ifdef RUSTORCH_BENCHMARK_LIBTORCH
  torch::optim::AdamW optimizer(layer->parameters(), torch::optim::AdamWOptions(2e-3));
#else
  rustorch::optim::AdamW optimizer(layer.parameters(), {.lr = 2e-3});
#endif
  for (auto _ : state) optimizer.step();
}

BENCHMARK(convolution_1)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(convolution_2)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(batch_norm_1)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(batch_norm_2)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(relu_1)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(max_pool_1)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(max_pool_2)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(flatten)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(linear_1)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(dropout)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(cross_entropy)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(adamw_step)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
