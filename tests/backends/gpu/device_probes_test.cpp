// What probes find out on the devices that are here, and how it is kept.
#include "rustorch/backends/gpu/device_probes.h"

#include <fstream>

#include "backends/gpu/compiling_executor.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/text_executor.h"
#include "rustorch/backends/device_check.h"
#include "rustorch/backends/gpu/dialect.h"
#include "rustorch/backends/gpu/probe_trials.h"
#include "support/child_process.h"
#include "support/temporary_folder.h"

namespace rustorch::testing {
namespace {

namespace fs = std::filesystem;
using gpu::DeviceProbes;
using gpu::Probe;
using gpu::ProbeOutcome;
using gpu::ProbeResult;

class GpuProbes : public OnGpu {};

TEST_F(GpuProbes, SayWhatTheDeviceDoes) {
  for (gpu::GpuBackend* backend : backends) {
    SCOPED_TRACE(backend->device().to_string());
    DeviceProbes& probes = backend->probes();
    for (const Probe probe : {Probe::float16_storage, Probe::bfloat16_storage, Probe::int64,
                              Probe::atomic_add, Probe::atomic_compare_exchange, Probe::local_memory})
      EXPECT_TRUE(probes.result(probe).works())
          << to_string(probe) << ": " << probes.result(probe).to_string();
    EXPECT_EQ(probes.result(Probe::float64).works(), backend->executor().facts().has_float64)
        << probes.result(Probe::float64).to_string();
    const ProbeResult& subgroups = probes.result(Probe::subgroups);
    if (backend->device().type == DeviceType::opencl) {
      EXPECT_EQ(subgroups.to_string(), "no: the kernels' dialect has none on this API");
    } else {
      EXPECT_EQ(subgroups.to_string(), "yes (32 threads)");
    }
    const ProbeOutcome arithmetic = probes.result(Probe::float16_arithmetic).outcome;
    EXPECT_TRUE(arithmetic == ProbeOutcome::works || arithmetic == ProbeOutcome::not_offered)
        << probes.result(Probe::float16_arithmetic).to_string();
    EXPECT_EQ(backend->supports(Kind::matmul, DType::float32),
              !backend->executor().facts().products_need_probe || probes.result(Probe::products).works());
    for (const DType dtype : {DType::float16, DType::bfloat16, DType::float64, DType::int64, DType::float32})
      EXPECT_EQ(backend->defect(dtype), "");
  }
}

TEST_F(GpuProbes, AreKnownToTheNextProcess) {
  for (gpu::GpuBackend* backend : backends) {
    const TemporaryFolder folder;
    const gpu::KernelStoreSettings settings{.folder = folder / "kernels"};
    const auto result = [&](std::uint64_t* runs) {
      DeviceProbes probes(backend->executor(), {}, settings);
      std::string text;
      for (const Probe probe : {Probe::local_memory, Probe::subgroups})
        text += probes.result(probe).to_string() + "; " + probes.result(probe).to_string() + "\n";
      *runs = probes.runs();
      return text;
    };
    std::uint64_t runs = 0, runs_again = 0;
    const std::string first = result(&runs), again = result(&runs_again);
    EXPECT_EQ(first, again);
    EXPECT_EQ(runs, 2u);  // each once, though asked for twice
    EXPECT_EQ(runs_again, 0u);
  }
}

TEST_F(GpuProbes, AForkedChildFindsNothingOut) {
  for (gpu::GpuBackend* backend : backends) {
    const TemporaryFolder folder;
    DeviceProbes probes(backend->executor(), {}, {.folder = folder / "kernels"});
    EXPECT_EQ(exit_code_in_child([&] {
                const ProbeResult& result = probes.result(Probe::int64);
                const bool told = result.detail.find("fork") != std::string::npos;
                return result.outcome == ProbeOutcome::failed && told ? 0 : 1;
              }),
              0);
    EXPECT_FALSE(fs::exists(folder / "kernels"));  // what the child could not try is kept for nobody
    EXPECT_TRUE(probes.result(Probe::int64).works());
  }
}

/// An executor whose device answers every trial with zeros, or whose compiler refuses it.
class ZeroExecutor final : public TextExecutor {
 public:
  gpu::BufferHandle allocate(std::size_t) override { return has_memory ? &memory_ : nullptr; }
  void write(gpu::BufferHandle, std::size_t, const void*, std::size_t) override {}
  void launch(gpu::Kernel&, const gpu::LaunchShape&, std::span<const gpu::KernelArgument>) override {}
  void read(gpu::BufferHandle, std::size_t, void* destination, std::size_t bytes) override {
    std::memset(destination, 0, bytes);
  }
  bool has_memory = true;

 private:
  int memory_ = 0;
};

class ProbesOnDisk : public ::testing::Test {
 protected:
  ProbeResult ask(Probe probe, gpu::KernelExecutor& of) {
    DeviceProbes probes(of,
                        [&] {
                          return ProbeResult{ProbeOutcome::works, fmt::format("try {}", ++tries)};
                        },
                        {.folder = folder / "kernels"});
    const ProbeResult result = probes.result(probe);
    runs = probes.runs();
    return result;
  }
  fs::path only_file() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder / "kernels")) files.push_back(entry.path());
    EXPECT_EQ(files.size(), 1u);
    return files.at(0);
  }

  const TemporaryFolder folder;
  ZeroExecutor executor;
  int tries = 0;
  std::uint64_t runs = 0;
};

TEST_F(ProbesOnDisk, WrongResultsAreToldAndKept) {
  for (const Probe probe :
       {Probe::float16_storage, Probe::float16_arithmetic, Probe::bfloat16_storage, Probe::float64,
        Probe::int64, Probe::atomic_add, Probe::atomic_compare_exchange, Probe::subgroups}) {
    EXPECT_EQ(ask(probe, executor).outcome, ProbeOutcome::wrong) << to_string(probe);
    EXPECT_EQ(runs, 1u);
    EXPECT_EQ(ask(probe, executor).outcome, ProbeOutcome::wrong) << to_string(probe);
    EXPECT_EQ(runs, 0u);
  }
  EXPECT_EQ(ask(Probe::atomic_add, executor).to_string(), "wrong results: element 0 of the trial");
}

TEST_F(ProbesOnDisk, WhatCompilersRefuseIsToldInTheirWords) {
  executor.while_compiling = [](const std::string&) {
    fail(ErrorCode::unsupported, "it does not compile a kernel:\n<source>:7:2: error: no halves here\nmore");
  };
  EXPECT_EQ(ask(Probe::float16_arithmetic, executor).to_string(), "no: no halves here");
  executor.while_compiling = [](const std::string&) { FAIL() << "known from the disk"; };
  EXPECT_EQ(ask(Probe::float16_arithmetic, executor).to_string(), "no: no halves here");
}

TEST_F(ProbesOnDisk, WhatFailedIsTriedAgain) {
  executor.has_memory = false;
  EXPECT_EQ(ask(Probe::int64, executor).to_string(), "could not be tried: no device memory for a trial");
  executor.has_memory = true;
  EXPECT_EQ(ask(Probe::int64, executor).outcome, ProbeOutcome::wrong);
}

TEST_F(ProbesOnDisk, DamagedResultsAreNotTaken) {
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 1");
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 1");
  const fs::path file = only_file();
  {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-1, std::ios::end);
    stream.put('7');
  }
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 2");
  fs::resize_file(file, fs::file_size(file) - 1);
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 3");
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 3");
}

TEST_F(ProbesOnDisk, ADtypeThatADeviceGetsWrongCannotRunThere) {
  const auto check = [] {
    const Device device(DeviceType::opencl, first_device_of_tests);
    register_backend(std::make_unique<gpu::GpuBackend>(device, std::make_unique<ZeroExecutor>()));
    return can_run(float16, device).to_string() + "\n" + can_run(int32, device).to_string();
  };
  const std::string place = (folder / "caches").string();
  EXPECT_EQ(in_child({{"RUSTORCH_CACHE_DIR", place.c_str()}}, check),
            "opencl:40 cannot: float16_storage on opencl:40: wrong results: element 1 of the trial\n"
            "opencl:40 runs it");
}

TEST_F(ProbesOnDisk, AnotherDriverIsTriedAnew) {
  class Updated final : public TextExecutor {
   public:
    Updated() { facts_.compiler_identity = "text compiler 2"; }
    const gpu::DeviceFacts& facts() const noexcept override { return facts_; }

   private:
    gpu::DeviceFacts facts_;
  } updated;
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 1");
  EXPECT_EQ(ask(Probe::products, updated).detail, "try 2");
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 1");
}

TEST_F(ProbesOnDisk, WhereNothingCanBeWrittenItGoesOn) {
  std::ofstream(folder / "kernels") << "a file where the folder should be";
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 1");
  EXPECT_EQ(ask(Probe::products, executor).detail, "try 2");
}

TEST(NvrtcProbes, Compile) {
  std::string absence;
  if (gpu::cuda::nvrtc_api(absence) == nullptr) GTEST_SKIP() << absence;
  for (const int major : {8, 9, 10}) {
    CompilingExecutor executor(major, 0);
    for (std::size_t k = 0; k < gpu::probe_count; ++k) {
      const auto probe = static_cast<Probe>(k);
      if (probe == Probe::products) continue;
      EXPECT_NO_THROW(
          executor.compile(gpu::dialect_source(executor, gpu::probe_source(probe, executor.facts()))))
          << to_string(probe) << " for sm_" << major << "0";
    }
  }
}

}  // namespace
}  // namespace rustorch::testing
