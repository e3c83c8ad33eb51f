#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/host_tensor.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/runtime.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::testing {

/// A host tensor's bytes on a device, in the same layout.
class DeviceCopy {
 public:
  DeviceCopy(ComputeBackend& backend, HostTensor& host)
      : backend_(backend),
        host_(host),
        bytes_((static_cast<std::size_t>(host.layout().end()) + 1) * item_size(host.dtype())),
        buffer_(backend.allocator(), bytes_) {
    backend.copy_from_host(buffer_.data(), 0, host.view().data, bytes_);
  }
  View view() { return {buffer_.data(), &host_.layout(), host_.dtype()}; }
  void fetch() { backend_.copy_to_host(host_.view().data, buffer_.data(), 0, bytes_); }

 private:
  ComputeBackend& backend_;
  HostTensor& host_;
  std::size_t bytes_;
  Buffer buffer_;
};

/// Runs `work(backend, view)` on a device, twice, and on the CPU; view(tensor) is the operand there. What it
/// writes to `results` is the same bits both times, and as on the CPU but for `tolerance` spacings of the
/// result's dtype. The results keep what the CPU wrote.
template <class Work>
void expect_as_on_cpu(gpu::GpuBackend& device, const std::vector<HostTensor*>& inputs,
                      const std::vector<HostTensor*>& results, const Work& work, double tolerance,
                      const std::string& what) {
  SCOPED_TRACE(what);
  const auto on_device = [&] {
    std::vector<HostTensor> written;
    for (HostTensor* result : results) written.push_back(*result);
    std::vector<std::unique_ptr<DeviceCopy>> copies;
    for (HostTensor* input : inputs) copies.push_back(std::make_unique<DeviceCopy>(device, *input));
    for (HostTensor& result : written) copies.push_back(std::make_unique<DeviceCopy>(device, result));
    work(static_cast<ComputeBackend&>(device), [&](HostTensor& tensor) {
      const auto place = [&](const std::vector<HostTensor*>& list) {
        return static_cast<std::size_t>(std::ranges::find(list, &tensor) - list.begin());
      };
      const std::size_t input = place(inputs);
      return copies.at(input < inputs.size() ? input : inputs.size() + place(results))->view();
    });
    for (std::size_t k = inputs.size(); k < copies.size(); ++k) copies[k]->fetch();
    return written;
  };
  const std::vector<HostTensor> first = on_device(), second = on_device();
  work(cpu_backend(), [](HostTensor& tensor) { return tensor.view(); });
  for (std::size_t k = 0; k < results.size(); ++k) {
    const std::string name = what + ", result " + std::to_string(k);
    expect_near(first[k], values_of(*results[k]), tolerance * epsilon_of(results[k]->dtype()), name);
    EXPECT_TRUE(first[k].has_bytes_of(second[k])) << name << " differs in the second run";
  }
}

}  // namespace rustorch::testing
