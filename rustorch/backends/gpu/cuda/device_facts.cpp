#include "rustorch/backends/gpu/cuda/device_facts.h"

#include <array>
#include <fstream>
#include <sstream>

#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

/// The version of the kernel's driver, "580.65.06", from what Linux's driver writes of itself; the driver API
/// does not tell it. Empty where there is no such file.
std::string kernel_driver_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line;
  std::getline(file, line);
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const bool is_version =
        word.find_first_not_of("0123456789.") == std::string::npos && word.find('.') != std::string::npos;
    if (is_version) return word;
  }
  return {};
}

std::string driver_text(const DriverApi& api) {
  const std::string version = kernel_driver_version();
  return fmt::format("CUDA {}.{}{}{}", api.version / 1000, api.version % 1000 / 10,
                     version.empty() ? "" : ", driver ", version);
}

/// Bytes of all parameters of a kernel: 4 KiB, or 32,764 from Volta on with CUDA 12.1.
std::size_t most_argument_bytes(const DriverApi& api, const NvrtcApi& compiler, int major) {
  const bool large = major >= 7 && api.version >= 12010 && (compiler.major > 12 || compiler.minor >= 1);
  return large ? 32764 : 4096;
}

}  // namespace

DeviceTraits ask_device(const DriverApi& api, const NvrtcApi& compiler, DeviceHandle device) {
  const auto attribute = [&](DeviceAttribute name) {
    int value = 0;
    check(api, api.cuDeviceGetAttribute(&value, name, device), "cuDeviceGetAttribute");
    return value;
  };
  std::array<char, 256> name{};
  check(api, api.cuDeviceGetName(name.data(), static_cast<int>(name.size()), device), "cuDeviceGetName");
  std::size_t memory_bytes = 0;
  check(api, api.cuDeviceTotalMem(&memory_bytes, device), "cuDeviceTotalMem");

  DeviceTraits traits;
  traits.major = attribute(DeviceAttribute::compute_capability_major);
  traits.minor = attribute(DeviceAttribute::compute_capability_minor);
  traits.has_memory_pools = attribute(DeviceAttribute::memory_pools_supported) != 0;
  DeviceFacts& facts = traits.facts;
  facts.name = name.data();
  facts.vendor = "NVIDIA";
  facts.driver = driver_text(api);
  facts.compiler_identity = fmt::format("cuda {} sm_{}{} | {} | NVRTC {}.{}", facts.name, traits.major,
                                        traits.minor, facts.driver, compiler.major, compiler.minor);
  for (const char* option : compiler_options) facts.compiler_identity.append(" ").append(option);
  facts.memory_bytes = memory_bytes;
  facts.largest_buffer_bytes = memory_bytes;
  facts.local_memory_bytes =
      static_cast<std::uint64_t>(attribute(DeviceAttribute::max_shared_memory_per_block));
  facts.compute_units = static_cast<std::uint32_t>(attribute(DeviceAttribute::multiprocessor_count));
  facts.most_group_threads = static_cast<std::uint32_t>(attribute(DeviceAttribute::max_threads_per_block));
  facts.handles_are_addresses = true;
  facts.held_registers = 64;  // with those of the work, two groups' have room among a multiprocessor's 65,536
  facts.most_argument_bytes = most_argument_bytes(api, compiler, traits.major);
  facts.has_float64 = true;
  facts.has_wide_atomics = true;
  facts.unified_memory = attribute(DeviceAttribute::integrated) != 0;
  return traits;
}

}  // namespace rustorch::gpu::cuda
