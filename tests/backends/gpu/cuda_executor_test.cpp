#include "rustorch/backends/gpu/cuda/cuda_executor.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "rustorch/backends/gpu/cuda/compiled_module.h"
#include "rustorch/backends/gpu/cuda/driver_api.h"
#include "rustorch/backends/gpu/cuda/nvrtc_api.h"
#include "rustorch/backends/gpu/kernel_texts.h"
#include "rustorch/error/error.h"
#include "support/child_process.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace rustorch::gpu::cuda {
namespace {

using testing::exit_code_in_child;
using testing::expect_error;
using testing::TemporaryFolder;

constexpr const char* report_variable = "RUSTORCH_TEST_CUDA_REPORT";

/// What looking for devices finds in another run of this program, in which the linker searches this folder
/// first: how many, a space, and why there is none.
std::string probe_report_with(const TemporaryFolder& libraries) {
  const std::filesystem::path report = libraries / "report.txt";
  const int code = exit_code_in_child([&] {
    const char* before = std::getenv("LD_LIBRARY_PATH");
    const std::string path =
        libraries.path().string() + (before != nullptr ? ":" : "") + (before != nullptr ? before : "");
    ::setenv("LD_LIBRARY_PATH", path.c_str(), 1);
    ::setenv(report_variable, report.c_str(), 1);
    // For programs of another processor the emulator is named (scripts/test --neon); the shell is the host's.
    const char* emulator = std::getenv("RUSTORCH_TEST_EMULATOR");
    const std::string command =
        std::string("exec env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX ") +
        (emulator != nullptr ? emulator : "") + " '" +
        std::filesystem::read_symlink("/proc/self/exe").string() +
        "' --gtest_brief=1 --gtest_filter=CudaReport.IsWrittenForTheParent >/dev/null";
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    return 127;
  });
  EXPECT_EQ(code, 0) << "of the other run";
  return testing::read_file(report);
}

// Says nothing unless another process asks it to.
TEST(CudaReport, IsWrittenForTheParent) {
  const char* path = std::getenv(report_variable);
  if (path == nullptr) return;
  const ExecutorProbe probe = open_cuda();
  std::ofstream(path) << probe.executors.size() << ' ' << probe.absence;
}

TEST(CudaAbsence, IsToldWhereThereIsNoDevice) {
  const ExecutorProbe probe = open_cuda();
  if (!probe.executors.empty()) GTEST_SKIP() << "a device is here";
  EXPECT_NE(probe.absence, "");
}

TEST(CudaAbsence, OfADriverThatIsNoLibrary) {
  const TemporaryFolder folder;
  testing::write_file(folder / "libcuda.so.1", "no library at all");
  const std::string report = probe_report_with(folder);
  EXPECT_TRUE(report.starts_with("0 libcuda.so.1 cannot be opened (")) << report;
}

TEST(CudaAbsence, OfADriverThatLacksFunctions) {
  // Any real library that is not the driver does: the one of the C language.
  void* const symbol = ::dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
  Dl_info found{};
  if (symbol == nullptr || ::dladdr(symbol, &found) == 0) GTEST_SKIP() << "no library to take";
  const TemporaryFolder folder;
  std::filesystem::create_symlink(std::filesystem::canonical(found.dli_fname), folder / "libcuda.so.1");
  EXPECT_EQ(probe_report_with(folder), "0 libcuda.so.1 lacks cuGetErrorName");
}

/// A source of the dialect, behind the prelude.
std::string with_prelude(std::string_view source) {
  return std::string(kernel_text("prelude_cuda.h")) + std::string(source);
}

constexpr std::string_view add_source = R"(
typedef struct { i64 count; f32 scale; i32 unused; } AddParameters;
KERNEL(add_scaled, 256)(BUF(const f32, x, 0), BUF(const f32, y, 1), BUF(f32, sum, 2),
                        PARAMS(AddParameters, p, 3) KERNEL_IDS) {
  i64 i = (i64)GROUP_ID(0) * 256 + (i64)LOCAL_ID;
  if (i < p.count) sum[i] = x[i] + p.scale * y[i];
}
)";

/// Uses everything of the prelude but the functions by type.
constexpr std::string_view dialect_source = R"(
CONST_TABLE(f32, weights, 2) = {1.0f, 2.0f};
typedef struct { i64 count; u32 shift; i32 unused; } Parameters;
FN f32 weighted(LOCAL f32* values, u32 i, u32 which) { return values[i] * weights[which]; }
KERNEL(everything, 64)(BUF(const u16, halves, 0), BUF(u16, narrow, 1), BUF(f64, wide, 2), BUF(u32, flags, 3),
                       PARAMS(Parameters, p, 4) KERNEL_IDS) {
  LOCAL_ARRAY(f32, values, 64);
  u32 lid = LOCAL_ID;
  i64 i = (i64)(GROUP_ID(0) + NUM_GROUPS(0) * (GROUP_ID(1) + NUM_GROUPS(1) * GROUP_ID(2))) * 64 + (i64)lid;
  values[lid] = value_f16(halves[i]);
  BARRIER();
  f32 v = weighted(values, 63u - lid, lid & 1u);
#if HAS_SUBGROUP
  v = v + SUBGROUP_SHUFFLE_DOWN(v, 16u);
#endif
  if (i >= p.count) return;
  narrow[i] = memory_f16(AS_F32(AS_U32(v) ^ 0x80000000u));
#if HAS_F64
  wide[i] = AS_F64((u64)AS_U32(v) << p.shift);
#endif
  ATOMIC_ADD_U32(&flags[0], MULHI_U32(lid, 0x80000000u));
  ATOMIC_OR_U32(&flags[1], 1u << (lid & 31u));
  ATOMIC_MIN_U32(&flags[2], lid);
}
)";

/// Kernels that call every function of the prelude, for one type.
std::string function_source(const std::string& type) {
  std::string body;
  for (const char* name :
       {"exp", "exp2", "expm1",  "log",   "log2", "log10", "log1p", "sqrt",  "sin",   "cos",
        "tan", "asin", "acos",   "atan",  "sinh", "cosh",  "tanh",  "asinh", "acosh", "atanh",
        "erf", "erfc", "lgamma", "floor", "ceil", "trunc", "rint",  "fabs"}) {
    body += std::string("  y[i++] = ") + name + "_" + type + "(x[0]);\n";
  }
  for (const char* name : {"pow", "atan2", "hypot", "fmod", "copysign"}) {
    body += std::string("  y[i++] = ") + name + "_" + type + "(x[0], x[1]);\n";
  }
  body += "  y[i++] = fma_" + type + "(x[0], x[1], x[2]);\n";
  return "KERNEL(functions_" + type + ", 1)(BUF(const " + type + ", x, 0), BUF(" + type +
         ", y, 1) KERNEL_IDS) {\n  i64 i = 0;\n" + body + "}\n";
}

class Nvrtc : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string absence;
    compiler = nvrtc_api(absence);
    if (compiler == nullptr) GTEST_SKIP() << absence;
  }
  const NvrtcApi* compiler = nullptr;
};

TEST_F(Nvrtc, CompilesTheDialect) {
  for (const int major : {8, 9, 10}) {
    if (major == 10 && compiler->major == 12 && compiler->minor < 8) continue;  // does not know it yet
    for (const std::string_view source : {add_source, dialect_source}) {
      const std::vector<std::byte> cubin = compile_to_cubin(with_prelude(source), major, 0);
      ASSERT_GT(cubin.size(), 4u);
      EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(cubin.data()), 4), "\177ELF");
    }
  }
}

TEST_F(Nvrtc, CompilesEveryFunction) {
  const std::vector<std::byte> cubin =
      compile_to_cubin(with_prelude(function_source("f32") + function_source("f64")), 9, 0);
  const std::string_view text(reinterpret_cast<const char*>(cubin.data()), cubin.size());
  EXPECT_NE(text.find("functions_f32"), std::string_view::npos);
  EXPECT_NE(text.find("functions_f64"), std::string_view::npos);
}

TEST_F(Nvrtc, ShowsTheLogAndTheLineOfAMistake) {
  const std::string source = with_prelude(
      "KERNEL(broken, 32)(BUF(f32, y, 0) KERNEL_IDS) {\n"
      "  y[LOCAL_ID] = no_such_function(y[0]);\n"
      "}\n");
  const auto compile = [&] { return compile_to_cubin(source, 9, 0); };
  expect_error(ErrorCode::unsupported, "compute capability 9.0", compile);
  expect_error(ErrorCode::unsupported, "error: identifier \"no_such_function\" is undefined", compile);
  expect_error(ErrorCode::unsupported, "  y[LOCAL_ID] = no_such_function(y[0]);", compile);
  const std::optional<Error> error = testing::error_of(compile);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message().find("warning"), std::string::npos) << error->what();
}

TEST_F(Nvrtc, RefusesADeviceThatItDoesNotKnow) {
  expect_error(ErrorCode::unsupported, "compute capability 1.0",
               [] { return compile_to_cubin(with_prelude(add_source), 1, 0); });
}

TEST_F(Nvrtc, MakesCubinsThatAreRefusedWhenCutOff) {
  const std::vector<std::byte> cubin = compile_to_cubin(with_prelude(add_source), 9, 0);
  const DriverApi no_driver{};  // it is not asked
  for (std::size_t bytes = 0; bytes < cubin.size(); ++bytes) {
    const auto end = cubin.begin() + static_cast<std::ptrdiff_t>(bytes);
    ASSERT_EQ(load_module(no_driver, nullptr, {cubin.begin(), end}), nullptr) << bytes;
  }
}

/// A buffer that goes with the scope.
class Buffer {
 public:
  Buffer(KernelExecutor& executor, std::size_t bytes)
      : executor_(executor), handle_(executor.allocate(bytes)) {
    EXPECT_NE(handle_, nullptr);
  }
  ~Buffer() { executor_.release(handle_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  operator BufferHandle() const noexcept { return handle_; }  // NOLINT(google-explicit-constructor)
  KernelArgument argument() const { return {.buffer = handle_}; }

 private:
  KernelExecutor& executor_;
  BufferHandle handle_;
};

template <class T>
void write_all(KernelExecutor& executor, BufferHandle buffer, const std::vector<T>& values) {
  executor.write(buffer, 0, values.data(), values.size() * sizeof(T));
}

template <class T>
std::vector<T> read_all(KernelExecutor& executor, BufferHandle buffer, std::size_t count) {
  std::vector<T> values(count);
  executor.read(buffer, 0, values.data(), count * sizeof(T));
  return values;
}

/// AddParameters of add_source.
struct AddParameters {
  std::int64_t count;
  float scale;
  std::int32_t unused = 0;
};

void launch_add(KernelExecutor& executor, Kernel& kernel, const Buffer& x, const Buffer& y, const Buffer& sum,
                std::size_t count, float scale) {
  const AddParameters parameters{.count = static_cast<std::int64_t>(count), .scale = scale};
  const std::array arguments{x.argument(), y.argument(), sum.argument(),
                             KernelArgument{.bytes = &parameters, .size = sizeof(parameters)}};
  executor.launch(kernel, {.groups_x = static_cast<std::uint32_t>((count + 255) / 256)}, arguments);
}

/// Adds two arrays on the device and compares with the host; `count` decides which way they are written.
void expect_sums(KernelExecutor& executor, Kernel& kernel, std::size_t count, float scale) {
  std::vector<float> x(count), y(count);
  for (std::size_t i = 0; i < count; ++i) {
    x[i] = static_cast<float>(i % 1000);
    y[i] = static_cast<float>(i % 77) * 0.5f;
  }
  const Buffer x_buffer(executor, count * sizeof(float)), y_buffer(executor, count * sizeof(float)),
      sum(executor, count * sizeof(float));
  write_all(executor, x_buffer, x);
  write_all(executor, y_buffer, y);
  launch_add(executor, kernel, x_buffer, y_buffer, sum, count, scale);
  const std::vector<float> sums = read_all<float>(executor, sum, count);
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(sums[i], x[i] + scale * y[i]) << i;
}

/// The devices, looked for once. They stay until the process ends.
const ExecutorProbe& devices() {
  static const ExecutorProbe& probe = *new ExecutorProbe(open_cuda());
  return probe;
}

/// Tests on a real GPU, the first.
class CudaDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    if (devices().executors.empty()) GTEST_SKIP() << devices().absence;
  }
  static KernelExecutor& executor() { return *devices().executors.front(); }
};

TEST_F(CudaDevice, TellsItsFacts) {
  const DeviceFacts& facts = executor().facts();
  EXPECT_NE(facts.name, "");
  EXPECT_EQ(facts.vendor, "NVIDIA");
  EXPECT_TRUE(facts.driver.starts_with("CUDA ")) << facts.driver;
  EXPECT_NE(facts.compiler_identity.find(facts.name), std::string::npos) << facts.compiler_identity;
  EXPECT_NE(facts.compiler_identity.find("NVRTC"), std::string::npos) << facts.compiler_identity;
  EXPECT_GT(facts.memory_bytes, std::uint64_t{1} << 28);
  EXPECT_GT(facts.largest_buffer_bytes, std::uint64_t{1} << 28);
  EXPECT_GE(facts.local_memory_bytes, std::uint64_t{48} << 10);
  EXPECT_GT(facts.compute_units, 0u);
  EXPECT_GE(facts.most_group_threads, 1024u);
  EXPECT_GE(facts.most_argument_bytes, 4096u);
  EXPECT_TRUE(facts.has_float64);
}

TEST_F(CudaDevice, AddsTwoBuffers) {
  const auto module = executor().compile(with_prelude(add_source));
  const auto kernel = executor().kernel(*module, "add_scaled");
  expect_sums(executor(), *kernel, 1, 2.0f);
  expect_sums(executor(), *kernel, 1000, 0.25f);
  expect_sums(executor(), *kernel, 3'000'001, -1.5f);
}

TEST_F(CudaDevice, RunsTheWholeDialect) {
  const auto module = executor().compile(with_prelude(dialect_source));
  const auto kernel = executor().kernel(*module, "everything");
  const Buffer halves(executor(), 128), narrow(executor(), 128), wide(executor(), 512), flags(executor(), 12);
  std::vector<std::uint16_t> ones(64, 0x3c00);  // 1.0
  write_all(executor(), halves, ones);
  write_all(executor(), flags, std::vector<std::uint32_t>{0, 0, 99});
  struct {
    std::int64_t count = 64;
    std::uint32_t shift = 29;
    std::int32_t unused = 0;
  } parameters;
  const std::array arguments{halves.argument(), narrow.argument(), wide.argument(), flags.argument(),
                             KernelArgument{.bytes = &parameters, .size = sizeof(parameters)}};
  executor().launch(*kernel, {.group_threads = 64}, arguments);
  // Threads of a subgroup's lower half add that of 16 threads on; the parity, so the weight, is the same.
  const auto narrow_bits = read_all<std::uint16_t>(executor(), narrow, 64);
  const auto wide_values = read_all<std::uint64_t>(executor(), wide, 64);
  for (std::size_t i = 0; i < 16; ++i) {
    const float sum = i % 2 == 0 ? 2.0f : 4.0f;
    EXPECT_EQ(narrow_bits[i], i % 2 == 0 ? 0xc000 : 0xc400) << i;
    EXPECT_EQ(wide_values[i], std::uint64_t{std::bit_cast<std::uint32_t>(sum)} << 29) << i;
  }
  // The high halves of i * 2^31 are i / 2.
  EXPECT_EQ(read_all<std::uint32_t>(executor(), flags, 3),
            (std::vector<std::uint32_t>{2 * 31 * 32 / 2, 0xffffffffu, 0}));
}

TEST_F(CudaDevice, ComputesArithmeticWithTheHostsBits) {
  const auto module = executor().compile(with_prelude(R"(
KERNEL(arithmetic, 256)(BUF(const f32, x, 0), BUF(f32, y, 1) KERNEL_IDS) {
  i64 i = (i64)GROUP_ID(0) * 256 + (i64)LOCAL_ID;
  f32 a = x[i];
  f32 b = x[i + 1];
  y[3 * i] = a * b + a;
  y[3 * i + 1] = a / b;
  y[3 * i + 2] = sqrt_f32(a) * 0.5f;
}
)"));
  const auto kernel = executor().kernel(*module, "arithmetic");
  constexpr std::size_t count = 256 * 256;
  std::vector<float> x(count + 1);
  std::uint32_t state = 1;
  for (float& value : x) {  // of every size, subnormal ones too
    state = state * 1664525u + 1013904223u;
    value = std::bit_cast<float>((state >> 2) % 0x7f800000u);
  }
  const Buffer x_buffer(executor(), x.size() * sizeof(float)),
      y_buffer(executor(), 3 * count * sizeof(float));
  write_all(executor(), x_buffer, x);
  executor().launch(*kernel, {.groups_x = 256}, std::array{x_buffer.argument(), y_buffer.argument()});
  const std::vector<float> y = read_all<float>(executor(), y_buffer, 3 * count);
  const auto expect_bits = [](float device, float host) {
    return (std::isnan(device) && std::isnan(host)) ||
           std::bit_cast<std::uint32_t>(device) == std::bit_cast<std::uint32_t>(host);
  };
  for (std::size_t i = 0; i < count; ++i) {
    const float a = x[i], b = x[i + 1];
    ASSERT_TRUE(expect_bits(y[3 * i], a * b + a)) << a << ' ' << b;
    ASSERT_TRUE(expect_bits(y[3 * i + 1], a / b)) << a << ' ' << b;
    ASSERT_TRUE(expect_bits(y[3 * i + 2], std::sqrt(a) * 0.5f)) << a;
  }
}

TEST_F(CudaDevice, TakesManySmallWritesFromOnePlace) {
  constexpr std::size_t count = 20'000, words = 251;  // more than all staging holds, in no round sizes
  const Buffer buffer(executor(), count * words * 4);
  std::vector<std::uint32_t> source(words);
  for (std::size_t i = 0; i < count; ++i) {
    std::iota(source.begin(), source.end(), static_cast<std::uint32_t>(i * words));
    executor().write(buffer, i * words * 4, source.data(), words * 4);
  }
  const auto all = read_all<std::uint32_t>(executor(), buffer, count * words);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i);
}

// Through page-locked blocks, one and many times around their ring, with odd ends and beginnings.
TEST_F(CudaDevice, CopiesLargeRangesBothWays) {
  for (const std::size_t count : {std::size_t{131'072}, std::size_t{131'071}, std::size_t{524'289},
                                  std::size_t{5'000'011}, std::size_t{40'000'003}}) {
    std::vector<std::uint32_t> values(count);
    const Buffer buffer(executor(), (count + 3) * 4);
    for (std::uint32_t round = 0; round < 3; ++round) {
      std::iota(values.begin(), values.end(), round * 1000);
      executor().write(buffer, 12, values.data(), count * 4);
      std::fill(values.begin(), values.end(), 0);  // the copy may still be going on
      executor().read(buffer, 12, values.data(), count * 4);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(values[i], i + round * 1000) << count;
    }
  }
}

TEST_F(CudaDevice, CopiesLargeRangesOfSeveralThreads) {
  constexpr std::size_t count = 3'000'001;
  std::vector<std::thread> threads;
  for (std::uint32_t number = 0; number < 4; ++number) {
    threads.emplace_back([this, number] {
      std::vector<std::uint32_t> values(count), back(count);
      std::iota(values.begin(), values.end(), number);
      const Buffer buffer(executor(), count * 4);
      for (int round = 0; round < 4; ++round) {
        executor().write(buffer, 0, values.data(), count * 4);
        executor().read(buffer, 0, back.data(), count * 4);
        EXPECT_EQ(back, values);
      }
    });
  }
  for (std::thread& each : threads) each.join();
}

TEST_F(CudaDevice, CopiesBetweenOffsets) {
  std::vector<std::uint32_t> values(1000);
  std::iota(values.begin(), values.end(), 0u);
  const Buffer from(executor(), 4000), to(executor(), 4000);
  write_all(executor(), from, values);
  write_all(executor(), to, std::vector<std::uint32_t>(1000, 7));
  executor().copy(from, 400, to, 2000, 400);
  executor().copy(from, 0, to, 0, 0);
  std::vector<std::uint32_t> expected(1000, 7);
  std::copy(values.begin() + 100, values.begin() + 200, expected.begin() + 500);
  EXPECT_EQ(read_all<std::uint32_t>(executor(), to, 1000), expected);
  std::uint32_t one = 0;
  executor().read(to, 4 * 599, &one, 4);
  EXPECT_EQ(one, 199u);
}

TEST_F(CudaDevice, LoadsWhatItCompiled) {
  const auto module = executor().compile(with_prelude(add_source));
  const std::vector<std::byte> binary = executor().binary(*module);
  ASSERT_FALSE(binary.empty());
  const auto loaded = executor().load(binary);
  ASSERT_NE(loaded, nullptr);
  expect_sums(executor(), *executor().kernel(*loaded, "add_scaled"), 5000, 3.0f);
  EXPECT_EQ(executor().binary(*loaded), binary);
}

TEST_F(CudaDevice, RefusesBinariesThatAreNone) {
  const auto module = executor().compile(with_prelude(add_source));
  const std::vector<std::byte> binary = executor().binary(*module);
  EXPECT_EQ(executor().load({}), nullptr);
  EXPECT_EQ(executor().load(std::vector<std::byte>(1000, std::byte{'x'})), nullptr);
  for (const std::size_t bytes : {std::size_t{5}, std::size_t{64}, binary.size() / 2}) {
    EXPECT_EQ(executor().load(std::span(binary).first(bytes)), nullptr) << bytes;
  }
}

TEST_F(CudaDevice, NamesWhatIsWrong) {
  expect_error(ErrorCode::unsupported, "no_such_function", [&] {
    return executor().compile(
        with_prelude("KERNEL(broken, 32)(BUF(f32, y, 0) KERNEL_IDS) { y[0] = no_such_function(); }"));
  });
  const auto module = executor().compile(with_prelude(add_source));
  expect_error(ErrorCode::internal, "no kernel `subtract`",
               [&] { return executor().kernel(*module, "subtract"); });
  const auto kernel = executor().kernel(*module, "add_scaled");
  const Buffer buffer(executor(), 4);
  expect_error(ErrorCode::internal, "cuLaunchKernel of `add_scaled` (0 x 1 x 1 groups of 256): CUDA_ERROR_",
               [&] {
                 launch_add(executor(), *kernel, buffer, buffer, buffer, 0, 1.0f);
                 return 0;
               });
}

TEST_F(CudaDevice, RefusesArgumentsThatDoNotFit) {
  std::string absence;
  const DriverApi* driver = driver_api(absence);
  ASSERT_NE(driver, nullptr) << absence;
  if (driver->cuFuncGetParamInfo == nullptr) GTEST_SKIP() << "the driver does not tell";
  const auto module = executor().compile(with_prelude(add_source));
  const auto kernel = executor().kernel(*module, "add_scaled");
  const Buffer buffer(executor(), 4);
  const std::array few{buffer.argument()};
  expect_error(ErrorCode::internal, "kernel `add_scaled` has 4 parameters, not 1", [&] {
    executor().launch(*kernel, {}, few);
    return 0;
  });
  const std::int64_t number = 1;
  const std::array small{buffer.argument(), buffer.argument(), buffer.argument(),
                         KernelArgument{.bytes = &number, .size = sizeof(number)}};
  expect_error(ErrorCode::internal, "parameter 3 of kernel `add_scaled` has 16 bytes, its argument 8", [&] {
    executor().launch(*kernel, {}, small);
    return 0;
  });
}

TEST_F(CudaDevice, SaysWhenThereIsNotEnoughMemory) {
  const std::size_t too_much = static_cast<std::size_t>(executor().facts().memory_bytes) * 4;
  EXPECT_EQ(executor().allocate(too_much), nullptr);
  const Buffer empty(executor(), 0), small(executor(), 4);
  executor().release(nullptr);
}

TEST_F(CudaDevice, ReleasesMemoryAfterTheWorkThatUsesIt) {
  const auto module = executor().compile(with_prelude(add_source));
  const auto kernel = executor().kernel(*module, "add_scaled");
  constexpr std::size_t count = 1 << 20;
  const Buffer sum(executor(), count * sizeof(float));
  write_all(executor(), sum, std::vector<float>(count, 0.0f));
  for (int i = 0; i < 20; ++i) {  // each takes the memory that the one before has just given back
    const Buffer ones(executor(), count * sizeof(float));
    write_all(executor(), ones, std::vector<float>(count, 1.0f));
    launch_add(executor(), *kernel, sum, ones, sum, count, static_cast<float>(i));
  }
  EXPECT_EQ(read_all<float>(executor(), sum, count), std::vector<float>(count, 190.0f));
}

TEST_F(CudaDevice, MeasuresTimeOfTheDevice) {
  const auto module = executor().compile(with_prelude(add_source));
  const auto kernel = executor().kernel(*module, "add_scaled");
  constexpr std::size_t count = std::size_t{1} << 24;
  const Buffer buffer(executor(), count * sizeof(float));
  const auto launches = [&](int times) {
    return executor().device_seconds([&] {
      for (int i = 0; i < times; ++i) launch_add(executor(), *kernel, buffer, buffer, buffer, count, 1.0f);
    });
  };
  launches(1);  // what is done once
  const double few = launches(10), many = launches(200);
  EXPECT_GT(few, 0.0);
  EXPECT_GT(many, few);
  EXPECT_LT(many, 10.0);
}

TEST_F(CudaDevice, WorksForSeveralThreadsAtOnce) {
  const auto module = executor().compile(with_prelude(add_source));
  const auto kernel = executor().kernel(*module, "add_scaled");
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::size_t i = 0; i < 20; ++i) {
        expect_sums(executor(), *kernel, 1000 + 7777 * thread + i, static_cast<float>(thread));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(CudaDevice, LivesBesideAnotherExecutor) {
  const ExecutorProbe others = open_cuda();
  ASSERT_EQ(others.executors.size(), devices().executors.size()) << others.absence;
  for (const auto& other : others.executors) {
    const auto module = other->compile(with_prelude(add_source));
    expect_sums(*other, *other->kernel(*module, "add_scaled"), 2000, 1.0f);
  }
}

TEST_F(CudaDevice, RefusesWorkInAForkedChild) {
  auto module = executor().compile(with_prelude(add_source));
  auto kernel = executor().kernel(*module, "add_scaled");
  BufferHandle buffer = executor().allocate(4);
  ASSERT_NE(buffer, nullptr);
  const int code = exit_code_in_child([&] {
    std::uint32_t word = 0;
    const auto refused = [](const auto& work) {
      try {
        work();
      } catch (const Error& error) {
        return error.code() == ErrorCode::unsupported && error.message().find("fork") != std::string::npos;
      }
      return false;
    };
    if (!refused([&] { executor().compile(with_prelude(add_source)); })) return 1;
    if (!refused([&] { executor().binary(*module); })) return 2;
    if (!refused([&] { executor().load({}); })) return 3;
    if (!refused([&] { executor().kernel(*module, "add_scaled"); })) return 4;
    if (!refused([&] { executor().launch(*kernel, {}, {}); })) return 5;
    if (!refused([&] { executor().allocate(4); })) return 6;
    if (!refused([&] { executor().write(buffer, 0, &word, 4); })) return 7;
    if (!refused([&] { executor().read(buffer, 0, &word, 4); })) return 8;
    if (!refused([&] { executor().copy(buffer, 0, buffer, 0, 0); })) return 9;
    if (!refused([&] { executor().synchronize(); })) return 10;
    if (!refused([&] { executor().device_seconds([] {}); })) return 11;
    executor().release(buffer);
    kernel.reset();
    module.reset();
    const ExecutorProbe probe = open_cuda();
    return probe.executors.empty() && probe.absence.find("fork") != std::string::npos ? 0 : 12;
  });
  EXPECT_EQ(code, 0);
  expect_sums(executor(), *kernel, 100, 1.0f);  // the parent's go on
  executor().release(buffer);
}

}  // namespace
}  // namespace rustorch::gpu::cuda
