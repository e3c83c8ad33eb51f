#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"
#include "rustorch/model_io/common/json.h"

namespace rustorch {
namespace {

using model_io::Json;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::run;

class Bench : public testing::OfTheProgram {};

TEST_F(Bench, MemoryAsJson) {
  const Outcome outcome = run("bench --memory --json");
  ASSERT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.output.find('\n'), outcome.output.size() - 1);  // one object, nothing else
  const Json memory = Json::parse(outcome.output).at("memory");
  const Json speeds = memory.at("allocate_and_free");
  ASSERT_EQ(speeds.size(), 7u);
  EXPECT_EQ(speeds.at(0).at("bytes").to_uint64(), 64u);
  for (const Json& speed : speeds.elements()) {
    EXPECT_GT(speed.at("nanoseconds").to_double(), 0);
    EXPECT_GT(speed.at("malloc_nanoseconds").to_double(), 0);
  }
  EXPECT_EQ(memory.at("steady_loop").at("steps").to_int64(), 100);
  EXPECT_EQ(memory.at("steady_loop").at("system_allocations").to_uint64(), 0u);
#if !defined(__SANITIZE_ADDRESS__)  // whose own memory faults
  EXPECT_LE(memory.at("steady_loop").at("page_faults").to_uint64(), 50u);
#endif
  const Json statistics = memory.at("statistics");
  EXPECT_GT(statistics.at("peak_bytes").to_uint64(), std::uint64_t{64} << 20);
  EXPECT_GT(statistics.at("hit_rate").to_double(), 0.99);
  constexpr std::uint64_t KiB = 1024;
  EXPECT_EQ(statistics.at("requested_bytes").to_uint64(), (13 * 1024 + 70 + 12 * 65) * KiB + 50 * 100);
  EXPECT_GT(statistics.at("live_bytes").to_uint64(), statistics.at("requested_bytes").to_uint64());
  EXPECT_EQ(statistics.at("exact_classes").to_uint64(), 1u);
  EXPECT_GT(statistics.at("exact_saved_bytes").to_uint64(), 0u);
  EXPECT_GT(statistics.at("page_faults").to_uint64(), 0u);
  ASSERT_EQ(memory.at("tags").size(), 2u);
  EXPECT_EQ(memory.at("tags").at(0).at("tag").to_string(), "bench activations");
  EXPECT_EQ(memory.at("tags").at(0).at("live_bytes").to_uint64(), (13 * 1024 + 70) * KiB);
  EXPECT_EQ(memory.at("tags").at(0).at("allocations").to_uint64(), 530u);
  EXPECT_EQ(memory.at("tags").at(0).at("deallocations").to_uint64(), 525u);
  EXPECT_GT(memory.at("size_classes").size(), 5u);
}

TEST_F(Bench, MemoryAsText) {
  const Outcome outcome = run("bench --memory");
  ASSERT_EQ(outcome.code, 0);
  for (const char* text : {"malloc", "100 steps: ", "from kept blocks", "fragmentation", "bench gradients",
                           "size classes made exact"}) {
    EXPECT_THAT(outcome.output, HasSubstr(text));
  }
}

TEST_F(Bench, DevicesAsJson) {
  const Outcome outcome = run("bench all --device cpu --elements 4096 --json");
  ASSERT_EQ(outcome.code, 0);
  const Json speeds = Json::parse(outcome.output).at("devices");
  EXPECT_GT(speeds.size(), 35u);
  for (const Json& speed : speeds.elements()) {
    EXPECT_EQ(speed.at("device").to_string(), "cpu");
    EXPECT_GT(speed.at("seconds").to_double(), 0);
  }
  const Json copy = Json::parse(run("bench ops --device cpu --elements 4096 --filter copy --json").output);
  ASSERT_EQ(copy.at("devices").size(), 1u);
  EXPECT_GT(copy.at("devices").at(0).at("bytes_per_second").to_double(), 0);
}

TEST_F(Bench, ConvolutionsInBothOrders) {
  const Outcome outcome = run("bench conv --device cpu --elements 4096 --filter float32 --json");
  ASSERT_EQ(outcome.code, 0);
  const Json speeds = Json::parse(outcome.output).at("devices");
  ASSERT_EQ(speeds.size(), 6u);  // of three directions
  EXPECT_EQ(speeds.at(5).at("name").to_string(), "conv nhwc float32 d_weight");
  for (const Json& speed : speeds.elements()) EXPECT_GT(speed.at("flops_per_second").to_double(), 0);
}

TEST_F(Bench, TransferAsText) {
  const Outcome outcome = run("bench transfer --device cpu --elements 4096");
  ASSERT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("host to device, 4.0 KiB"));
}

TEST_F(Bench, UnknownWorkAndDevices) {
  EXPECT_EQ(run("bench nothing 2>&1").code, 2);
  const Outcome outcome = run("bench ops --device cudu:0 2>&1");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("cuda"));
}

TEST_F(Bench, WithoutAnythingToMeasureIsWrongUsage) {
  const Outcome outcome = run("bench 2>&1");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("--memory"));
}

}  // namespace
}  // namespace rustorch
