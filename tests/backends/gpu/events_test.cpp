// Events and profiles of launches, on the CPU and every GPU that is here; devices that work side by side.
#include "rustorch/backends/event.h"

#include <algorithm>
#include <thread>

#include "backends/gpu/counting_executor.h"
#include "backends/gpu/gpu_device.h"
#include "rustorch/backends/launch_profile.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/tensor/lazy.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"
#include "support/child_process.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

class GpuEvents : public OnGpu {};

Tensor computed(const Tensor& x) {
  materialize(x);
  return x;
}

/// Work for a device that takes a while.
Tensor some_work(Device device) {
  Tensor x = ones({200, 500}, {.device = device});
  for (int i = 0; i < 4; ++i) x = computed(x * 1.5 + 1);
  return x.sum();
}

TEST(Events, OfTheCpuAreTimes) {
  Event begin("cpu"), end("cpu");
  EXPECT_TRUE(begin.query());
  begin.synchronize();
  begin.record();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  end.record();
  EXPECT_TRUE(end.query());
  EXPECT_GE(begin.elapsed_time(end), 2.0);
  EXPECT_LT(begin.elapsed_time(end), 60e3);
  EXPECT_DOUBLE_EQ(end.elapsed_time(begin), -begin.elapsed_time(end));
}

TEST(Events, MistakesAreErrors) {
  Event begin("cpu"), end("cpu");
  expect_error(ErrorCode::invalid_argument, "the first event was not recorded", "record()",
               [&] { begin.elapsed_time(end); });
  begin.record();
  expect_error(ErrorCode::invalid_argument, "the second event was not recorded", "record()",
               [&] { begin.elapsed_time(end); });
  expect_error(ErrorCode::device_mismatch, "cpu and of opencl:3", "",
               [&] { begin.elapsed_time(Event("opencl:3")); });
  Event beyond(Device(DeviceType::cuda, 63));
  EXPECT_TRUE(beyond.query());
  expect_error(ErrorCode::not_found, "device cuda:63 is not available", "cpu", [&] { beyond.record(); });
}

TEST_F(GpuEvents, StandInTheOrderOfTheWork) {
  for (gpu::GpuBackend* backend : backends) {
    const Device device = backend->device();
    SCOPED_TRACE(device.to_string());
    Event first(device), second(device), third(device);
    first.record();
    const Tensor result = some_work(device);
    second.record();
    third.record();
    second.synchronize();
    EXPECT_TRUE(first.query());
    EXPECT_TRUE(second.query());
    EXPECT_GT(first.elapsed_time(second), 0.0);
    EXPECT_LE(first.elapsed_time(second), first.elapsed_time(third));
    EXPECT_LT(first.elapsed_time(third), 600e3);
    third.synchronize();
    EXPECT_TRUE(third.query());
    // 1 -> 2.5 -> 4.75 -> 8.125 -> 13.1875
    EXPECT_EQ(result.item<float>(), 13.1875F * 200 * 500);
    // Recorded again, an event is another.
    first.record();
    EXPECT_GE(second.elapsed_time(first), 0.0);
  }
}

TEST_F(GpuEvents, CopiesShareWhatWasMarked) {
  for (gpu::GpuBackend* backend : backends) {
    Event begin(backend->device());
    begin.record();
    const Event copy = begin;
    some_work(backend->device());
    begin.record();
    EXPECT_GT(copy.elapsed_time(begin), 0.0);
  }
}

TEST_F(GpuEvents, ManyMayBeAlive) {
  for (gpu::GpuBackend* backend : backends) {
    std::vector<Event> events(100, Event(backend->device()));
    for (Event& event : events) event.record();
    events.back().synchronize();
    for (const Event& event : events) EXPECT_TRUE(event.query());
  }
}

TEST_F(GpuEvents, AForkedChildIsRefused) {
  for (gpu::GpuBackend* backend : backends) {
    auto event = std::make_unique<Event>(backend->device());
    event->record();
    EXPECT_EQ(exit_code_in_child([&] {
                expect_error(ErrorCode::unsupported, "fork", [&] { event->synchronize(); });
                expect_error(ErrorCode::unsupported, "fork", [&] { event->query(); });
                expect_error(ErrorCode::unsupported, "fork", [&] { event->record(); });
                event.reset();
                return HasFailure() ? 1 : 0;
              }),
              0);
    event->synchronize();
  }
}

TEST_F(GpuEvents, ProfilesNameTheKernels) {
  for (gpu::GpuBackend* backend : backends) {
    const Device device = backend->device();
    const Tensor x = ones({64, 50}, {.device = device});
    computed(x + 1);
    {
      const LaunchProfile profile(device);
      EXPECT_TRUE(profile.launches().empty());
      const Tensor y = computed(x * 2);
      const Tensor total = y.sum();
      const std::vector<LaunchTime> launches = profile.launches();
      ASSERT_GE(launches.size(), 2u);
      EXPECT_EQ(launches[0].kernel, "elementwise");
      EXPECT_TRUE(launches[1].kernel.starts_with("reduce_")) << launches[1].kernel;
      for (const LaunchTime& launch : launches) {
        EXPECT_GE(launch.seconds, 0.0);
        EXPECT_LT(launch.seconds, 600.0);
      }
      EXPECT_EQ(profile.launches().size(), launches.size());
      EXPECT_EQ(total.item<float>(), 6400.0F);
      {
        const LaunchProfile later(device);
        computed(x + 3);
        EXPECT_EQ(later.launches().size(), 1u);
      }
      computed(x + 4);  // nobody watches any more
      EXPECT_EQ(profile.launches().size(), launches.size());
    }
    computed(x + 5);
  }
}

// The executors that wait for nothing but reads: no change of device makes one wait.
TEST_F(GpuEvents, SwitchingDevicesDoesNotWait) {
  if (backends.empty()) return;
  std::vector<CountingExecutor*> executors;
  std::vector<Device> devices;
  for (std::size_t k = 0; k < 2; ++k) {
    gpu::GpuBackend* own = backends[k % backends.size()];
    auto executor = std::make_unique<CountingExecutor>(own->executor());
    executors.push_back(executor.get());
    devices.emplace_back(own->device().type, first_device_of_tests + static_cast<int>(k));
    register_backend(std::make_unique<gpu::GpuBackend>(devices.back(), std::move(executor)));
  }
  std::vector<Tensor> values;
  for (const Device device : devices) {
    const DeviceScope scope(device);
    values.push_back(computed(ones({300}) * 1.0));  // compiles what follows
  }
  for (CountingExecutor* executor : executors) executor->waits = executor->launches = 0;
  for (int step = 0; step < 10; ++step) {
    for (std::size_t k = 0; k < devices.size(); ++k) {
      const DeviceScope scope(devices[k]);
      values[k] = computed(values[k] * 1.0);
      const Tensor fresh = ones({300});  // to the scope's device
      EXPECT_EQ(fresh.device(), devices[k]);
    }
  }
  for (CountingExecutor* executor : executors) {
    EXPECT_EQ(executor->waits, 0);
    EXPECT_GE(executor->launches, 10);
  }
  for (const Tensor& value : values) EXPECT_EQ(value.sum().item<float>(), 300.0F);
}

TEST_F(GpuEvents, ThreadsShareADevicesContext) {
  for (gpu::GpuBackend* backend : backends) {
    const Device device = backend->device();
    std::vector<std::thread> threads;
    std::array<const ComputeBackend*, 4> seen{};
    std::array<float, 4> sums{};
    const Tensor shared = ones({1000}, {.device = device});
    for (std::size_t k = 0; k < seen.size(); ++k) {
      threads.emplace_back([&, k] {
        const DeviceScope scope(device);
        seen[k] = &dynamic_cast<FallbackBackend&>(backend_for(default_device())).primary();
        // Work on a buffer that another thread made: of another context it would be refused.
        sums[k] = (shared * static_cast<double>(k)).sum().item<float>();
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::size_t k = 0; k < seen.size(); ++k) {
      EXPECT_EQ(seen[k], backend);
      EXPECT_EQ(sums[k], 1000.0F * static_cast<float>(k));
    }
  }
}

}  // namespace
}  // namespace rustorch::testing
