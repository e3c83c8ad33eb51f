// What a kernel costs on each GPU that is here: compiled, from the cache on disk, from the cache in memory.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "rustorch/backends/fallback_backend.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/runtime.h"

namespace {

using rustorch::gpu::KernelCache;
using rustorch::gpu::KernelExecutor;
using rustorch::gpu::KernelStoreSettings;

/// An empty folder that goes with what is in it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rustorch-benchmark-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  KernelStoreSettings settings() const { return {.folder = path_}; }

 private:
  std::filesystem::path path_;
};

void get(KernelCache& cache, const std::string& comment) {
  benchmark::DoNotOptimize(&cache.get("tanh", "kernel_of_tanh", [&] {
    return "// " + comment + R"(
KERNEL(kernel_of_tanh, 256)(BUF(const f32, x, 0), BUF(f32, y, 1) KERNEL_IDS) {
  i64 i = (i64)GROUP_ID(0) * 256 + (i64)LOCAL_ID;
  y[i] = tanh_f32(x[i]);
}
)";
  }));
}

/// Time of the first `get` of new caches.
void measure_new_caches(benchmark::State& state, KernelExecutor& executor,
                        const KernelStoreSettings& settings) {
  for (auto _ : state) {
    auto cache = std::make_unique<KernelCache>(executor, settings);
    get(*cache, "the same");
    state.PauseTiming();
    cache.reset();
    state.ResumeTiming();
  }
}

void compiled(benchmark::State& state, KernelExecutor* executor) {
  measure_new_caches(state, *executor, {});  // drivers have caches of their own
}

void from_disk(benchmark::State& state, KernelExecutor* executor) {
  const Folder folder;
  KernelCache first(*executor, folder.settings());
  get(first, "the same");
  if (first.statistics().stored == 0) return state.SkipWithError("the API has no compiled form, or no disk");
  measure_new_caches(state, *executor, folder.settings());
}

void from_memory(benchmark::State& state, KernelExecutor* executor) {
  KernelCache cache(*executor, {});
  for (auto _ : state) get(cache, "the same");
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const rustorch::Device device : rustorch::available_devices()) {
    auto* const outer = dynamic_cast<rustorch::FallbackBackend*>(&rustorch::backend_for(device));
    if (outer == nullptr) continue;
    KernelExecutor* const executor = &dynamic_cast<rustorch::gpu::GpuBackend&>(outer->primary()).executor();
    const std::string name = device.to_string();
    benchmark::RegisterBenchmark(("compiled/" + name).c_str(), compiled, executor);
    benchmark::RegisterBenchmark(("from_disk/" + name).c_str(), from_disk, executor);
    benchmark::RegisterBenchmark(("from_memory/" + name).c_str(), from_memory, executor);
  }
  benchmark::RunSpecifiedBenchmarks();
}
