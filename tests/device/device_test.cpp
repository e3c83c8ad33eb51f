#include "rustorch/device/device.h"

#include <gtest/gtest.h>

#include <string>

#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch {
namespace {

using testing::expect_error;

static_assert(Device().is_cpu() && Device(DeviceType::cuda, 1) != Device(DeviceType::cuda));
static_assert(sizeof(Device) == 4);

TEST(Device, ParsesNames) {
  EXPECT_EQ(Device("cpu"), Device());
  EXPECT_EQ(Device("cpu:0"), Device());
  EXPECT_EQ(Device("cuda"), Device(DeviceType::cuda, 0));
  EXPECT_EQ(Device("cuda:1"), Device(DeviceType::cuda, 1));
  EXPECT_EQ(Device(std::string("opencl:12")), Device(DeviceType::opencl, 12));
  EXPECT_EQ(Device(std::string_view("metal:0")), Device(DeviceType::metal));
  const Device implicit = "cuda:3";
  EXPECT_EQ(implicit.index, 3);
}

TEST(Device, PrintsItsName) {
  for (const char* name : {"cpu", "cuda:0", "cuda:7", "opencl:1", "metal:0"}) {
    EXPECT_EQ(Device(name).to_string(), name);
    EXPECT_EQ(fmt::format("{}", Device(name)), name);
  }
  EXPECT_EQ(to_string(DeviceType::opencl), "opencl");
  EXPECT_EQ(to_string(static_cast<DeviceType>(77)), "unknown");
}

TEST(Device, UnknownNamesAreErrorsWithSuggestions) {
  const auto parse = [](const char* name) { return [name] { return Device(name); }; };
  expect_error(ErrorCode::invalid_argument, "unknown device \"cdua:1\"", "did you mean `cuda:1`?",
               parse("cdua:1"));
  expect_error(ErrorCode::invalid_argument, "unknown device \"CPU\"", "`cpu`", parse("CPU"));
  expect_error(ErrorCode::invalid_argument, "unknown device \"openCL\"", "`opencl`", parse("openCL"));
  expect_error(ErrorCode::invalid_argument, "unknown device \"gpu\"", "", parse("gpu"));
  expect_error(ErrorCode::invalid_argument, "unknown device \"toaster:0\"", "\"auto\", \"cpu\", \"cuda:0\"",
               parse("toaster:0"));
  expect_error(ErrorCode::invalid_argument, "unknown device \"\"", "\"cpu\"", parse(""));
  expect_error(ErrorCode::invalid_argument, "unknown device \" cpu\"", "`cpu`", parse(" cpu"));
}

TEST(Device, BadNumbersAreErrors) {
  for (const char* name : {"cuda:", "cuda:-1", "cuda:x", "cuda:1x", "cuda:1:2", "cuda: 1", "cuda:+1",
                           "cuda:32768", "cuda:99999999999999999999", "cuda:-0"}) {
    expect_error(ErrorCode::invalid_argument, "is not a device number", "\"cuda:0\"",
                 [&] { return Device(name); });
  }
  EXPECT_EQ(Device("cuda:32767").index, 32767);
  expect_error(ErrorCode::invalid_argument, "\"cpu:1\": there is one CPU", "\"cpu\"",
               [] { return Device("cpu:1"); });
}

}  // namespace
}  // namespace rustorch
