#include "rustorch/backends/gpu/radix_sort.h"

#include "rustorch/backends/gpu/launch.h"

namespace rustorch::gpu {
namespace {

/// As kernels/radix_sort.h declares it.
struct Parameters {
  std::int64_t rows, length, blocks;
  std::uint32_t shift, padding;
};

}  // namespace

RadixSort::RadixSort(GpuBackend& backend, std::int64_t rows, std::int64_t length, int bits)
    : backend_(backend), rows_(rows), length_(length), bits_(bits) {
  const auto elements = static_cast<std::size_t>(rows * length);
  const std::size_t copies = passes_for(bits) > 0 ? 2 : 1;
  for (std::size_t k = 0; k < copies; ++k) {
    keys_[k] = Buffer(backend.allocator(), elements * (has_wide_keys(bits) ? 8 : 4));
    places_[k] = Buffer(backend.allocator(), elements * 4);
  }
}

void RadixSort::sort() {
  if (bits_ == 0) return;
  KernelSource source("radix_sort.h", DType::int32);
  source.define("KEY", has_wide_keys(bits_) ? "u64" : "u32");
  Parameters parameters{rows_, length_, blocks_of(length_), 0, 0};
  const std::int64_t row_counts = (std::int64_t{1} << digit_bits) * parameters.blocks;
  const Buffer counts(backend_.allocator(), static_cast<std::size_t>(rows_ * row_counts) * 4);
  const LaunchShape by_block = launch_for(rows_ * parameters.blocks, 1);
  for (int pass = 0; pass < passes_for(bits_); ++pass) {
    parameters.shift = static_cast<std::uint32_t>(pass * digit_bits);
    backend_.launch(source, "count_digits", by_block, {keys(), counts.data()}, parameters);
    scan_counts(backend_, counts.data(), rows_, row_counts);
    backend_.launch(source, "move_digits", by_block,
                    {keys(), places(), keys_[1].data(), places_[1].data(), counts.data()}, parameters);
    std::swap(keys_[0], keys_[1]);
    std::swap(places_[0], places_[1]);
  }
}

}  // namespace rustorch::gpu
