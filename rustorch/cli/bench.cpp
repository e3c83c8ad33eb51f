#include "rustorch/cli/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "rustorch/backends/runtime.h"
#include "rustorch/cli/bench_device.h"
#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/memory/format_bytes.h"
#include "rustorch/memory/memory_allocator.h"
#include "rustorch/memory/memory_tag.h"
#include "rustorch/memory/process_memory.h"
#include "rustorch/model_io/common/json.h"

namespace rustorch::cli {

namespace {

using model_io::Json;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

/// What taking and returning one block costs.
struct Speed {
  std::size_t bytes = 0;
  double ours = std::numeric_limits<double>::max();  // nanoseconds, the best of several rounds
  double malloc = std::numeric_limits<double>::max();
};

/// What a loop asked of the system that takes and returns the same blocks each time.
struct Loop {
  int steps = 0;
  std::uint64_t page_faults = 0;
  std::uint64_t system_allocations = 0;
};

struct Measured {
  std::vector<Speed> speeds;
  Loop loop;
  MemoryStatistics statistics;
  std::vector<TagStatistics> tags;
  std::vector<SizeClassStatistics> size_classes;
};

/// Of as many calls as take a fifth of a millisecond.
template <class Work>
double nanoseconds_each(Work&& work) {
  for (int count = 4;; count *= 2) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) work();
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    if (time.count() >= 2e5) return time.count() / count;
  }
}

/// Keeps the compiler from leaving out what nobody uses.
void pretend_to_use(void* block) { asm volatile("" : : "r"(block) : "memory"); }

std::vector<Speed> measure_speeds() {
  constexpr int rounds = 7;
  MemoryAllocator& allocator = cpu_allocator();
  std::vector<Speed> speeds;
  for (const std::size_t bytes : {64 * std::size_t{1}, KiB, 16 * KiB, 128 * KiB, MiB, 4 * MiB, 64 * MiB}) {
    Speed speed{.bytes = bytes};
    for (int round = 0; round < rounds; ++round) {  // in turns, so that both see the same machine
      speed.ours = std::min(speed.ours, nanoseconds_each([&] {
                              void* const block = allocator.allocate(bytes);
                              pretend_to_use(block);
                              allocator.deallocate(block, bytes);
                            }));
      speed.malloc = std::min(speed.malloc, nanoseconds_each([&] {
                                void* const block = std::malloc(bytes);
                                pretend_to_use(block);
                                std::free(block);
                              }));
    }
    speeds.push_back(speed);
  }
  return speeds;
}

using Blocks = std::vector<std::pair<void*, std::size_t>>;

/// Takes blocks as a training step does, and writes to them.
Blocks take_step(MemoryAllocator& allocator) {
  Blocks blocks;
  const auto take = [&](std::size_t bytes) {
    blocks.emplace_back(allocator.allocate(bytes), bytes);
    std::memset(blocks.back().first, 1, bytes);
  };
  {
    const MemoryTag tag("bench activations");
    for (const std::size_t bytes : {6 * MiB, 3 * MiB, 3 * MiB, 70 * KiB, MiB}) take(bytes);
  }
  {
    const MemoryTag tag("bench gradients");
    for (std::size_t i = 0; i < 12; ++i) take(65 * KiB);  // of 80 KiB blocks, until tuning sees them
  }
  for (int i = 0; i < 50; ++i) take(100);  // losses, counters
  return blocks;
}

void return_step(MemoryAllocator& allocator, const Blocks& blocks) {
  for (const auto& [block, bytes] : blocks) allocator.deallocate(block, bytes);
}

Loop measure_loop() {
  constexpr int warm_up = 5;
  MemoryAllocator& allocator = cpu_allocator();
  for (int i = 0; i < warm_up; ++i) return_step(allocator, take_step(allocator));
  Loop loop{.steps = 100};
  const std::uint64_t asked = allocator.statistics().system_allocations, faults = page_faults();
  for (int i = 0; i < loop.steps; ++i) return_step(allocator, take_step(allocator));
  loop.page_faults = page_faults() - faults;
  loop.system_allocations = allocator.statistics().system_allocations - asked;
  return loop;
}

Json to_json(const Measured& measured) {
  Json speeds = Json::array(), tags = Json::array(), classes = Json::array();
  for (const Speed& speed : measured.speeds) {
    speeds.push_back(Json::object(
        {{"bytes", speed.bytes}, {"nanoseconds", speed.ours}, {"malloc_nanoseconds", speed.malloc}}));
  }
  for (const TagStatistics& tag : measured.tags) {
    tags.push_back(Json::object({{"tag", tag.tag},
                                 {"live_bytes", tag.live_bytes},
                                 {"peak_bytes", tag.peak_bytes},
                                 {"allocations", tag.allocations},
                                 {"deallocations", tag.deallocations}}));
  }
  for (const SizeClassStatistics& one : measured.size_classes) {
    classes.push_back(Json::object({{"block_bytes", one.block_bytes},
                                    {"fresh_blocks", one.fresh_blocks},
                                    {"requested_bytes", one.requested_bytes},
                                    {"exact", one.is_exact}}));
  }
  const MemoryStatistics& all = measured.statistics;
  const Json statistics = Json::object({{"live_bytes", all.live_bytes},
                                        {"peak_bytes", all.peak_bytes},
                                        {"cached_bytes", all.cached_bytes},
                                        {"requested_bytes", all.requested_bytes},
                                        {"allocations", all.allocations},
                                        {"deallocations", all.deallocations},
                                        {"cache_hits", all.cache_hits},
                                        {"hit_rate", all.hit_rate()},
                                        {"fragmentation", all.fragmentation()},
                                        {"system_allocations", all.system_allocations},
                                        {"splits", all.splits},
                                        {"merges", all.merges},
                                        {"exact_classes", all.exact_classes},
                                        {"exact_saved_bytes", all.exact_saved_bytes},
                                        {"page_faults", all.page_faults}});
  return Json::object(
      {{"allocate_and_free", speeds},
       {"steady_loop", Json::object({{"steps", measured.loop.steps},
                                     {"page_faults", measured.loop.page_faults},
                                     {"system_allocations", measured.loop.system_allocations}})},
       {"statistics", statistics},
       {"tags", tags},
       {"size_classes", classes}});
}

void print_title(const char* title) { fmt::print("{}\n", styled(stdout, Style::bold, title)); }

void print(const Measured& measured) {
  print_title("allocate and free, ns");
  fmt::print("  {:>10} {:>10} {:>10}\n", "block", "ours", "malloc");
  for (const Speed& speed : measured.speeds)
    fmt::print("  {:>10} {:>10.1f} {:>10.1f}\n", format_bytes(speed.bytes), speed.ours, speed.malloc);
  print_title("a loop of equal steps");
  fmt::print("  {} steps: {} page faults, the system asked {} times\n", measured.loop.steps,
             measured.loop.page_faults, measured.loop.system_allocations);
  const MemoryStatistics& all = measured.statistics;
  print_title("CPU memory");
  fmt::print("  {:<16} {}\n  {:<16} {}\n  {:<16} {}\n", "live", format_bytes(all.live_bytes), "peak",
             format_bytes(all.peak_bytes), "cached", format_bytes(all.cached_bytes));
  fmt::print("  {:<16} {:.2f} % of {} allocations; the system asked {} times\n", "from kept blocks",
             100 * all.hit_rate(), all.allocations, all.system_allocations);
  fmt::print("  {:<16} {:.1f} %\n", "fragmentation", 100 * all.fragmentation());
  fmt::print("  {:<16} {} cut, {} joined\n", "large blocks", all.splits, all.merges);
  fmt::print("  {:<16} {} of the process\n", "page faults", all.page_faults);
  print_title("by tag");
  for (const TagStatistics& tag : measured.tags) {
    fmt::print("  {:<20} live {:>10}, peak {:>10}, {} taken\n", tag.tag, format_bytes(tag.live_bytes),
               format_bytes(tag.peak_bytes), tag.allocations);
  }
  print_title("size classes made exact");
  fmt::print("  {}, which saved {}\n", all.exact_classes, format_bytes(all.exact_saved_bytes));
  for (const SizeClassStatistics& one : measured.size_classes) {
    if (!one.is_exact) continue;
    fmt::print("  {:>10}: {} asked for in the mean of {} blocks\n", format_bytes(one.block_bytes),
               format_bytes(one.requested_bytes / one.fresh_blocks), one.fresh_blocks);
  }
}

}  // namespace

namespace {

/// What `what` names, in the order of the enumeration.
std::vector<DeviceBench> benches_of(const std::vector<std::string>& what) {
  const auto asked = [&](const char* name) {
    return std::ranges::any_of(what, [&](const std::string& one) { return one == name || one == "all"; });
  };
  std::vector<DeviceBench> benches;
  if (asked("ops")) benches.push_back(DeviceBench::ops);
  if (asked("gemm")) benches.push_back(DeviceBench::gemm);
  if (asked("conv")) benches.push_back(DeviceBench::convolution);
  if (asked("layers")) benches.push_back(DeviceBench::layers);
  if (asked("transfer")) benches.push_back(DeviceBench::transfer);
  return benches;
}

std::vector<DeviceSpeed> bench_devices(const BenchArguments& arguments) {
  std::vector<Device> devices = arguments.devices.empty() ? available_devices() : std::vector<Device>();
  for (const std::string& name : arguments.devices) devices.emplace_back(name);
  for (const Device device : devices) backend_for(device);  // an absent one is said before any work
  std::vector<DeviceSpeed> speeds;
  for (const DeviceBench what : benches_of(arguments.what)) {
    for (const Device device : devices) {
      const auto measured = bench_device(device, what, arguments.elements, arguments.filter);
      speeds.insert(speeds.end(), measured.begin(), measured.end());
    }
  }
  return speeds;
}

Measured measure_memory() {
  Measured measured;
  measured.speeds = measure_speeds();
  measured.loop = measure_loop();
  const Blocks blocks = take_step(cpu_allocator());  // what is live shall be seen
  measured.statistics = cpu_allocator().statistics();
  measured.tags = cpu_allocator().statistics_by_tag();
  measured.size_classes = cpu_allocator().size_classes();
  return_step(cpu_allocator(), blocks);
  return measured;
}

}  // namespace

int bench(const BenchArguments& arguments) {
  Json results = Json::object();
  if (!arguments.what.empty()) {
    const std::vector<DeviceSpeed> speeds = bench_devices(arguments);
    results.set("devices", to_json(speeds));
    if (!arguments.json) print(speeds);
  }
  if (arguments.memory) {
    const Measured measured = measure_memory();
    results.set("memory", to_json(measured));
    if (!arguments.json) print(measured);
  }
  if (arguments.json) fmt::print("{}\n", results.dump());
  return exit_done;
}

}  // namespace rustorch::cli
