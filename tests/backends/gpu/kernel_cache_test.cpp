// Compiled kernels in memory and on disk: with an executor of texts, and on each GPU that is here.
#include "rustorch/backends/gpu/kernel_cache.h"

#include <future>
#include <thread>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/text_executor.h"
#include "rustorch/memory/buffer.h"
#include "support/child_process.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace rustorch::testing {
namespace {

namespace fs = std::filesystem;
using gpu::Kernel;
using gpu::KernelCache;

class KernelCacheTest : public ::testing::Test {
 protected:
  gpu::KernelStoreSettings on_disk() const { return {.folder = folder.path()}; }

  /// The kernel `run` of a source of this name, which the cache compiles or loads if it must.
  static Kernel& get(KernelCache& cache, const std::string& source) {
    return cache.get(source, "run", [&] { return "run " + source; });
  }
  void get_in_new_cache(const std::string& source) {
    KernelCache cache(executor, on_disk());
    get(cache, source);
  }
  static std::string text_of(Kernel& kernel) { return static_cast<TextKernel&>(kernel).module.text; }

  const TemporaryFolder folder;
  TextExecutor executor;
};

TEST_F(KernelCacheTest, CompilesASourceOnce) {
  KernelCache cache(executor, {});
  Kernel& first = get(cache, "a");
  EXPECT_TRUE(text_of(first).starts_with("prelude\n"));
  EXPECT_TRUE(text_of(first).ends_with("run a"));
  EXPECT_EQ(&get(cache, "a"), &first);
  EXPECT_NE(&get(cache, "b"), &first);
  const auto none = []() -> std::string {
    ADD_FAILURE() << "the source is there";
    return "";
  };
  Kernel& other = cache.get("a", "prelude", none);  // another kernel of the same source
  EXPECT_NE(&other, &first);
  EXPECT_EQ(&static_cast<TextKernel&>(other).module, &static_cast<TextKernel&>(first).module);
  expect_error(ErrorCode::internal, "no kernel `walk`", [&] { return &cache.get("a", "walk", none); });
  EXPECT_EQ(executor.compiles, 2);
  EXPECT_EQ(cache.statistics().compiled, 2u);
  EXPECT_EQ(cache.statistics().hits, 1u);
  EXPECT_EQ(cache.statistics().stored, 0u);
}

TEST_F(KernelCacheTest, ASecondCacheLoadsFromDisk) {
  {
    KernelCache cache(executor, on_disk());
    get(cache, "a"), get(cache, "b");
  }
  EXPECT_EQ(folder.count(), 2);
  KernelCache second(executor, on_disk());
  EXPECT_TRUE(text_of(get(second, "a")).ends_with("run a"));
  EXPECT_TRUE(text_of(get(second, "b")).ends_with("run b"));
  EXPECT_EQ(executor.compiles, 2);
  EXPECT_EQ(second.statistics().compiled, 0u);
  EXPECT_EQ(second.statistics().loaded_from_disk, 2u);
  EXPECT_EQ(second.statistics().stored, 0u);
}

TEST_F(KernelCacheTest, AKilledProcessKeepsWhatItCompiled) {
  const int code = exit_code_in_child([&]() -> int {
    KernelCache cache(executor, on_disk());
    get(cache, "a");
    ::raise(SIGKILL);
    return 0;
  });
  EXPECT_EQ(code, 1000 + SIGKILL);
  EXPECT_EQ(folder.count(), 1);
  get_in_new_cache("a");
  EXPECT_EQ(executor.compiles, 0);
}

TEST_F(KernelCacheTest, WhatTheDriverRefusesIsCompiled) {
  get_in_new_cache("a");
  executor.takes_binaries = false;
  get_in_new_cache("a");
  EXPECT_EQ(executor.loads, 1);
  EXPECT_EQ(executor.compiles, 2);
  executor.takes_binaries = true;
  executor.loses_kernels = true;
  KernelCache cache(executor, on_disk());
  EXPECT_TRUE(text_of(get(cache, "a")).ends_with("run a"));
  EXPECT_EQ(executor.loads, 2);
  EXPECT_EQ(executor.compiles, 3);
}

TEST_F(KernelCacheTest, ApisWithoutCompiledFormsKeepNone) {
  executor.has_binaries = false;
  get_in_new_cache("a");
  EXPECT_EQ(folder.count(), 0);
}

TEST_F(KernelCacheTest, ThreadsThatWantOneSourceCompileItOnce) {
  KernelCache cache(executor, on_disk());
  std::atomic<int> arrived{0};
  executor.while_compiling = [&](const std::string&) {
    while (arrived < 8) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  std::vector<std::future<Kernel*>> kernels;
  for (int i = 0; i < 8; ++i) {
    kernels.push_back(std::async(std::launch::async, [&] {
      ++arrived;
      return &get(cache, "a");
    }));
  }
  Kernel* const first = kernels[0].get();
  for (std::size_t i = 1; i < 8; ++i) EXPECT_EQ(kernels[i].get(), first);
  EXPECT_EQ(executor.compiles, 1);
}

TEST_F(KernelCacheTest, OthersAreServedWhileOneCompiles) {
  KernelCache cache(executor, on_disk());
  get(cache, "there");
  std::promise<void> begun, others_done;
  executor.while_compiling = [&](const std::string& source) {
    if (!source.ends_with("run slow")) return;
    begun.set_value();
    others_done.get_future().wait();
  };
  auto slow = std::async(std::launch::async, [&] { return &get(cache, "slow"); });
  begun.get_future().wait();
  get(cache, "there"), get(cache, "new");
  EXPECT_EQ(executor.compiles, 3);
  EXPECT_EQ(cache.statistics().compiled, 2u);
  others_done.set_value();
  EXPECT_EQ(slow.get(), &get(cache, "slow"));
}

TEST_F(KernelCacheTest, AFailureReachesAllThatWaitAndIsTriedAgain) {
  KernelCache cache(executor, on_disk());
  std::atomic<int> arrived{0};
  executor.while_compiling = [&](const std::string&) {
    while (arrived < 4) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    fail(ErrorCode::unsupported, "line 7 is wrong");
  };
  std::vector<std::future<void>> failed;
  for (int i = 0; i < 4; ++i) {
    failed.push_back(std::async(std::launch::async, [&] {
      ++arrived;
      expect_error(ErrorCode::unsupported, "line 7", [&] { return &get(cache, "a"); });
    }));
  }
  for (auto& one : failed) one.get();
  const int attempts = executor.compiles;
  expect_error(ErrorCode::unsupported, "line 7", [&] { return &get(cache, "a"); });
  EXPECT_EQ(executor.compiles, attempts + 1);
  executor.while_compiling = [](const std::string&) {};
  get(cache, "a");
  EXPECT_EQ(executor.compiles, attempts + 2);
  EXPECT_EQ(cache.statistics().compiled, 1u);
}

TEST_F(KernelCacheTest, AForkedChildIsRefused) {
  KernelCache cache(executor, on_disk());
  Kernel& kernel = get(cache, "a");
  std::promise<void> begun, child_done;
  executor.while_compiling = [&](const std::string&) {
    begun.set_value();
    child_done.get_future().wait();
  };
  auto other = std::async(std::launch::async, [&] { return &get(cache, "b"); });
  begun.get_future().wait();
  const int code = exit_code_in_child([&] {  // does not wait for the compiler, which the child does not have
    expect_error(ErrorCode::unsupported, "fork", [&] { return &get(cache, "b"); });
    expect_error(ErrorCode::unsupported, "fork", [&] { return &get(cache, "c"); });
    return HasFailure() || &get(cache, "a") != &kernel ? 1 : 0;
  });
  EXPECT_EQ(code, 0);
  child_done.set_value();
  other.get();
}

class KernelCacheOnGpu : public OnGpu {
 protected:
  /// Runs a kernel from the cache and expects its results.
  static void expect_runs(gpu::GpuBackend& backend, KernelCache& cache) {
    Kernel& kernel = cache.get("triples", "triple", [] {
      return "KERNEL(triple, 64)(BUF(i32, x, 0) KERNEL_IDS) {\n  x[LOCAL_ID] = (i32)LOCAL_ID * 3;\n}\n";
    });
    const Buffer buffer(backend.allocator(), 64 * sizeof(std::int32_t));
    gpu::KernelArgument argument;
    argument.buffer = buffer.data();
    gpu::LaunchShape shape;
    shape.group_threads = 64;
    backend.executor().launch(kernel, shape, {&argument, 1});
    std::vector<std::int32_t> values(64);
    backend.executor().read(buffer.data(), 0, values.data(), 64 * sizeof(std::int32_t));
    for (std::int32_t i = 0; i < 64; ++i) ASSERT_EQ(values[static_cast<std::size_t>(i)], 3 * i);
  }

  /// The file of the kernel that expect_runs runs, in an empty folder; an empty path if the API has none.
  static fs::path store_one(gpu::GpuBackend& backend, const TemporaryFolder& folder) {
    KernelCache cache(backend.executor(), {.folder = folder.path()});
    expect_runs(backend, cache);
    EXPECT_EQ(cache.statistics().compiled, 1u);
    return cache.statistics().stored == 0 ? fs::path() : fs::directory_iterator(folder.path())->path();
  }
};

TEST_F(KernelCacheOnGpu, ASecondCacheLoadsFromDisk) {
  for (gpu::GpuBackend* backend : backends) {
    const TemporaryFolder folder;
    if (store_one(*backend, folder).empty()) continue;
    for (int i = 0; i < 3; ++i) {
      KernelCache cache(backend->executor(), {.folder = folder.path()});
      expect_runs(*backend, cache);
      EXPECT_EQ(cache.statistics().compiled, 0u);
      EXPECT_EQ(cache.statistics().loaded_from_disk, 1u);
    }
  }
}

TEST_F(KernelCacheOnGpu, DamagedFilesAreCompiledAnew) {
  for (gpu::GpuBackend* backend : backends) {
    const TemporaryFolder folder;
    const fs::path path = store_one(*backend, folder);
    if (path.empty()) continue;
    const std::string whole = read_file(path);
    std::vector<std::string> damages = {"", "x", whole + "x", std::string(whole.size(), '\0')};
    for (std::size_t part = 0; part < 8; ++part) {
      const std::size_t at = whole.size() * part / 8;
      damages.push_back(whole.substr(0, at));
      damages.push_back(whole);
      damages.back()[at] = static_cast<char>(damages.back()[at] ^ 0x10);
    }
    damages.push_back(whole);
    damages.back()[8] = 99;  // the format's version
    for (const std::string& damaged : damages) {
      write_file(path, damaged);
      KernelCache cache(backend->executor(), {.folder = folder.path()});
      expect_runs(*backend, cache);
      EXPECT_EQ(cache.statistics().loaded_from_disk, 0u);
      EXPECT_EQ(cache.statistics().compiled, 1u);
    }
    // The last cache left a whole one.
    KernelCache cache(backend->executor(), {.folder = folder.path()});
    expect_runs(*backend, cache);
    EXPECT_EQ(cache.statistics().loaded_from_disk, 1u);

    fs::remove(path);
    fs::create_directory(path);
    KernelCache blocked(backend->executor(), {.folder = folder.path()});
    expect_runs(*backend, blocked);
    EXPECT_EQ(blocked.statistics().compiled, 1u);
  }
}

TEST_F(KernelCacheOnGpu, ProgramsShareAFolder) {
  if (store_one(*backends[0], TemporaryFolder()).empty()) GTEST_SKIP() << "no compiled forms";
  const TemporaryFolder folder;
  const std::string self = fs::read_symlink("/proc/self/exe").string();
  // The test's own shard is not the program's.
  const std::string program = "env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX RUSTORCH_CACHE_DIR='" +
                              folder.path().string() + "' timeout 100 '" + self +
                              "' --gtest_filter=Gpu.ProgramsOfOneFormShareAKernel >/dev/null 2>&1";
  EXPECT_EQ(std::system((program + " & " + program + " && wait $!").c_str()), 0);
  std::ptrdiff_t kept = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "kernels")) {
    EXPECT_EQ(entry.path().extension(), ".kernel");
    ++kept;
  }
  EXPECT_GE(kept, 1);
  EXPECT_EQ(std::system(program.c_str()), 0);
}

}  // namespace
}  // namespace rustorch::testing
