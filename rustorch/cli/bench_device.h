#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rustorch/device/device.h"
#include "rustorch/model_io/common/json.h"

namespace rustorch::cli {

/// What is measured on a device.
enum class DeviceBench : std::uint8_t {
  ops,          ///< operations on large tensors, whose floor is the memory
  gemm,         ///< square matrix products
  convolution,  ///< a layer of a ResNet and its gradients, in both orders of memory
  layers,       ///< pooling, normalization and others, alone and with their gradients
  transfer,     ///< copies between host and device
};

/// One measurement: the median time of one call, and what it moved or computed at least.
struct DeviceSpeed {
  Device device;
  std::string name;
  double seconds = 0;
  double bytes = 0;  ///< 0 where operations count
  double flops = 0;
};

/// Measures one device. `elements`: of each tensor of `ops` (0: 2^28, less where memory is small); `gemm`
/// takes matrices of its square root, at most 4096; `convolution` and `layers` activations of so many
/// elements, at most 32 images of 64 channels of 56 x 56; `transfer` so many bytes as a tensor of floats has.
/// Only names that contain `filter` are measured.
std::vector<DeviceSpeed> bench_device(Device device, DeviceBench what, std::int64_t elements,
                                      const std::string& filter);

model_io::Json to_json(const std::vector<DeviceSpeed>& speeds);
void print(const std::vector<DeviceSpeed>& speeds);

}  // namespace rustorch::cli
