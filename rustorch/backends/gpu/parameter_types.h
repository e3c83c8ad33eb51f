#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "rustorch/core/dtype.h"

namespace rustorch::gpu {

/// Whether counts up to `most` want KernelSource::wide_index; steps of all groups may be added to them.
inline bool needs_wide_index(std::int64_t most) noexcept {
  return most > std::numeric_limits<std::int32_t>::max() / 2;
}

/// Calls `work` with a value of the type that stands for C in a kernel of this floating-point compute type,
/// and one of the type that stands for `index`.
template <class Work>
void with_parameter_types(DType compute, bool wide_index, const Work& work) {
  const auto with_real = [&](auto real) {
    wide_index ? work(real, std::int64_t{}) : work(real, std::int32_t{});
  };
  compute == DType::float64 ? with_real(double{}) : with_real(float{});
}

}  // namespace rustorch::gpu
