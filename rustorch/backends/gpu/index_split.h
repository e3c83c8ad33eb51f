#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace rustorch::gpu {

/// Sizes that kernels divide by (kernels/index_split.h): n / size is n · multiplier >> shift for n below
/// 2^31. Three members of a kernel's parameters.
template <class Index, std::size_t N>
struct Divisors {
  std::array<Index, N> size, multiplier, shift;

  void set(std::size_t i, std::int64_t divisor) {
    const auto bits = 31 + static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(divisor - 1)));
    size[i] = static_cast<Index>(divisor);
    multiplier[i] = static_cast<Index>((std::int64_t{1} << bits) / divisor + 1);
    shift[i] = static_cast<Index>(bits);
  }
};

}  // namespace rustorch::gpu
