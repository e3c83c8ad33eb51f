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

const std::string model = RUSTORCH_TEST_DATA_DIR "/ops/unary.safetensors";  // of every dtype

class Devices : public testing::OfTheProgram {};

TEST_F(Devices, AsJson) {
  const Outcome outcome = run("devices --json --model " + model);
  ASSERT_EQ(outcome.code, 0);
  const Json devices = Json::parse(outcome.output).at("devices");
  const Json cpu = devices.at(0);
  EXPECT_EQ(cpu.at("device").to_string(), "cpu");
  EXPECT_EQ(cpu.at("model").at("verdict").to_string(), "runs");
  EXPECT_EQ(cpu.at("model").at("reasons").size(), 0u);
  EXPECT_EQ(cpu.at("dtypes").size(), 1u);
  for (const Json& device : devices.elements()) {
    EXPECT_GT(device.at("capabilities").size(), 3u);
    if (device.at("device").to_string() == "cpu") continue;
    EXPECT_EQ(device.at("measured").at("bfloat16 storage").to_string(), "yes");
    EXPECT_EQ(device.at("measured").at("atomic add").to_string(), "yes");
    EXPECT_NE(device.at("model").at("verdict").to_string(), "cannot");
  }
}

TEST_F(Devices, AsText) {
  const Outcome outcome = run("devices --model " + model);
  ASSERT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.output, HasSubstr(model + ": cpu runs it\n"));
  EXPECT_THAT(outcome.output, HasSubstr("all kinds of work"));
  EXPECT_NE(run("devices --model /nonexistent.safetensors 2>/dev/null").code, 0);
}

}  // namespace
}  // namespace rustorch
