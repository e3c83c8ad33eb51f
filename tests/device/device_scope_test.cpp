#include "rustorch/device/device_scope.h"

#include <gtest/gtest.h>

#include <thread>

#include "rustorch/error/error.h"
#include "support/child_process.h"
#include "support/print.h"

namespace rustorch {
namespace {

using testing::in_child;

Device pick_opencl() { return Device(DeviceType::opencl, 2); }

// These change or read once what holds for the whole process, so each runs in a child.
std::string default_name() { return default_device().to_string(); }

TEST(DefaultDevice, IsTheCpu) {
  EXPECT_EQ(in_child({{"RUSTORCH_DEVICE", nullptr}}, default_name), "cpu");
  EXPECT_EQ(in_child({{"RUSTORCH_DEVICE", ""}}, default_name), "cpu");
}

TEST(DefaultDevice, ComesFromTheEnvironment) {
  EXPECT_EQ(in_child({{"RUSTORCH_DEVICE", "cuda:1"}}, default_name), "cuda:1");
  EXPECT_EQ(in_child({{"RUSTORCH_DEVICE", "auto"}}, default_name), "cpu");
}

TEST(DefaultDevice, AWrongNameInTheEnvironmentIsAnErrorEveryTime) {
  const auto twice = [] {
    try {
      static_cast<void>(default_device());
    } catch (const Error&) {
      return default_name();
    }
    return std::string("no error");
  };
  EXPECT_EQ(in_child({{"RUSTORCH_DEVICE", "cudda"}}, twice),
            "Error: unknown device \"cudda\"\n  while: reading RUSTORCH_DEVICE from the environment\n"
            "  try: did you mean `cuda`?");
}

TEST(DefaultDevice, CanBeSetForAllThreads) {
  const auto set = [] {
    set_default_device("cuda:1");
    std::string names;
    std::thread([&] { names = default_name(); }).join();
    set_default_device(Device());
    return names + " " + default_name();
  };
  EXPECT_EQ(in_child({{"RUSTORCH_DEVICE", "opencl:0"}}, set), "cuda:1 cpu");
}

TEST(DefaultDevice, AutoAsksWhoKnows) {
  const auto pick = [] {
    std::string names = Device("auto").to_string();
    set_automatic_device(pick_opencl);
    names += " " + Device("auto").to_string() + " " + default_name();
    set_default_device("auto");
    names += " " + default_name();
    set_automatic_device(nullptr);
    return names + " " + automatic_device().to_string();
  };
  EXPECT_EQ(in_child({{"RUSTORCH_DEVICE", nullptr}}, pick), "cpu opencl:2 cpu opencl:2 cpu");
}

TEST(DeviceScope, OverridesForOneThreadAndNests) {
  const Device before = default_device();
  {
    const DeviceScope outer("cuda:0");
    EXPECT_EQ(default_device(), Device("cuda:0"));
    {
      const DeviceScope inner("metal:0");
      EXPECT_EQ(default_device(), Device("metal:0"));
      std::thread([&] { EXPECT_EQ(default_device(), before); }).join();
    }
    EXPECT_EQ(default_device(), Device("cuda:0"));
  }
  EXPECT_EQ(default_device(), before);
}

}  // namespace
}  // namespace rustorch
