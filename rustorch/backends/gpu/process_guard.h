#pragma once

#include <string_view>

namespace rustorch::gpu {

/// Remembers the process that opened a device. Drivers do not survive fork(): their threads and queues stay
/// with the parent, and a call in the child hangs or crashes.
class ProcessGuard {
 public:
  /// `api`: how users write it, for the error.
  explicit ProcessGuard(std::string_view api) noexcept;
  bool is_same() const noexcept;
  /// An Error (unsupported) in a child of the process that opened the device.
  void require_same() const;

 private:
  std::string_view api_;
  int process_;
};

}  // namespace rustorch::gpu
