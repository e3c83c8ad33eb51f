#pragma once

#include <optional>
#include <string>

#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/parameter_types.h"

namespace rustorch::gpu {

/// Where a vector's elements lie, as kernels/row_team.h declares it.
struct Place {
  std::int64_t offset = 0, stride = 0;
};

/// The vectors of one element for each row, column or channel that a kernel reads and writes. Those that are
/// absent (without data) are not touched, and have the buffer and dtype of `some` vector that is there.
class VectorOperands {
 public:
  VectorOperands(KernelSource& source, const View& some) : source_(source), some_(some) {}

  /// Defines `name` as a storage of the source, and HAS_name.
  Place add(const std::string& name, const View& view) {
    const bool present = view.data != nullptr;
    source_.storage(name, present ? view.dtype : some_.dtype).define("HAS_" + name, present ? 1 : 0);
    return present ? Place{view.layout->offset, view.layout->strides[0]} : Place{};
  }
  BufferHandle buffer(const View& view) const noexcept {
    return view.data != nullptr ? view.data : some_.data;
  }

 private:
  KernelSource& source_;
  View some_;
};

inline View view_or_none(const std::optional<View>& view) { return view.value_or(View{}); }

}  // namespace rustorch::gpu
