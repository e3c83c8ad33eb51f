#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rustorch/backends/gpu/metal/metal_executor.h"
#include "support/metal_double/loaded_double.h"

namespace rustorch::testing {

/// A text of MSL with what every one begins with.
inline std::string metal_text(const std::string& text) {
  return "#include <metal_stdlib>\nusing namespace metal;\n" + text;
}

/// A kernel `k` of a buffer of floats and a number, with this body, after other declarations.
inline std::string text_with_kernel(const std::string& body, const std::string& before = "") {
  return metal_text(before +
                    "\nkernel void k(device float* y [[buffer(0)]], constant uint& n [[buffer(1)]], "
                    "uint3 t [[thread_position_in_grid]]) { " +
                    body + " }\n");
}

/// Tests on the Metal double. At the end of each no object is left, and no mistake that was not expected.
class MetalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!metal_double().absence().empty()) GTEST_SKIP() << metal_double().absence();
    gpu::ExecutorProbe probe = gpu::metal::open_metal();
    ASSERT_EQ(probe.executors.size(), 1u) << probe.absence;
    executor_ = std::move(probe.executors.front());
  }
  void TearDown() override {
    if (!metal_double().absence().empty()) return;
    executor_.reset();
    EXPECT_EQ(metal_double().live_objects(), "");
    EXPECT_EQ(metal_double().take_errors(), std::vector<std::string>{});
  }

  static const LoadedMetalDouble& metal_double() { return LoadedMetalDouble::instance(); }
  /// Takes the mistakes noted so far, one of which must contain this text.
  static void expect_mistake(const std::string& text) {
    const std::vector<std::string> mistakes = metal_double().take_errors();
    const bool is_there = std::any_of(mistakes.begin(), mistakes.end(), [&](const std::string& mistake) {
      return mistake.find(text) != std::string::npos;
    });
    EXPECT_TRUE(is_there) << "wanted: " << text << "\nfound: " << ::testing::PrintToString(mistakes);
  }

  gpu::KernelExecutor& executor() { return *executor_; }

  /// A buffer with these values. The test releases it.
  template <class T>
  gpu::BufferHandle buffer_of(const std::vector<T>& values) {
    const gpu::BufferHandle buffer = executor().allocate(values.size() * sizeof(T));
    executor().write(buffer, 0, values.data(), values.size() * sizeof(T));
    return buffer;
  }
  template <class T>
  std::vector<T> values_of(gpu::BufferHandle buffer, std::size_t count) {
    std::vector<T> values(count);
    executor().read(buffer, 0, values.data(), count * sizeof(T));
    return values;
  }

  /// Runs kernel `k` of an MSL text on one threadgroup with a buffer of `values` (index 0) and their number
  /// (index 1); what the buffer holds then.
  std::vector<float> run_metal(const std::string& text, std::uint32_t group_threads,
                               const std::vector<float>& values) {
    const auto module = executor().compile(text);
    const auto kernel = executor().kernel(*module, "k");
    const gpu::BufferHandle buffer = buffer_of(values);
    const std::vector<std::uint32_t> parameters{static_cast<std::uint32_t>(values.size()), 0, 0, 0};
    std::vector<float> results;
    try {
      executor().launch(*kernel, {.group_threads = group_threads},
                        std::vector<gpu::KernelArgument>{
                            {.buffer = buffer},
                            {.bytes = parameters.data(), .size = parameters.size() * sizeof(std::uint32_t)}});
      results = values_of<float>(buffer, values.size());
    } catch (...) {
      executor().release(buffer);
      throw;
    }
    executor().release(buffer);
    return results;
  }

 private:
  std::unique_ptr<gpu::KernelExecutor> executor_;
};

}  // namespace rustorch::testing
