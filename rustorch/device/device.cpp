#include "rustorch/device/device.h"

#include <array>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

#include "rustorch/device/device_scope.h"
#include "rustorch/error/error.h"
#include "rustorch/error/suggestion.h"

namespace rustorch {

namespace {

constexpr std::array<std::string_view, 4> type_names{"cpu", "cuda", "opencl", "metal"};
static_assert(static_cast<std::size_t>(DeviceType::metal) + 1 == type_names.size());

constexpr const char* device_forms = "\"auto\", \"cpu\", \"cuda:0\", \"opencl:0\" or \"metal:0\"";

DeviceType parse_type(std::string_view type, std::string_view name) {
  for (std::size_t i = 0; i < type_names.size(); ++i) {
    if (type_names[i] == type) return static_cast<DeviceType>(i);
  }
  // The candidates as the user would type them, with the number that stands in the name.
  const std::string_view number = name.substr(type.size());
  std::vector<std::string> choices{"auto", "cpu"};
  for (const std::string_view known : {"cuda", "opencl", "metal"}) {
    choices.push_back(fmt::format("{}{}", known, number));
  }
  std::string suggestion = did_you_mean(name, choices);
  if (suggestion.empty()) suggestion = device_forms;
  fail_with_suggestion(ErrorCode::invalid_argument, std::move(suggestion), "unknown device \"{}\"", name);
}

int parse_index(std::string_view digits, std::string_view name) {
  int index = -1;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, failure] = std::from_chars(digits.data(), end, index);
  if (failure != std::errc() || stopped != end || index < 0 || digits.front() == '-' ||
      index > std::numeric_limits<std::int16_t>::max()) {
    fail_with_suggestion(ErrorCode::invalid_argument, device_forms,
                         "device \"{}\": \"{}\" is not a device number", name, digits);
  }
  return index;
}

}  // namespace

std::string_view to_string(DeviceType type) noexcept {
  const auto index = static_cast<std::size_t>(type);
  return index < type_names.size() ? type_names[index] : "unknown";
}

Device::Device(std::string_view name) {
  if (name == "auto") {
    *this = automatic_device();
    return;
  }
  const std::size_t colon = name.find(':');
  type = parse_type(name.substr(0, colon), name);
  if (colon != std::string_view::npos) {
    const int parsed = parse_index(name.substr(colon + 1), name);
    if (type == DeviceType::cpu && parsed != 0) {
      fail_with_suggestion(ErrorCode::invalid_argument, "\"cpu\"", "device \"{}\": there is one CPU device",
                           name);
    }
    index = static_cast<std::int16_t>(parsed);
  }
}

std::string Device::to_string() const {
  return is_cpu() ? std::string("cpu") : fmt::format("{}:{}", rustorch::to_string(type), index);
}

}  // namespace rustorch
