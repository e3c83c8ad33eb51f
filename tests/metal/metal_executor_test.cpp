#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <numeric>
#include <thread>

#include "metal/metal_test.h"
#include "support/child_process.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

using gpu::BufferHandle;
using gpu::KernelArgument;

/// z = x + factor * y, and y = y + 1, in the kernel dialect.
constexpr const char* sums = R"(
typedef struct { u32 count; f32 factor; } SumParameters;
KERNEL(sum_kernel, 64)(BUF(const f32, x, 0), BUF(const f32, y, 1), BUF(f32, z, 2),
                       PARAMS(SumParameters, p, 3) KERNEL_IDS) {
  for (u32 i = GROUP_ID(0) * 64u + LOCAL_ID; i < p.count; i += NUM_GROUPS(0) * 64u)
    z[i] = x[i] + p.factor * y[i];
}
KERNEL(increment_kernel, 64)(BUF(f32, y, 0), PARAMS(SumParameters, p, 1) KERNEL_IDS) {
  u32 i = GROUP_ID(0) * 64u + LOCAL_ID;
  if (i < p.count) y[i] = y[i] + 1.0f;
}
)";

struct SumParameters {
  std::uint32_t count;
  float factor;
};

KernelArgument bytes_of(const SumParameters& parameters) {
  return {.bytes = &parameters, .size = sizeof(parameters)};
}

class MetalExecutorTest : public MetalTest {
 protected:
  std::unique_ptr<gpu::Module> compile_dialect(const std::string& source) {
    return executor().compile(std::string(executor().prelude()) + source);
  }
  void increment(gpu::Kernel& kernel, BufferHandle buffer, std::uint32_t count) {
    const SumParameters parameters{count, 0};
    executor().launch(kernel, {.groups_x = (count + 63) / 64, .group_threads = 64},
                      std::vector<KernelArgument>{{.buffer = buffer}, bytes_of(parameters)});
  }
};

TEST_F(MetalExecutorTest, facts_are_the_devices) {
  const gpu::DeviceFacts& facts = executor().facts();
  EXPECT_EQ(facts.name, "Metal double");
  EXPECT_EQ(facts.driver, "Metal, Metal double on Linux");
  EXPECT_NE(facts.compiler_identity.find(facts.driver), std::string::npos);
  EXPECT_EQ(facts.memory_bytes, std::uint64_t{1} << 32);
  EXPECT_EQ(facts.largest_buffer_bytes, std::uint64_t{1} << 32);
  EXPECT_EQ(facts.local_memory_bytes, 32768u);
  EXPECT_EQ(facts.most_group_threads, 1024u);  // a structure returned by way of memory
  EXPECT_EQ(facts.most_argument_bytes, 4096u);
  EXPECT_FALSE(facts.has_float64);
  EXPECT_TRUE(facts.unified_memory);
}

TEST_F(MetalExecutorTest, adds_two_buffers) {
  constexpr std::size_t count = 1000;
  std::vector<float> x(count), y(count);
  std::iota(x.begin(), x.end(), 0.0f);
  std::iota(y.begin(), y.end(), 0.5f);
  const auto module = compile_dialect(sums);
  const auto kernel = executor().kernel(*module, "sum_kernel");
  const BufferHandle a = buffer_of(x), b = buffer_of(y), c = executor().allocate(count * sizeof(float));
  const SumParameters parameters{count, 2.0f};
  executor().launch(
      *kernel, {.groups_x = 3, .group_threads = 64},
      std::vector<KernelArgument>{{.buffer = a}, {.buffer = b}, {.buffer = c}, bytes_of(parameters)});
  const std::vector<float> results = values_of<float>(c, count);
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(results[i], x[i] + 2.0f * y[i]) << i;

  std::vector<float> part(10);
  executor().read(c, 90 * sizeof(float), part.data(), part.size() * sizeof(float));
  EXPECT_EQ(part, std::vector<float>(results.begin() + 90, results.begin() + 100));
  for (const BufferHandle buffer : {a, b, c}) executor().release(buffer);
}

TEST_F(MetalExecutorTest, work_is_done_in_the_order_of_the_calls) {
  const auto module = compile_dialect(sums);
  const auto kernel = executor().kernel(*module, "increment_kernel");
  const BufferHandle first = buffer_of(std::vector<float>(100, 0.0f));
  const BufferHandle second = buffer_of(std::vector<float>(100, 0.0f));
  increment(*kernel, first, 100);
  executor().copy(first, 0, second, 0, 100 * sizeof(float));
  increment(*kernel, second, 100);
  increment(*kernel, first, 50);
  executor().copy(first, 40 * sizeof(float), second, 0, 20 * sizeof(float));
  const float seven = 7;
  executor().write(second, 99 * sizeof(float), &seven, sizeof(seven));
  increment(*kernel, second, 100);
  const std::vector<float> results = values_of<float>(second, 100);
  EXPECT_EQ(results[0], 3.0f);
  EXPECT_EQ(results[10], 2.0f);
  EXPECT_EQ(results[20], 3.0f);
  EXPECT_EQ(results[99], 8.0f);
  executor().release(first);
  executor().release(second);
}

TEST_F(MetalExecutorTest, copies_of_odd_sizes_go_through_the_host) {
  const BufferHandle from = buffer_of(std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
  const BufferHandle to = buffer_of(std::vector<std::uint8_t>(8, 0));
  executor().copy(from, 1, to, 2, 5);
  EXPECT_EQ(values_of<std::uint8_t>(to, 8), (std::vector<std::uint8_t>{0, 0, 2, 3, 4, 5, 6, 0}));
  executor().release(from);
  executor().release(to);
}

TEST_F(MetalExecutorTest, many_launches_fill_many_command_buffers) {
  const auto module = compile_dialect(sums);
  const auto kernel = executor().kernel(*module, "increment_kernel");
  const BufferHandle buffer = buffer_of(std::vector<float>(4, 0.0f));
  constexpr int launches = 64 * 40 + 3;
  for (int i = 0; i < launches; ++i) increment(*kernel, buffer, 4);
  EXPECT_EQ(values_of<float>(buffer, 4), std::vector<float>(4, static_cast<float>(launches)));
  executor().release(buffer);
}

TEST_F(MetalExecutorTest, memory_may_be_given_back_before_the_work_is_done) {
  const auto module = compile_dialect(sums);
  const auto kernel = executor().kernel(*module, "increment_kernel");
  const BufferHandle from = buffer_of(std::vector<float>(64, 1.0f));
  const BufferHandle to = executor().allocate(64 * sizeof(float));
  increment(*kernel, from, 64);
  executor().copy(from, 0, to, 0, 64 * sizeof(float));
  executor().release(from);
  EXPECT_EQ(values_of<float>(to, 64), std::vector<float>(64, 2.0f));
  increment(*kernel, to, 64);
  executor().release(to);  // the executor goes with work that nobody waited for
}

TEST_F(MetalExecutorTest, allocates_what_there_is) {
  const BufferHandle empty = executor().allocate(0);
  EXPECT_NE(empty, nullptr);
  executor().read(empty, 0, nullptr, 0);
  executor().release(empty);
  executor().release(nullptr);
  EXPECT_EQ(executor().allocate((std::size_t{1} << 32) + 1), nullptr);
}

TEST_F(MetalExecutorTest, refused_source_gives_the_compilers_words) {
  const std::optional<Error> error = error_of(
      [&] { return compile_dialect("FN f32 broken(f32 x) {\n  return x + nowhere_declared;\n}\n"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::unsupported);
  for (const char* part :
       {"Metal double does not compile a kernel", "use of undeclared identifier 'nowhere_declared'",
        "return x + nowhere_declared;"}) {
    EXPECT_NE(error->message().find(part), std::string::npos) << error->message();
  }
}

TEST_F(MetalExecutorTest, has_no_binaries) {
  const auto module = compile_dialect(sums);
  EXPECT_TRUE(executor().binary(*module).empty());
  EXPECT_EQ(executor().load({}), nullptr);
}

TEST_F(MetalExecutorTest, wrong_launches_are_errors) {
  const auto module = compile_dialect(sums);
  expect_error(ErrorCode::internal, "has no kernel 'nothing'",
               [&] { return executor().kernel(*module, "nothing"); });
  const auto kernel = executor().kernel(*module, "increment_kernel");
  const BufferHandle buffer = executor().allocate(4096);
  const std::vector<char> large(4097);
  const auto launch = [&](const gpu::LaunchShape& shape, const std::vector<KernelArgument>& arguments) {
    return [&, shape, arguments] {
      executor().launch(*kernel, shape, arguments);
      return 0;
    };
  };
  const std::vector<KernelArgument> good{{.buffer = buffer}, {.bytes = large.data(), .size = 8}};
  expect_error(ErrorCode::internal, "over an empty grid", launch({.groups_x = 0, .group_threads = 64}, good));
  expect_error(ErrorCode::internal, "takes groups of up to 64 threads, not 65",
               launch({.group_threads = 65}, good));
  expect_error(ErrorCode::internal, "parameters of 4097 bytes, 4096 fit",
               launch({.group_threads = 64}, {{.buffer = buffer}, {.bytes = large.data(), .size = 4097}}));
  expect_error(ErrorCode::internal, "has 32 arguments, 31 fit",
               launch({.group_threads = 64}, std::vector<KernelArgument>(32, {.buffer = buffer})));
  expect_error(ErrorCode::internal, "is nothing",
               launch({.group_threads = 64}, std::vector<KernelArgument>(2, KernelArgument{})));
  executor().release(buffer);
}

TEST_F(MetalExecutorTest, a_kernel_that_fails_is_an_error_at_the_next_wait) {
  const auto module = compile_dialect(R"(
KERNEL(far_kernel, 64)(BUF(f32, y, 0) KERNEL_IDS) { y[LOCAL_ID + 100000u] = 1.0f; }
)");
  const auto kernel = executor().kernel(*module, "far_kernel");
  const BufferHandle buffer = buffer_of(std::vector<float>(64, 5.0f));
  executor().launch(*kernel, {.group_threads = 64}, std::vector<KernelArgument>{{.buffer = buffer}});
  expect_error(ErrorCode::internal, "kernel 'far_kernel': memory fault", [&] {
    executor().synchronize();
    return 0;
  });
  expect_mistake("kernel 'far_kernel': memory fault");
  EXPECT_EQ(values_of<float>(buffer, 64), std::vector<float>(64, 5.0f));  // and the executor goes on
  executor().release(buffer);
}

TEST_F(MetalExecutorTest, device_time_is_that_of_the_work) {
  const auto module = compile_dialect(sums);
  const auto kernel = executor().kernel(*module, "increment_kernel");
  const BufferHandle buffer = buffer_of(std::vector<float>(6400, 0.0f));
  const double seconds = executor().device_seconds([&] {
    for (int i = 0; i < 10; ++i) increment(*kernel, buffer, 6400);
  });
  EXPECT_GT(seconds, 0.0);
  EXPECT_EQ(executor().device_seconds([] {}), 0.0);
  EXPECT_EQ(values_of<float>(buffer, 1), std::vector<float>{10.0f});
  executor().release(buffer);
}

TEST_F(MetalExecutorTest, threads_share_an_executor) {
  const auto work = [&](float start) {
    const auto module = compile_dialect(sums);
    const auto kernel = executor().kernel(*module, "increment_kernel");
    const BufferHandle buffer = buffer_of(std::vector<float>(128, start));
    for (int i = 0; i < 100; ++i) {
      increment(*kernel, buffer, 128);
      if (i % 10 != 9) continue;
      EXPECT_EQ(values_of<float>(buffer, 128), std::vector<float>(128, start + static_cast<float>(i + 1)));
    }
    executor().release(buffer);
  };
  std::vector<std::thread> threads;
  for (const float start : {0.0f, 1000.0f, 2000.0f}) threads.emplace_back(work, start);
  for (std::thread& thread : threads) thread.join();
}

/// A function of the prelude, and what it must give.
struct FunctionCase {
  const char* call;
  std::function<double(double, double)> expected;
};

/// In the order of the prelude; x is in (0, 1), y in (-4, 4).
const std::vector<FunctionCase>& function_cases() {
  static const std::vector<FunctionCase> cases{
      {"exp_f32(y)", [](double, double y) { return std::exp(y); }},
      {"exp2_f32(y)", [](double, double y) { return std::exp2(y); }},
      {"log_f32(x)", [](double x, double) { return std::log(x); }},
      {"log2_f32(x)", [](double x, double) { return std::log2(x); }},
      {"log10_f32(x)", [](double x, double) { return std::log10(x); }},
      {"sqrt_f32(x)", [](double x, double) { return std::sqrt(x); }},
      {"sin_f32(y)", [](double, double y) { return std::sin(y); }},
      {"cos_f32(y)", [](double, double y) { return std::cos(y); }},
      {"tan_f32(x)", [](double x, double) { return std::tan(x); }},
      {"asin_f32(x)", [](double x, double) { return std::asin(x); }},
      {"acos_f32(x)", [](double x, double) { return std::acos(x); }},
      {"atan_f32(y)", [](double, double y) { return std::atan(y); }},
      {"sinh_f32(y)", [](double, double y) { return std::sinh(y); }},
      {"cosh_f32(y)", [](double, double y) { return std::cosh(y); }},
      {"tanh_f32(y)", [](double, double y) { return std::tanh(y); }},
      {"asinh_f32(y)", [](double, double y) { return std::asinh(y); }},
      {"acosh_f32(1.0f + x)", [](double x, double) { return std::acosh(1.0f + static_cast<float>(x)); }},
      {"atanh_f32(x)", [](double x, double) { return std::atanh(x); }},
      {"pow_f32(x, y)", [](double x, double y) { return std::pow(x, y); }},
      {"atan2_f32(y, x)", [](double x, double y) { return std::atan2(y, x); }},
      {"fmod_f32(y, x)", [](double x, double y) { return std::fmod(y, x); }},
      {"floor_f32(y)", [](double, double y) { return std::floor(y); }},
      {"ceil_f32(y)", [](double, double y) { return std::ceil(y); }},
      {"trunc_f32(y)", [](double, double y) { return std::trunc(y); }},
      {"rint_f32(y)", [](double, double y) { return std::rint(y); }},
      {"fabs_f32(y)", [](double, double y) { return std::fabs(y); }},
      {"copysign_f32(x, y)", [](double x, double y) { return std::copysign(x, y); }},
      {"fma_f32(x, y, 0.5f)", [](double x, double y) { return x * y + 0.5; }},
  };
  return cases;
}

TEST_F(MetalExecutorTest, the_prelude_has_the_functions_of_metal) {
  constexpr std::uint32_t count = 64;
  std::vector<float> x(count), y(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    x[i] = (static_cast<float>(i) + 0.5f) / count;
    y[i] = 8.0f * std::fmod(static_cast<float>(i) * 0.61803f, 1.0f) - 4.0f;
  }
  const auto& cases = function_cases();
  std::string source;
  for (std::size_t each = 0; each < cases.size(); ++each) {
    source += "KERNEL(function_" + std::to_string(each) +
              ", 64)(BUF(const f32, xs, 0), BUF(const f32, ys, 1), BUF(f32, results, 2) KERNEL_IDS) {\n"
              "  const u32 i = LOCAL_ID;\n  const f32 x = xs[i], y = ys[i];\n  results[i] = " +
              cases[each].call + ";\n}\n";
  }
  const auto module = compile_dialect(source);
  const BufferHandle a = buffer_of(x), b = buffer_of(y), c = executor().allocate(count * sizeof(float));
  for (std::size_t each = 0; each < cases.size(); ++each) {
    const auto kernel = executor().kernel(*module, "function_" + std::to_string(each));
    executor().launch(*kernel, {.group_threads = count},
                      std::vector<KernelArgument>{{.buffer = a}, {.buffer = b}, {.buffer = c}});
    const std::vector<float> results = values_of<float>(c, count);
    for (std::uint32_t i = 0; i < count; ++i) {
      const double expected = cases[each].expected(x[i], y[i]);
      EXPECT_NEAR(results[i], expected, 1e-6 + 1e-6 * std::fabs(expected))
          << cases[each].call << " with x = " << x[i] << ", y = " << y[i];
    }
  }
  for (const BufferHandle buffer : {a, b, c}) executor().release(buffer);
}

TEST_F(MetalExecutorTest, a_child_process_cannot_use_it) {
  const std::string text = in_child({}, [&] {
    executor().synchronize();
    return std::string("done");
  });
  EXPECT_EQ(text.substr(0, 7), "Error: ") << text;
  EXPECT_NE(text.find("Metal"), std::string::npos) << text;
}

TEST_F(MetalExecutorTest, without_a_gpu_there_is_a_reason) {
  ::setenv("METAL_DOUBLE_NO_DEVICE", "1", 1);
  const gpu::ExecutorProbe probe = gpu::metal::open_metal();
  ::unsetenv("METAL_DOUBLE_NO_DEVICE");
  EXPECT_TRUE(probe.executors.empty());
  EXPECT_EQ(probe.absence, "Metal finds no GPU");
}

TEST(MetalAbsence, a_probe_finds_executors_or_says_why_not) {
  const gpu::ExecutorProbe probe = gpu::metal::open_metal();
  EXPECT_NE(probe.executors.empty(), probe.absence.empty());
  if (!probe.absence.empty()) std::printf("no Metal: %s\n", probe.absence.c_str());  // read by the next test
}

#if defined(__linux__) && defined(__x86_64__)  // under qemu-user /proc/self/exe is qemu
TEST(MetalAbsence, names_what_is_missing) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  // A process of its own, where Metal was not opened yet.
  const auto reason_with = [&](const std::string& library) {
    const std::string command = "RUSTORCH_METAL_LIBRARY='" + library + "' '" + program +
                                "' --gtest_filter=MetalAbsence.a_probe_finds_executors_or_says_why_not";
    std::string output;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    for (int byte = 0; (byte = std::fgetc(pipe)) != EOF;) output += static_cast<char>(byte);
    ::pclose(pipe);
    return output;
  };
  const std::pair<const char*, const char*> reasons[]{
      {"/nowhere/libmetal.so", "no Metal: /nowhere/libmetal.so: cannot open shared object file"},
      {"libm.so.6", "no Metal: objc_getClass is missing"},
      {"", "no Metal: Metal is a part of macOS"},
  };
  for (const auto& [library, reason] : reasons) {
    const std::string output = reason_with(library);
    EXPECT_NE(output.find(reason), std::string::npos) << output;
  }
}
#endif

}  // namespace
}  // namespace rustorch::testing
