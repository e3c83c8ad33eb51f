#include "rustorch/backends/cpu/cpu_backend.h"

#include <cstring>

#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/device/cpu_info.h"

namespace rustorch {
namespace {

/// By all threads where it is so much that one does not fill the bus.
void copy_bytes(void* to, const void* from, std::size_t bytes) {
  constexpr std::int64_t grain = 256 << 10;
  cpu::parallel_for(0, static_cast<std::int64_t>(bytes), grain, [=](std::int64_t begin, std::int64_t end) {
    std::memcpy(static_cast<std::byte*>(to) + begin, static_cast<const std::byte*>(from) + begin,
                static_cast<std::size_t>(end - begin));
  });
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string in_units(std::size_t bytes) {
  if (bytes == 0) return "unknown";
  constexpr std::size_t kib = 1024;
  if (bytes < kib * kib) return fmt::format("{} KiB", bytes / kib);
  if (bytes < kib * kib * kib) return fmt::format("{:.4g} MiB", static_cast<double>(bytes) / (kib * kib));
  return fmt::format("{:.4g} GiB", static_cast<double>(bytes) / (kib * kib * kib));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> CpuBackend::capabilities() const {
  const CpuInfo& info = cpu_info();
  return {
      {"name", info.name},
      {"cores", std::to_string(info.cores)},
      {"threads", std::to_string(num_threads())},
      {"numa nodes", std::to_string(info.numa_nodes)},
      {"memory", in_units(info.memory_bytes)},
      {"l1 data cache", in_units(info.l1_data_bytes)},
      {"l2 cache", in_units(info.l2_bytes)},
      {"l3 cache", in_units(info.l3_bytes)},
      {"instruction set", std::string(to_string(selected_cpu_isa()))},
      {"features", join(info.features)},
  };
}

DeviceMemorySize CpuBackend::memory_size() const noexcept {
  return {cpu_info().memory_bytes, cpu_info().memory_bytes};
}

bool CpuBackend::supports(Kind kind, DType dtype) const noexcept {
  switch (kind) {
    case Kind::elementwise:
    case Kind::reduce:
    case Kind::scan:
    case Kind::gather:
    case Kind::scatter:
    case Kind::nonzero:
    case Kind::generate:
      return true;
    case Kind::matmul:
      return dtype != DType::bool_;
    case Kind::arg_reduce:
    case Kind::sort:
      return !is_complex(dtype);
    case Kind::pooling:
      return is_floating_point(dtype) || is_integral(dtype);  // integers: max only
    case Kind::convolution:
    case Kind::batch_norm:
    case Kind::layer_norm:
    case Kind::softmax:
    case Kind::cross_entropy:
      return is_floating_point(dtype);
  }
  return false;
}

bool CpuBackend::prefers_channels_last(DType dtype) const noexcept { return is_floating_point(dtype); }

void CpuBackend::copy_from_host(void* destination, std::size_t offset, const void* source,
                                std::size_t bytes) {
  copy_bytes(static_cast<std::byte*>(destination) + offset, source, bytes);
}

void CpuBackend::copy_to_host(void* destination, const void* source, std::size_t offset, std::size_t bytes) {
  copy_bytes(destination, static_cast<const std::byte*>(source) + offset, bytes);
}

}  // namespace rustorch
