#include "rustorch/nn/can_run.h"

#include <gtest/gtest.h>

#include "rustorch/backends/runtime.h"
#include "rustorch/nn/nn.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/reduction.h"

namespace rustorch::testing {
namespace {

using Verdict = DeviceCheck::Verdict;

/// 512 KiB of parameters in float32, and buffers.
nn::Sequential network() {
  return nn::Sequential(nn::Linear(256, 512, {.bias = false}), nn::BatchNorm1d(512, {.affine = false}));
}

/// The verdict where the CPU may take so much more than it holds.
DeviceCheck with_room(std::uint64_t bytes, const nn::Module& module,
                      std::optional<DType> dtype = std::nullopt) {
  MemoryAllocator& memory = cpu_backend().allocator();
  const std::uint64_t limit = memory.limit();
  memory.set_limit(memory.statistics().live_bytes + bytes);
  DeviceCheck check = nn::can_run(module, "cpu", dtype);
  memory.set_limit(limit);
  return check;
}

TEST(CanRun, AModuleWhereItIs) {
  const nn::Sequential net = network();
  EXPECT_EQ(nn::can_run(net, "cpu").verdict, Verdict::runs);
  // What lies there already is not needed again, but its gradients are: 512 KiB.
  EXPECT_TRUE(with_room(600 << 10, net));
  EXPECT_FALSE(with_room(500 << 10, net));
  EXPECT_NE(with_room(500 << 10, net).to_string().find("512.0 KiB of gradients"), std::string::npos)
      << with_room(500 << 10, net).to_string();
}

TEST(CanRun, GradientsAreCountedOnce) {
  nn::Sequential net = network();
  net(ones({4, 256})).sum().backward();
  EXPECT_TRUE(with_room(100 << 10, net));
  net.zero_grad();
  EXPECT_FALSE(with_room(100 << 10, net));
  net.requires_grad_(false);
  EXPECT_TRUE(with_room(100 << 10, net));
}

TEST(CanRun, InAnotherDtype) {
  const nn::Sequential net = network();
  EXPECT_FALSE(with_room(1500 << 10, net, float64));  // 1 MiB, and 1 MiB of gradients
  EXPECT_TRUE(with_room(2200 << 10, net, float64));
  EXPECT_TRUE(with_room(600 << 10, net, float16));
  const DeviceCheck integers = nn::can_run(net, "cpu", int32);
  EXPECT_EQ(integers.to_string(), "cpu cannot: modules convert to floating point or complex, not to int32");
}

TEST(CanRun, SaysWhyADeviceIsAbsent) {
  const DeviceCheck check = nn::can_run(network(), Device(DeviceType::metal, 63));
  EXPECT_EQ(check.verdict, Verdict::cannot);
  EXPECT_EQ(check.reasons, std::vector<std::string>{absence_of(Device(DeviceType::metal, 63))});
}

TEST(CanRun, OnEveryDeviceHere) {
  for (const Device device : available_devices()) {
    const bool multiplies = backend_for(device).supports(Kind::matmul, float32);
    EXPECT_EQ(nn::can_run(network(), device).verdict, multiplies ? Verdict::runs : Verdict::falls_back)
        << nn::can_run(network(), device).to_string();
  }
}

}  // namespace
}  // namespace rustorch::testing
