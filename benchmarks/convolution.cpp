// Convolutions of images, forward and forward with backward. items_per_second is FLOP/s (two for each
// multiplication and addition; backward counts twice the forward).
#include "api.h"

namespace {

using api::randn;
using api::Tensor;

struct Work {
  const char* name;
  std::int64_t batch, in_channels, out_channels, size, kernel, stride, padding, groups;
};

constexpr Work works[] = {
    {"first_of_resnet", 4, 3, 64, 224, 7, 2, 3, 1},  {"middle_of_resnet", 8, 64, 64, 56, 3, 1, 1, 1},
    {"one_by_one", 8, 256, 64, 56, 1, 1, 0, 1},      {"depthwise", 8, 64, 64, 56, 3, 1, 1, 64},
    {"uneven_channels", 16, 30, 50, 32, 3, 1, 1, 1}, {"few_channels", 32, 3, 16, 32, 3, 1, 1, 1},
    {"grouped", 8, 48, 96, 28, 3, 1, 1, 4},          {"main_job_first", 128, 1, 32, 28, 3, 1, 1, 1},
    {"main_job_second", 128, 32, 64, 14, 3, 1, 1, 1}};

void measure(benchmark::State& state, const Work& work, bool backward) {
  const Tensor x = randn({work.batch, work.in_channels, work.size, work.size}).requires_grad_(backward);
  const Tensor w = randn({work.out_channels, work.in_channels / work.groups, work.kernel, work.kernel})
                       .requires_grad_(backward);
  const auto run = [&] { return api::conv2d(x, w, {}, work.stride, work.padding, 1, work.groups); };
  const Tensor out = run();
  const Tensor gradient = api::ones_like(out);
  for (auto _ : state) {
    Tensor y = run();
    if (backward) {
      y.backward(gradient);
      Tensor leaf = x;
      clear_gradient(leaf);
      leaf = w;
      clear_gradient(leaf);
    }
    benchmark::DoNotOptimize(y);
  }
  const std::int64_t products = out.numel() * w.numel() / work.out_channels;
  state.SetItemsProcessed(state.iterations() * 2 * products * (backward ? 3 : 1));
}

}  // namespace

int main(int argc, char** argv) {
  for (const Work& work : works) {
    for (const bool backward : {false, true}) {
      const std::string name = std::string(work.name) + (backward ? "/with_backward" : "/forward");
      benchmark::RegisterBenchmark(name.c_str(), [&work, backward](benchmark::State& state) {
        measure(state, work, backward);
      })->UseRealTime();
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
