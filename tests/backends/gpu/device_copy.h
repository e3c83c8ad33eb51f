#pragma once

#include "backends/host_tensor.h"
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

}  // namespace rustorch::testing
