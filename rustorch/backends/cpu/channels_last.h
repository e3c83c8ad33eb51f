#pragma once

#include "rustorch/core/layout.h"

namespace rustorch::cpu {

/// Whether the bytes of a layout [N, C, spatial…] are those of a dense channels-last one: dims of size 1 have
/// no say, so one channel in plain order counts too.
inline bool lies_channels_last(const Layout& layout) noexcept {
  if (layout.rank() < 2) return false;
  std::int64_t expected = 1;
  const auto next = [&](std::size_t dim) {
    const std::int64_t size = layout.shape[dim];
    if (size != 1 && layout.strides[dim] != expected) return false;
    expected *= size;
    return true;
  };
  if (!next(1)) return false;
  for (std::size_t dim = layout.rank(); dim-- > 2;) {
    if (!next(dim)) return false;
  }
  return next(0);
}

}  // namespace rustorch::cpu
