#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rustorch/cli/bench_device.h"
#include "rustorch/core/shape.h"

namespace rustorch::cli {

/// Measures the calls of one device.
class Measure {
 public:
  Measure(Device device, std::string filter) : device_(device), filter_(std::move(filter)) {}

  /// Whether the filter lets a name through.
  bool wants(const std::string& name) const { return name.find(filter_) != std::string::npos; }
  /// `work` queues one call; its median of 15 rounds, each of as many calls as take some milliseconds.
  void operator()(const std::string& name, double bytes, double flops, const std::function<void()>& work);

  std::vector<DeviceSpeed> speeds() { return std::move(speeds_); }

 private:
  Device device_;
  std::string filter_;
  std::vector<DeviceSpeed> speeds_;
};

/// Activations of a layer of a ResNet, at most 32 images of 64 channels of 56 x 56 and about `elements`.
Shape image_activations(std::int64_t elements);

/// DeviceBench::layers.
void measure_layers(Measure& measure, std::int64_t elements);

}  // namespace rustorch::cli
