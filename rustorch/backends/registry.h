#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rustorch/backends/compute_backend.h"

namespace rustorch {

/// What looking for the devices of one kind found: a backend for each, or why there is none.
struct BackendProbe {
  std::vector<std::unique_ptr<ComputeBackend>> backends;
  std::string absence;
};

/// One kind of device beside the CPU and how its backends are opened.
struct BackendKind {
  DeviceType type;
  std::string_view title;  ///< as users write it: "CUDA"
  BackendProbe (*open)();  ///< nullptr where this build has no code for it
};

/// The list that a new backend is added to. Explicit, because linkers drop static initializers from static
/// libraries.
std::span<const BackendKind> backend_kinds() noexcept;

}  // namespace rustorch
