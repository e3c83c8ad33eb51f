#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace rustorch {

/// The kinds of device that tensors live on and backends compute on.
enum class DeviceType : std::uint8_t { cpu, cuda, opencl, metal };

std::string_view to_string(DeviceType type) noexcept;

/// One device: "cpu", "cuda:0", "opencl:1", "metal:0". The default is the CPU.
struct Device {
  DeviceType type = DeviceType::cpu;
  std::int16_t index = 0;

  constexpr Device() = default;
  constexpr explicit(false) Device(DeviceType type_, int index_ = 0)
      : type(type_), index(static_cast<std::int16_t>(index_)) {}
  /// Parses a name: "cuda" means "cuda:0", "auto" the device that suits best here (device_scope.h). Whether
  /// the device is present does not matter yet. Unknown names are an Error with a suggestion.
  explicit(false) Device(std::string_view name);
  explicit(false) Device(const char* name) : Device(std::string_view(name)) {}
  explicit(false) Device(const std::string& name) : Device(std::string_view(name)) {}

  constexpr bool is_cpu() const noexcept { return type == DeviceType::cpu; }
  /// "cpu", "cuda:0" …
  std::string to_string() const;
  friend constexpr bool operator==(Device, Device) = default;
};

}  // namespace rustorch

template <>
struct fmt::formatter<rustorch::Device> : fmt::formatter<std::string_view> {
  auto format(rustorch::Device device, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(device.to_string(), context);
  }
};
