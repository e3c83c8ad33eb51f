#include "rustorch/backends/device_check.h"

#include <gtest/gtest.h>

#include "backends/gpu/gpu_device.h"
#include "rustorch/backends/runtime.h"
#include "support/child_process.h"

namespace rustorch::testing {
namespace {

using Verdict = DeviceCheck::Verdict;

/// Sets strict mode for a test.
class Strict {
 public:
  explicit Strict(bool strict) : before_(strict_mode()) { set_strict_mode(strict); }
  ~Strict() { set_strict_mode(before_); }
  Strict(const Strict&) = delete;
  Strict& operator=(const Strict&) = delete;

 private:
  bool before_;
};

TEST(DeviceCheck, TheCpuRunsEveryDtype) {
  for (int number = 0; number < dtype_count; ++number) {
    const DeviceCheck check = can_run(static_cast<DType>(number), "cpu");
    EXPECT_EQ(check.verdict, Verdict::runs);
    EXPECT_TRUE(check);
    EXPECT_EQ(check.to_string(), "cpu runs it");
  }
  EXPECT_EQ(computed_dtypes(cpu_backend()),
            (std::vector<std::pair<std::string, std::string>>{
                {"uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64, "
                 "complex128, bool",
                 "all kinds of work"}}));
}

TEST(DeviceCheck, AbsentDevicesSayWhy) {
  const DeviceCheck beyond = can_run(float32, Device(DeviceType::cuda, 63));
  EXPECT_FALSE(beyond);
  ASSERT_EQ(beyond.reasons.size(), 1u);
  for (const AbsentBackend& absent : absent_backends()) {
    const DeviceCheck check = can_run(float32, Device(absent.type, 0));
    EXPECT_EQ(check.verdict, Verdict::cannot);
    EXPECT_EQ(check.reasons, std::vector<std::string>{absent.reason});
  }
  EXPECT_EQ(absence_of("cpu"), "");
}

TEST(DeviceCheck, WhatDoesNotFitIsRefused) {
  MemoryAllocator& memory = cpu_backend().allocator();
  const std::uint64_t limit = memory.limit();
  memory.set_limit(memory.statistics().live_bytes + (10 << 20));
  const std::vector<TensorNeed> tensors = {{"weight", float32, 6 << 20}, {"bias", float32, 1 << 20}};
  EXPECT_EQ(can_run(tensors, "cpu").verdict, Verdict::runs);
  const DeviceCheck with_gradients = can_run(tensors, "cpu", 7 << 20);
  memory.set_limit(limit);
  EXPECT_EQ(with_gradients.verdict, Verdict::cannot);
  EXPECT_NE(with_gradients.to_string().find(
                "cpu cannot: its tensors take 7.0 MiB and 7.0 MiB of gradients; cpu has "),
            std::string::npos)
      << with_gradients.to_string();
  EXPECT_NE(with_gradients.to_string().find("(its memory limit)"), std::string::npos);
  EXPECT_EQ(can_run(tensors, "cpu", std::uint64_t{1} << 60).verdict, Verdict::cannot);
}

class GpuDeviceCheck : public OnGpu {};

TEST_F(GpuDeviceCheck, SaysWhatFallsBack) {
  for (gpu::GpuBackend* backend : backends) {
    const Device device = backend->device();
    SCOPED_TRACE(device.to_string());
    const bool multiplies = backend->supports(Kind::matmul, float32);
    const Strict loose(false);
    for (const DType dtype : {float32, float16, bfloat16, int64, complex64}) {
      const DeviceCheck check = can_run(dtype, device);
      EXPECT_EQ(check.verdict, multiplies ? Verdict::runs : Verdict::falls_back) << check.to_string();
    }
    const bool has_float64 = backend->executor().facts().has_float64;
    for (const DType dtype : {float64, complex128})
      EXPECT_EQ(can_run(dtype, device).verdict,
                has_float64 && multiplies ? Verdict::runs : Verdict::falls_back);
    if (has_float64) continue;
    const DeviceCheck complex = can_run(complex128, device);
    EXPECT_TRUE(complex);
    EXPECT_EQ(complex.reasons,
              std::vector<std::string>{"all work but gather in complex128 runs on the cpu, with copies"});
    const Strict strict(true);
    EXPECT_FALSE(can_run(complex128, device));
    EXPECT_NE(can_run(complex128, device).to_string().find("strict mode"), std::string::npos);
  }
}

TEST_F(GpuDeviceCheck, KnowsTheLargestBuffer) {
  for (gpu::GpuBackend* backend : backends) {
    const gpu::DeviceFacts& facts = backend->executor().facts();
    const std::vector<TensorNeed> huge = {{"embedding", float32, facts.largest_buffer_bytes + 4}};
    const DeviceCheck check = can_run(huge, backend->device());
    EXPECT_FALSE(check);
    EXPECT_EQ(check.reasons.at(0).substr(0, 17), "`embedding` takes") << check.to_string();
    const std::vector<TensorNeed> all = {{"a", float32, facts.memory_bytes / 2},
                                         {"b", float32, facts.memory_bytes / 2 + 8}};
    EXPECT_FALSE(can_run(all, backend->device()));
  }
}

}  // namespace
}  // namespace rustorch::testing
