#pragma once

#include "rustorch/backends/gpu/gpu_backend.h"

namespace rustorch::gpu {

/// Elements of a block of kernels/nonzero.h and kernels/sort.h, whose counts are scanned.
inline constexpr std::int64_t counted_block = 2048;

/// Replaces each of `length` adjacent 32-bit counts of a row by the sum of those before it.
void scan_counts(GpuBackend& backend, BufferHandle counts, std::int64_t rows, std::int64_t length);

}  // namespace rustorch::gpu
